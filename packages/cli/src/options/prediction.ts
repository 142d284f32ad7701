import { oneOf } from "./choice.js";
import { readShare } from "./numbers.js";
import { flag, single } from "./rule.js";

/** How the prediction is checked. */
export const predictionOptions = {
  heading: "Checks:",
  rules: {
    trustTolerance: single(
      {
        flags: "--trust-tolerance <share>",
        help: "relative error of the parameters' shift that the trust radius allows",
        shown: "0.1",
      },
      0.1,
      readShare,
    ),
    secondOrder: single(
      {
        flags: "--second-order <how>",
        help: "also predict the training change to second order: plain, or density (with the mean effect of corners)",
        shown: "none",
      },
      "none" as const,
      oneOf(["none", "plain", "density"] as const),
    ),
    exact: flag(
      {
        flags: "--no-exact",
        help: "leave out the exact robust optima, which stand beside the prediction where that takes under a second",
      },
      true,
    ),
  },
};

const { trustTolerance, secondOrder } = predictionOptions.rules;

/** Where exact optima are what was asked for. */
export const verificationOptions = { heading: predictionOptions.heading, rules: { trustTolerance, secondOrder } };
