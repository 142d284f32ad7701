import { type FeatureRule, parseFeatureRule, parseProjects } from "@aif/core";
import { usageError } from "../errors.js";
import { checkChartPath } from "../output/chart-file.js";
import { adversaryOptions } from "./adversary.js";
import { suggesting } from "./choice.js";
import { dataOptions } from "./data.js";
import { evaluationOptions } from "./evaluation.js";
import { MODEL_WORDS, modelOptions } from "./model.js";
import { networkOptions } from "./network.js";
import { readInteger, readNumber, readNumbers } from "./numbers.js";
import { outputOptions } from "./output.js";
import { predictionOptions } from "./prediction.js";
import { representationOptions } from "./representation.js";
import { list, single } from "./rule.js";
import { memory } from "./runtime.js";
import { splitNames } from "./split.js";

const { by: _by, ...dataRules } = dataOptions.rules;

/** Groups of rows are a matter of one model. */
export const comparedData = { heading: dataOptions.heading, rules: dataRules };

const readFeatures = (given: string, option: string): readonly FeatureRule[] => [
  parseFeatureRule(given) ?? { kind: "columns", columns: splitNames(given, option) },
];

const { loss, classWeight, intercept, standardize } = modelOptions.rules;

/** Which models are compared: every combination. */
export const familyOptions = {
  heading: "Models (every combination is compared):",
  rules: {
    models: list(
      {
        flags: "--model <kind>",
        help: "as for aif analyze; repeat it for several: --model linear --model quadratic --model mlp:8",
        shown: "linear, or logistic for two labels",
      },
      [],
      suggesting(MODEL_WORDS, (given: string) => [given]),
    ),
    features: list(
      {
        flags: "--features <choice>",
        help: 'columns of the models: all, a,b,c, "first 1..5" (in the table\'s order), "forward 1..5" or "lasso 1..5" (selected, anew in every fold), forward for every number; repeat it for several',
        shown: "all",
      },
      [],
      readFeatures,
    ),
    l2: list(
      { flags: "--l2 <list>", help: "ridges: 0,0.01,0.1", shown: "0; mlp: 0.001, times the target's variance" },
      [],
      readNumbers,
    ),
    l1: list(
      { flags: "--l1 <list>", help: "l1 penalties (lasso), 0 for none: 0,0.01,0.1", shown: "none" },
      [],
      readNumbers,
    ),
    projects: list(
      {
        flags: "--project <how>",
        help: "components in place of the columns: pca:1..8, factors:2, none; repeat it for several",
        shown: "none",
      },
      [],
      parseProjects,
    ),
    smoothing: list(
      { flags: "--smoothing <list>", help: "σ of Gaussian noise on the inputs, 0 for none: 0,0.25,0.5", shown: "none" },
      [],
      readNumbers,
    ),
    seeds: single(
      { flags: "--seeds <N>", help: "train every network from N seeds: its median and spread", shown: "1" },
      1,
      (given, option) => readInteger(given, option, 1),
    ),
    loss,
    classWeight,
    intercept,
    standardize,
  },
};

const { smoothingAttack, smoothingEvaluation, smoothingBudget, smoothingDraws } = representationOptions.rules;

/** What is said of noise beside its σ, the same for all. */
export const comparedNoise = {
  heading: "Noise (of models with --smoothing above 0):",
  rules: { smoothingAttack, smoothingEvaluation, smoothingBudget, smoothingDraws },
};

const { activation, optimizer, curvature, damping, solver } = networkOptions.rules;

/** How networks are trained. */
export const comparedNetworks = {
  heading: "Networks:",
  rules: { activation, optimizer, curvature, damping, solver, memory },
};

function readOne(given: string, option: string): number {
  if (given.includes(",")) {
    throw usageError(
      `${option} takes one size in a comparison, not "${given}": the ranking depends on it, so run once for each.`,
    );
  }
  return readNumber(given, option);
}

const { norm, wasserstein, divergence, freeze, budget, bounds } = adversaryOptions.rules;

/** The adversary, the same for all. */
export const comparedAdversary = {
  heading: adversaryOptions.heading,
  rules: {
    norm,
    wasserstein,
    divergence,
    epsilon: single(
      {
        flags: "--epsilon <ε>",
        help: "size relative to the mean norm of what each model sees; ρ = ε·c of all columns is the fixed radius beside it",
        shown: "the largest, up to 0.3, that every known trust radius allows",
      },
      null,
      readOne,
    ),
    radius: single(
      { flags: "--radius <ρ>", help: "the fixed radius instead, in the units the models see" },
      null,
      readOne,
    ),
    freeze,
    budget,
    bounds,
  },
};

export const comparedEvaluation = {
  heading: evaluationOptions.heading,
  rules: {
    ...evaluationOptions.rules,
    evaluation: { ...evaluationOptions.rules.evaluation, shown: "cv:10; fraction:0.2 where there is an mlp" },
  },
};

export const comparedChecks = {
  heading: predictionOptions.heading,
  rules: { trustTolerance: predictionOptions.rules.trustTolerance },
};

const { format, out, report, quiet } = outputOptions.rules;

/** Where the table and the chart go. */
export const comparisonOutput = {
  heading: outputOptions.heading,
  rules: {
    format,
    out,
    chart: single(
      {
        flags: "--chart <file>",
        help: "draw natural loss against cost of robustness, and the intervals: .svg or .png",
      },
      null,
      checkChartPath,
    ),
    report,
    quiet,
  },
};
