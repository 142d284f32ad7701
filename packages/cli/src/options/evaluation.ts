import { type EvaluationPlan, parseEvaluation } from "@aif/core";
import { suggesting } from "./choice.js";
import { readInteger } from "./numbers.js";
import { single, text } from "./rule.js";

const flags = "--evaluation <how>";
const help = "cv:10 (folds), fraction:0.2 (held out), training (in-sample) or a file of new rows";
const PLANS = ["cv:10", "fraction:0.2", "training"];
const inSample: EvaluationPlan = { kind: "training" };

/** On which rows the loss is evaluated. */
export const evaluationOptions = {
  heading: "Evaluation:",
  rules: {
    evaluation: single(
      { flags, help, shown: "cv:10; fraction:0.2 for mlp, training for imports" },
      null,
      suggesting(PLANS, parseEvaluation),
    ),
    splitBy: single(
      { flags: "--split-by <column>", help: "rows with the same value there stay in one fold" },
      null,
      text,
    ),
    seed: single({ flags: "--seed <integer>", help: "seed of the random split", shown: "0" }, 0, (given, option) =>
      readInteger(given, option, Number.MIN_SAFE_INTEGER),
    ),
  },
};

/** The same where the training rows are what a command is about. */
export const trainingEvaluationOptions = {
  heading: evaluationOptions.heading,
  rules: {
    ...evaluationOptions.rules,
    evaluation: single({ flags, help, shown: "training" }, inSample, suggesting(PLANS, parseEvaluation)),
  },
};
