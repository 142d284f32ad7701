import { LOSSES, type LossName } from "@aif/core";
import { oneOf } from "./choice.js";
import { readNumber } from "./numbers.js";
import { flag, single, text } from "./rule.js";

const isLoss = (name: string): name is LossName => Object.hasOwn(LOSSES, name);

/** Of all models, those with scores of several classes last. */
const lossNames = [...Object.keys(LOSSES).filter(isLoss), "softmax" as const];

/** What is fitted. */
export const modelOptions = {
  heading: "Model:",
  rules: {
    model: single(
      {
        flags: "--model <kind>",
        help: "linear, logistic, poisson, quadratic, basis:<terms> (such as basis:x,x^2,x*z), softmax or mlp:64,32",
        shown: "linear, or logistic for two labels",
      },
      null,
      text,
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
    C: single({ flags: "--C <number>", help: "ridge as scikit-learn's C, instead of --l2" }, null, readNumber),
    alpha: single(
      { flags: "--alpha <number>", help: "ridge as scikit-learn's alpha, instead of --l2" },
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
