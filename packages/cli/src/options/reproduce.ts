import { usageError } from "../errors.js";
import { readInteger, readNorms } from "./numbers.js";
import { outputOptions } from "./output.js";
import { flag, single } from "./rule.js";

function readNorm(text: string, option: string): number {
  const norms = readNorms(text, option);
  if (norms.length === 1) return norms[0];
  throw usageError(`${option} takes one norm here, not "${text}"; run once for each.`);
}

/** What is drawn and attacked; what is left open is as the experiment has it. */
export const experimentOptions = {
  heading: "Experiment:",
  rules: {
    repetitions: single(
      {
        flags: "--repetitions <N>",
        help: "data sets to draw; of several, means and standard errors",
        shown: "as in the paper",
      },
      null,
      (given, option) => readInteger(given, option, 1),
    ),
    seed: single({ flags: "--seed <integer>", help: "seed of the data sets", shown: "0" }, null, (given, option) =>
      readInteger(given, option, Number.MIN_SAFE_INTEGER),
    ),
    norm: single(
      { flags: "--norm <p>", help: "norm of the attack: 1, 2, inf or any p ≥ 1", shown: "2" },
      null,
      readNorm,
    ),
  },
};

const readFolder = (path: string, option: string): string => {
  if (path !== "") return path;
  throw usageError(`${option} needs the name of a folder.`);
};

/** The pictures of Figure 2(b). */
export const digitOptions = {
  heading: "Pictures:",
  rules: {
    mnist: single(
      {
        flags: "--mnist <folder>",
        help: "figure2b: the folder with MNIST's training files (aif data mnist fetches them)",
        shown: "$AIF_MNIST, mnist or ../shared/data/mnist; without them drawn digits",
      },
      null,
      readFolder,
    ),
  },
};

/** Where the numbers and the chart go. */
export const reproductionOutput = {
  heading: outputOptions.heading,
  rules: {
    out: single(
      {
        flags: "--out <folder>",
        help: "write the numbers (CSV), the chart (SVG) and the run (JSON) there; a run with the same settings is gone on with",
      },
      null,
      readFolder,
    ),
    report: outputOptions.rules.report,
    force: flag({ flags: "--force", help: "overwrite another run in that folder" }, false),
    rawCsv: outputOptions.rules.rawCsv,
    quiet: outputOptions.rules.quiet,
  },
};
