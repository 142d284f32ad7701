import { usageError } from "../errors.js";
import { oneOf } from "./choice.js";
import { readPath } from "./file-name.js";
import { readInteger, readNumber } from "./numbers.js";
import { flag, list, single } from "./rule.js";
import { splitNames } from "./split.js";

/** A number, or a fraction such as 1/255. */
function readFraction(given: string, option: string): number {
  const parts = given.split("/");
  if (parts.length > 2) throw usageError(`${option} takes a number or a fraction such as 1/255, not "${given}".`);
  const [top, bottom] = parts.map((part) => readNumber(part, option));
  return parts.length === 1 ? top : top / bottom;
}

type Solver = "auto" | "cholesky" | "cg" | "lissa" | "nystrom";

const solvers: readonly Solver[] = ["auto", "cholesky", "cg", "lissa", "nystrom"];

/** Models without a closed form: trained here, or elsewhere. */
export const networkOptions = {
  heading: "Networks and imports:",
  rules: {
    activation: single(
      { flags: "--activation <name>", help: "of hidden layers: tanh, relu, softplus, gelu or sigmoid", shown: "tanh" },
      null,
      oneOf(["tanh", "relu", "softplus", "gelu", "sigmoid"] as const),
    ),
    optimizer: single(
      {
        flags: "--optimizer <name>",
        help: "of networks: lbfgs (to a minimum) or adam (stops early)",
        shown: "lbfgs; adam with --l2 0",
      },
      null,
      oneOf(["lbfgs", "adam"] as const),
    ),
    restarts: single(
      {
        flags: "--restarts <N>",
        help: "train from N seeds, analyse the lowest minimum, and show how S varies",
        shown: "1",
      },
      1,
      (given, option) => readInteger(given, option, 1),
    ),
    import: single(
      { flags: "--import <file>", help: "a model trained elsewhere: .onnx, .safetensors, or coefficients (JSON, CSV)" },
      null,
      readPath,
    ),
    columns: list(
      {
        flags: "--columns <columns>",
        help: "the table's columns in the order of the import's inputs",
        shown: "by name",
      },
      null,
      splitNames,
    ),
    classes: list(
      { flags: "--classes <labels>", help: "the labels in the order of the import's scores", shown: "the file's" },
      null,
      splitNames,
    ),
    scaler: single(
      { flags: "--scaler <file>", help: 'what the import was trained behind: {"mean": […], "scale": […]}' },
      null,
      readPath,
    ),
    inputScale: single(
      {
        flags: "--input-scale <factor>",
        help: "the model sees every column times this, such as 1/255, and not standardised",
      },
      null,
      readFraction,
    ),
    polish: flag(
      { flags: "--no-polish", help: "leave an imported linear model as it is, short of the minimum on these rows" },
      true,
    ),
    force: flag({ flags: "--force", help: "go on although a constant predicts better than the import" }, false),
    curvature: single(
      {
        flags: "--curvature <kind>",
        help: "second derivatives: hessian or gauss-newton (never negative)",
        shown: "hessian at a minimum, else gauss-newton",
      },
      null,
      oneOf(["hessian", "gauss-newton"] as const),
    ),
    damping: single(
      { flags: "--damping <λ>", help: "solve with H+λI", shown: "0 at a minimum, else chosen from H" },
      null,
      readNumber,
    ),
    solver: single(
      { flags: "--solver <name>", help: `of the linear system: ${solvers.join(", ")}`, shown: "auto" },
      "auto" as const,
      oneOf(solvers),
    ),
    attackRows: single(
      {
        flags: "--attack-rows <N>",
        help: "search losses under attack on N rows drawn from all, or on all of them",
        shown: "all; 2000 where rows × parameters pass 50 million",
      },
      null,
      (given, option) => (given === "all" ? ("all" as const) : readInteger(given, option, 2)),
    ),
    allowUnconverged: flag(
      { flags: "--allow-unconverged", help: "take the answer of a solver that ran out of iterations" },
      false,
    ),
  },
};
