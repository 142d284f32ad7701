import { oneOf } from "./choice.js";
import { readInteger, readNumber } from "./numbers.js";
import { flag, single } from "./rule.js";

/** Kernel regressions. */
export const kernelOptions = {
  heading: "Kernel regressions:",
  rules: {
    gamma: single(
      { flags: "--gamma <γ>", help: "width of rbf, matern52 and poly", shown: "1/(2·median ‖x−z‖²)" },
      null,
      readNumber,
    ),
    degree: single({ flags: "--degree <d>", help: "of kernel:poly", shown: "3" }, null, (given, option) =>
      readInteger(given, option, 1),
    ),
    ridge: single(
      {
        flags: "--ridge <λ>",
        help: "adds λ·(sum of squared coefficients) to the mean loss; with --penalty rkhs λ·θ'Kθ",
        shown: "a hundredth of the mean eigenvalue that it joins",
      },
      null,
      readNumber,
    ),
    penalty: single(
      {
        flags: "--penalty <kind>",
        help: "coefficients (λ‖θ‖², the paper's) or rkhs (λθ'Kθ, the usual one)",
        shown: "coefficients",
      },
      null,
      oneOf(["coefficients", "rkhs"] as const),
    ),
    centres: single(
      {
        flags: "--centres <rule>",
        help: "move: attacked training rows move the model's centres too; fixed: they stay",
        shown: "move",
      },
      null,
      oneOf(["move", "fixed"] as const),
    ),
    sphere: flag({ flags: "--sphere", help: "attacked training rows keep their length (with --norm 2)" }, false),
  },
};
