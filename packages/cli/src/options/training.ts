import { DEFAULT_TRAINING } from "@aif/core";
import { adversaryOptions } from "./adversary.js";
import { checkpointHeading, checkpointRules } from "./checkpoint.js";
import { oneOf } from "./choice.js";
import { readInteger, readNumber } from "./numbers.js";
import { flag, single } from "./rule.js";

const { norm, epsilon, radius, freeze, budget, bounds } = adversaryOptions.rules;

/** One attack to train against. */
export const trainingAdversaryOptions = {
  heading: adversaryOptions.heading,
  rules: {
    norm: { ...norm, flags: "--norm <p>", help: "norm of the attack: 1, 2, inf or any p ≥ 1" },
    epsilon: {
      ...epsilon,
      flags: "--epsilon <ε>",
      help: "size of the attack, relative to the rows' mean norm, such as 0.01",
      shown: null,
    },
    radius: { ...radius, flags: "--radius <ρ>", help: "absolute size instead, in the units the model sees" },
    freeze,
    budget,
    bounds,
  },
};

const fewest = (least: number) => (given: string, option: string) => readInteger(given, option, least);

/** The two minimax searches. */
export const trainingOptions = {
  heading: "Training:",
  rules: {
    innerSteps: single(
      { flags: "--inner-steps <N>", help: "steps of the projected gradient, for the attack on every row", shown: "10" },
      DEFAULT_TRAINING.innerSteps,
      fewest(1),
    ),
    innerStepSize: single(
      {
        flags: "--inner-step-size <share>",
        help: "length of its first step, relative to the radius; later ones adapt",
        shown: "0.5",
      },
      DEFAULT_TRAINING.innerStepSize,
      readNumber,
    ),
    restarts: single(
      { flags: "--restarts <N>", help: "random starts of the attack, besides no perturbation", shown: "0" },
      DEFAULT_TRAINING.restarts,
      fewest(0),
    ),
    exactInner: flag({ flags: "--exact-inner", help: "the exact worst case instead, where it is known" }, false),
    outer: single(
      { flags: "--outer <method>", help: "minimiser over the parameters: lbfgs or gradient", shown: "lbfgs" },
      DEFAULT_TRAINING.outer,
      oneOf(["lbfgs", "gradient"] as const),
    ),
    outerSteps: single(
      { flags: "--outer-steps <N>", help: "iterations at most, those before a checkpoint included", shown: "200" },
      DEFAULT_TRAINING.outerSteps,
      fewest(0),
    ),
    tolerance: single(
      { flags: "--tolerance <number>", help: "relative gradient to stop at", shown: "1e-8" },
      DEFAULT_TRAINING.tolerance,
      readNumber,
    ),
    gapTolerance: single(
      {
        flags: "--gap-tolerance <share>",
        help: "duality gap to stop at, relative to the objective, where a gap is known",
        shown: "1e-11",
      },
      DEFAULT_TRAINING.gapTolerance,
      readNumber,
    ),
    gapEvery: single(
      { flags: "--gap-every <N>", help: "iterations between measurements of the gap", shown: "10" },
      DEFAULT_TRAINING.gapEvery,
      fewest(1),
    ),
    seed: single({ flags: "--seed <integer>", help: "seed of the random starts", shown: "0" }, 0, (given, option) =>
      readInteger(given, option, Number.MIN_SAFE_INTEGER),
    ),
  },
};

const { checkpoint, resume } = checkpointRules("keep the state of the training there");

/** What is kept of unfinished work. */
export const checkpointOptions = {
  heading: checkpointHeading,
  rules: {
    checkpoint,
    checkpointEvery: single(
      { flags: "--checkpoint-every <N>", help: "iterations from one state that is kept to the next", shown: "10" },
      10,
      fewest(1),
    ),
    resume,
  },
};
