import { DEFAULT_SMOOTHING, parseProject, type SmoothingSettings } from "@aif/core";
import { usageError } from "../errors.js";
import { oneOf } from "./choice.js";
import { readInteger, readNumber } from "./numbers.js";
import { single, type ValuesOf } from "./rule.js";

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
    smoothing: single(
      {
        flags: "--smoothing <σ>",
        help: "Gaussian noise on the inputs, its standard deviation as the model sees them (standardised by default)",
        shown: "0",
      },
      null,
      readNumber,
    ),
    smoothingAttack: single(
      {
        flags: "--smoothing-attack <what>",
        help: "draw: the adversary sees the noisy row; smoothed: it attacks the mean loss over the noise",
        shown: DEFAULT_SMOOTHING.attack,
      },
      null,
      oneOf(["draw", "smoothed"] as const),
    ),
    smoothingEvaluation: single(
      {
        flags: "--smoothing-evaluation <rows>",
        help: "noisy or clean: whether losses are judged on rows with noise",
        shown: DEFAULT_SMOOTHING.evaluation,
      },
      null,
      oneOf(["noisy", "clean"] as const),
    ),
    smoothingBudget: single(
      {
        flags: "--smoothing-budget <rows>",
        help: "clean or noisy: whose mean norm c is, the unit of ε",
        shown: DEFAULT_SMOOTHING.budget,
      },
      null,
      oneOf(["clean", "noisy"] as const),
    ),
    smoothingDraws: single(
      {
        flags: "--smoothing-draws <count>",
        help: "noisy copies of every row, a multiple of 16",
        shown: String(DEFAULT_SMOOTHING.draws),
      },
      null,
      (text, option) => readInteger(text, option, 16),
    ),
  },
};

/** The options as settings. @throws usage: what says something about noise that there is not. */
export function representationSettings({
  project,
  smoothing,
  smoothingAttack: attack,
  smoothingEvaluation: evaluation,
  smoothingBudget: budget,
  smoothingDraws: draws,
}: ValuesOf<typeof representationOptions>): {
  project: typeof project;
  smoothing: SmoothingSettings | null;
} {
  const given = { attack, evaluation, budget, draws };
  if (smoothing === null) {
    const stray = Object.entries(given).find(([, value]) => value !== null)?.[0];
    if (stray) throw usageError(`--smoothing-${stray} says something about --smoothing, which is not given.`);
    return { project, smoothing: null };
  }
  return {
    project,
    smoothing: {
      sigma: smoothing,
      attack: attack ?? DEFAULT_SMOOTHING.attack,
      evaluation: evaluation ?? DEFAULT_SMOOTHING.evaluation,
      budget: budget ?? DEFAULT_SMOOTHING.budget,
      draws: draws ?? DEFAULT_SMOOTHING.draws,
      batch: null,
    },
  };
}
