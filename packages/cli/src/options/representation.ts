import { parseProject } from "@aif/core";
import { single } from "./rule.js";

/** What the model sees in place of the features, which the adversary still acts on. */
export const representationOptions = {
  heading: "Inputs of the model:",
  rules: {
    project: single(
      {
        flags: "--project <how>",
        help: "pca:k or factors:k, learned from the rows, or a file with a matrix (features × components); the adversary acts on the features",
        shown: "the features themselves",
      },
      null,
      parseProject,
    ),
  },
};
