import { KERNEL_NAMES, LOSSES, type LossName, MODEL_KINDS } from "@aif/core";
import { oneOf, suggesting } from "./choice.js";
import { readNumber, readNumbers } from "./numbers.js";
import { flag, type OptionRule, single, text } from "./rule.js";

const isLoss = (name: string): name is LossName => Object.hasOwn(LOSSES, name);

/** Of all models, those with scores of several classes last. */
const lossNames = [...Object.keys(LOSSES).filter(isLoss), "softmax" as const];

/** How models are named; the terms of a basis and the widths of a network follow. */
export const MODEL_WORDS: readonly string[] = [
  ...MODEL_KINDS.map((kind) => (kind === "basis" ? "basis:" : kind)),
  "softmax",
  "mlp:",
  ...KERNEL_NAMES.map((name) => `kernel:${name}`),
];

/** Numbers, or "path" for a grid. */
function readL1(given: readonly string[], option: string): readonly number[] | "path" | null {
  if (given.length === 1 && given[0].trim() === "path") return "path";
  return [...new Set(given.flatMap((list) => readNumbers(list, option)))];
}

/** What is fitted. */
export const modelOptions = {
  heading: "Model:",
  rules: {
    model: single(
      {
        flags: "--model <kind>",
        help: "linear, logistic, poisson, quadratic, basis:<terms> (such as basis:x,x^2,x*z), softmax, mlp:64,32 or kernel:rbf|matern52|poly|ntk|nngp",
        shown: "linear, or logistic for two labels",
      },
      null,
      suggesting(MODEL_WORDS, text),
    ),
    loss: single(
      { flags: "--loss <name>", help: lossNames.join(", "), shown: "the model's own" },
      null,
      oneOf(lossNames),
    ),
    l2: single(
      {
        flags: "--l2 <λ>",
        help: "ridge: adds ½·λ·(sum of squared coefficients) to the mean loss",
        shown: "0; mlp: 0.001, times the target's variance",
      },
      null,
      readNumber,
    ),
    l1: {
      flags: "--l1 <λ>",
      help: "lasso: adds λ·(sum of absolute coefficients) to the mean loss, which sets some to 0; of several λ (0.01,0.1), or path, the best is analysed",
      shown: null,
      fallback: null,
      read: readL1,
    } satisfies OptionRule<readonly number[] | "path" | null>,
    C: single({ flags: "--C <number>", help: "ridge as scikit-learn's C, instead of --l2" }, null, readNumber),
    alpha: single(
      { flags: "--alpha <number>", help: "ridge as scikit-learn's alpha, instead of --l2" },
      null,
      readNumber,
    ),
    l1Ratio: single(
      {
        flags: "--l1-ratio <share>",
        help: "which share of --C or --alpha is an l1 penalty, as in scikit-learn's LogisticRegression and ElasticNet (1: lasso)",
      },
      null,
      readNumber,
    ),
    classWeight: single(
      { flags: "--class-weight <rule>", help: "balanced: all classes weigh the same in training", shown: "none" },
      null,
      oneOf(["none", "balanced"] as const),
    ),
    intercept: flag({ flags: "--no-intercept", help: "fit no constant term" }, true),
    standardize: flag(
      { flags: "--no-standardize", help: "use columns as they are, not scaled to mean 0 and standard deviation 1" },
      true,
    ),
  },
};
