import { meanStandardError } from "../../influence/sampling.js";
import { normalQuantile } from "../../stats/distributions.js";
import { exponentName } from "../../threats/norms.js";
import { noiseOf } from "../noise.js";
import { projectName } from "../project-settings.js";
import { resolvedSettings } from "../resolved-settings.js";
import { evaluationName, type StudySettings } from "../settings.js";
import { DEFAULT_SMOOTHING } from "../smoothing-settings.js";
import { resolveReach } from "../threat-choice.js";
import type { WholeInput } from "./comparison-input.js";
import type {
  ComparedModel,
  ComparisonResult,
  ComparisonSettings,
  Estimate,
  ModelAtSize,
  SeedSpread,
  Spread,
} from "./comparison-result.js";
import type { EvaluatedCandidate, SeededResult } from "./evaluated.js";
import type { WholeFamily } from "./family.js";
import { choiceName, type FeatureRule } from "./feature-rule.js";
import type { ComparisonGround } from "./ground.js";
import { informationOf } from "./information.js";
import type { Convention } from "./quantities.js";
import type { ComparedSizes } from "./sizes.js";

/** Everything that is said of one model by itself. */
export function comparedModel(
  one: EvaluatedCandidate,
  sizes: ComparedSizes,
  ground: ComparisonGround,
  settings: StudySettings,
): ComparedModel {
  const { candidate, losses, scale } = one;
  const { information, reason } = informationOf(one, ground.training, settings);
  return {
    name: candidate.name,
    model: one.model,
    features: choiceName(candidate.features),
    columns: one.columns,
    chosen: one.stability,
    l2: one.l2,
    l1: one.l1,
    project: one.project,
    kernel: one.kernel,
    smoothing: noiseOf(candidate.settings)?.sigma ?? 0,
    parameters: one.parameters,
    attacked: one.attacked,
    scale,
    trainingLoss: one.trainingLoss,
    naturalLoss: estimateOf(losses.natural, ground, settings),
    sensitivity: one.sensitivity,
    relative: atSize(one, "relative", sizes, ground, settings),
    absolute: atSize(one, "absolute", sizes, ground, settings),
    trustRadius: one.trustRadius,
    populationReason: one.populationReason,
    information,
    informationReason: reason,
    seeds: one.seeds && spreadOfSeeds(one.seeds),
  };
}

function estimateOf(
  values: Float64Array,
  { training, evaluation, sampling }: ComparisonGround,
  { inference, confidence }: StudySettings,
): Estimate {
  const w = (evaluation ?? training).evaluationWeights;
  const value = values.reduce((sum, one, i) => sum + w[i] * one, 0);
  const standardError = meanStandardError(values, w, sampling.evaluation);
  const reach = normalQuantile(0.5 + confidence / 2) * standardError;
  return { value, standardError, interval: inference === "none" ? null : [value - reach, value + reach] };
}

function atSize(
  one: EvaluatedCandidate,
  convention: Convention,
  sizes: ComparedSizes,
  ground: ComparisonGround,
  settings: StudySettings,
): ModelAtSize {
  const { changes, attacked } = one.losses[convention];
  const radius = convention === "relative" ? sizes.epsilon * one.scale : sizes.radius;
  const epsilon = convention === "relative" ? sizes.epsilon : one.scale > 0 ? sizes.radius / one.scale : null;
  const mean = (values: Float64Array): number => estimateOf(values, ground, settings).value;
  const population = one.population;
  return {
    epsilon,
    radius,
    cost: estimateOf(changes, ground, settings),
    robustLoss: attacked && { now: mean(attacked.now), after: mean(attacked.after) },
    population: population && {
      predicted: population[convention].predicted,
      interval: population[convention].interval,
      method: population.method,
    },
    extrapolated: one.trustRadius === null || epsilon === null ? null : epsilon > one.trustRadius * (1 + 1e-9),
  };
}

function spreadOfSeeds(seeds: readonly SeededResult[]): SeedSpread {
  const runs = seeds.map(({ seed, naturalLoss, trustRadius, cost }) => ({
    seed,
    naturalLoss,
    trustRadius,
    relativeCost: cost.relative,
    absoluteCost: cost.absolute,
  }));
  return {
    runs,
    naturalLoss: spread(runs.map(({ naturalLoss }) => naturalLoss)),
    relativeCost: spread(runs.map(({ relativeCost }) => relativeCost)),
    absoluteCost: spread(runs.map(({ absoluteCost }) => absoluteCost)),
  };
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  return {
    median: 0.5 * (sorted[Math.floor(half)] + sorted[Math.ceil(half)]),
    least: sorted[0],
    most: sorted[sorted.length - 1],
  };
}

export function dataSection(
  { table, settings }: WholeInput,
  { training, evaluation }: ComparisonGround,
): ComparisonResult["data"] {
  return {
    source: table.source,
    rows: training.rows,
    features: training.features,
    target: training.encoding.target.column,
    labels: training.labels,
    classes: training.classes,
    evaluation: evaluationName(settings.evaluation),
    evaluationRows: (evaluation ?? training).rows,
    clusters: training.clusters ? new Set(training.clusters).size : null,
  };
}

export function settingsSection(
  { settings, table, family }: WholeInput,
  { training }: ComparisonGround,
  one: EvaluatedCandidate,
): ComparisonSettings {
  const reach = resolveReach(settings, training, () => true);
  const all = resolvedSettings(settings, table, training, { name: one.model, loss: one.loss }, reach, NO_PENALTY);
  const { source, target, loss, positive, intercept, standardize, missing, exclude, keep, weights, weightsKind } = all;
  const { cluster, classWeight, freeze, budgets, bounds, evaluation, splitBy, seed, confidence, inference } = all;
  const { draws, trustTolerance, wasserstein, divergence } = all;
  return {
    source,
    target,
    loss,
    positive,
    intercept,
    standardize,
    missing,
    exclude,
    keep,
    weights,
    weightsKind,
    cluster,
    classWeight,
    freeze,
    wasserstein,
    divergence,
    budgets,
    bounds,
    evaluation,
    splitBy,
    seed,
    confidence,
    inference,
    draws,
    trustTolerance,
    norm: divergence === null ? exponentName(settings.norms[0]) : null,
    noise: noiseSection(settings, family),
    models: family.models,
    features: family.features.map(ruleName),
    l2: family.l2,
    l1: family.l1,
    projects: family.projects.map((project) => (project ? projectName(project) : "none")),
    smoothing: family.smoothing,
    seeds: family.seeds,
  };
}

/** What is said of noise beside its σ. */
function noiseSection({ smoothing }: StudySettings, family: WholeFamily): ComparisonSettings["noise"] {
  if (!family.smoothing.some((sigma) => sigma > 0) && !(smoothing && smoothing.sigma > 0)) return null;
  const { attack, evaluation, budget, draws } = { ...DEFAULT_SMOOTHING, ...smoothing };
  return { attack, evaluation, budget, draws };
}

const NO_PENALTY = { l1: null, l2: 0 } as const;

function ruleName(rule: FeatureRule): string {
  if (rule.kind === "all" || rule.kind === "columns") return choiceName(rule);
  const { kind, from, to } = rule;
  if (from === null) return kind;
  return from === to ? `${kind} ${from}` : `${kind} ${from}..${to}`;
}
