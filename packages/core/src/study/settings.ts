import type { MissingRule, WeightsKind } from "../data/encoding.js";
import { usageError } from "../errors.js";
import type { LossName } from "../models/losses.js";
import type { ModelKind } from "../models/score-model.js";
import { divergenceName } from "../threats/divergence.js";
import type { DivergenceName } from "../threats/threat.js";
import type { Condition } from "./conditions.js";
import { checkKernel, DEFAULT_KERNEL, isKernelModel, type KernelSettings } from "./kernel-settings.js";
import { checkL1 } from "./l1-settings.js";
import { checkLocal, DEFAULT_LOCAL, hasClosedForm, type LocalSettings, localKindOf } from "./local-settings.js";
import { checkProject, type ProjectSetting } from "./project-settings.js";
import { checkSmoothing, type SmoothingSettings } from "./smoothing-settings.js";

/** Where the loss is evaluated. */
export type EvaluationPlan =
  | { readonly kind: "cv"; readonly folds: number }
  | { readonly kind: "training" }
  | { readonly kind: "fraction"; readonly share: number }
  | { readonly kind: "file"; readonly path: string };

/** Everything a user can decide about one analysis. Columns go by name, budgets and bounds are in original units. */
export interface StudySettings {
  readonly target: string;
  /** A kind, "basis:<terms>", "softmax" or "mlp:<widths>"; null: linear, or logistic for two labels. */
  readonly model: string | null;
  /** null: the model's own. */
  readonly loss: LossName | "softmax" | null;
  readonly positive: string | null;
  readonly intercept: boolean;
  readonly standardize: boolean;
  readonly missing: MissingRule;
  readonly exclude: readonly string[];
  /** Columns to use although they look like identifiers. */
  readonly keep: readonly string[];
  readonly weights: string | null;
  readonly weightsKind: WeightsKind;
  /** Column of what was drawn together: rows with the same value there depend on each other. */
  readonly cluster: string | null;
  /** Column for whose groups cost and benefit are repeated. */
  readonly by: string | null;
  /** "balanced": all classes weigh the same in training (scikit-learn's class_weight). */
  readonly classWeight: "balanced" | null;
  /** One ridge at most is given: λ itself, or scikit-learn's C or alpha (MATH 14.7). */
  readonly l2: number | null;
  readonly C: number | null;
  readonly alpha: number | null;
  /** λ of the lasso: one, several to compare, or "path" for a grid from the largest that selects anything; null: none. */
  readonly l1: readonly number[] | "path" | null;
  /** scikit-learn's l1_ratio: what share of `C` or `alpha` is an l1 penalty; null: they are ridges. */
  readonly l1Ratio: number | null;
  /** Exponents p ≥ 1. */
  readonly norms: readonly number[];
  /** The Wasserstein order u ≥ 1 of rows that share one budget (MATH 8); null: every row has the whole of it. */
  readonly wasserstein: number | null;
  /** The adversary reweights rows within a ball, and moves none (MATH 13); `norms` is empty then. */
  readonly divergence: DivergenceName | null;
  /** Relative sizes ε, or null for the default grid. */
  readonly epsilons: readonly number[] | null;
  /** Absolute sizes ρ; at most one of the two lists is given. */
  readonly radii: readonly number[] | null;
  /** Columns that cannot be touched, beside indicators and two-valued ones; ["none"] freezes nothing. */
  readonly freeze: readonly string[] | null;
  /** What the adversary may do to each column at radius 1, in original units; the columns not named are frozen. */
  readonly budgets: readonly { readonly column: string; readonly budget: number }[] | null;
  readonly bounds: readonly { readonly column: string; readonly lower: number; readonly upper: number }[];
  readonly evaluation: EvaluationPlan;
  readonly splitBy: string | null;
  readonly seed: number;
  /** The level of every interval. */
  readonly confidence: number;
  /** Kernel regressions subsample where "sandwich" is asked for. */
  readonly inference: "sandwich" | "bootstrap" | "none";
  /** Of the bootstrap. */
  readonly draws: number;
  /** The relative error of the parameter shift up to which a prediction is trusted. */
  readonly trustTolerance: number;
  /** Whether the change is also predicted to second order, and whether with density terms (MATH 10b). */
  readonly secondOrder: "none" | "plain" | "density";
  /** Whether the exact optima are worked out beside the prediction where that is quick. */
  readonly exact: boolean;
  /** π: the share of inputs that will be attacked, for the best mixed training; null: not asked. */
  readonly attackRate: number | null;
  /** What makes the analysis count as failed; sizes named there join the curve. */
  readonly failIf: readonly Condition[];
  /** The low-dimensional inputs that the model works on while the adversary acts on the features; null: the features. */
  readonly project: ProjectSetting | null;
  /** Gaussian noise on the inputs (randomised smoothing); null: none. */
  readonly smoothing: SmoothingSettings | null;
  /** What only models without a closed form ask for: networks, imports, damping. */
  readonly local: LocalSettings;
  /** What only kernel regressions ask for. */
  readonly kernel: KernelSettings;
}

/** The settings of an analysis where no option is given; only the target has no default. */
export const DEFAULT_SETTINGS: Omit<StudySettings, "target"> = {
  model: null,
  loss: null,
  positive: null,
  intercept: true,
  standardize: true,
  missing: "error",
  exclude: [],
  keep: [],
  weights: null,
  weightsKind: "sampling",
  cluster: null,
  by: null,
  classWeight: null,
  l2: null,
  C: null,
  alpha: null,
  l1: null,
  l1Ratio: null,
  norms: [2],
  wasserstein: null,
  divergence: null,
  epsilons: null,
  radii: null,
  freeze: null,
  budgets: null,
  bounds: [],
  evaluation: { kind: "cv", folds: 10 },
  splitBy: null,
  seed: 0,
  confidence: 0.95,
  inference: "sandwich",
  draws: 200,
  trustTolerance: 0.1,
  secondOrder: "none",
  exact: true,
  attackRate: null,
  failIf: [],
  project: null,
  smoothing: null,
  local: DEFAULT_LOCAL,
  kernel: DEFAULT_KERNEL,
};

/** Model kinds that a name selects; `basis:` takes terms. */
export const MODEL_KINDS: readonly ModelKind[] = ["linear", "logistic", "poisson", "quadratic", "basis"];

/** Splits "basis:x1,x1^2" and checks the kind. @throws usage: an unknown model, terms missing or not wanted. */
export function parseModel(text: string): { kind: ModelKind; terms: string | null } {
  const colon = text.indexOf(":");
  const name = colon < 0 ? text : text.slice(0, colon);
  const kind = MODEL_KINDS.find((known) => known === name);
  if (!kind && (localKindOf(text) !== null || isKernelModel(text))) {
    throw usageError(
      `--model ${text} has no closed form, which this command needs: use aif analyze or aif verify for it, or one of ${MODEL_KINDS.join(", ")}.`,
    );
  }
  if (!kind)
    throw usageError(
      `Unknown --model "${text}": use ${MODEL_KINDS.join(", ").replace("basis", "basis:<terms>")}, softmax, mlp:<widths> or kernel:<name>.`,
    );
  if ((kind === "basis") !== colon >= 0) {
    throw usageError(
      kind === "basis"
        ? '--model basis needs its terms, such as "basis:x1,x1^2/4,x1*x2".'
        : `--model ${kind} takes no terms: write --model ${kind}.`,
    );
  }
  return { kind, terms: colon < 0 ? null : text.slice(colon + 1) };
}

/** No prediction means anything near this size, and squares of it can still be computed. */
const LARGEST_SIZE = 1e100;

/** Refuses settings that contradict themselves. @throws usage: naming the options. */
export function checkSettings(settings: StudySettings): void {
  const { l2, C, alpha, norms, epsilons, radii, evaluation, seed, freeze, budgets } = settings;
  if (hasClosedForm(settings) && settings.model !== null && !isKernelModel(settings.model)) parseModel(settings.model);
  checkLocal(settings);
  checkKernel(settings);
  checkProject(settings);
  checkSmoothing(settings);
  checkL1(settings);
  if ([l2, C, alpha].filter((value) => value !== null).length > 1) {
    throw usageError("--l2, --C and --alpha all set the ridge: give one of them.");
  }
  positiveOrZero("--l2", l2);
  positiveOrZero("--alpha", alpha);
  if (C !== null && !(C > 0)) throw usageError(`--C must be above 0, got ${C}: it is scikit-learn's inverse ridge.`);
  checkThreat(settings);
  for (const p of norms) if (!(p >= 1)) throw usageError(`--norm ${p} is not a norm: use inf or any p ≥ 1.`);
  if (epsilons && radii) throw usageError("--epsilon and --radius both set the size of the attack: give one of them.");
  for (const [option, list] of [
    ["--epsilon", epsilons],
    ["--radius", radii],
  ] as const) {
    if (list?.length === 0) throw usageError(`${option} needs at least one size.`);
    const bad = list?.find((value) => !(value >= 0 && value <= LARGEST_SIZE));
    if (bad !== undefined)
      throw usageError(`${option} ${bad} makes no sense: sizes are numbers from 0 to ${LARGEST_SIZE}.`);
  }
  if (freeze && budgets)
    throw usageError("--freeze and --budget both say what the adversary can touch: give one of them.");
  if (evaluation.kind === "cv" && !(Number.isInteger(evaluation.folds) && evaluation.folds >= 2)) {
    throw usageError(`--evaluation cv:${evaluation.folds} needs a whole number of folds, 2 or more.`);
  }
  if (evaluation.kind === "fraction" && !(evaluation.share > 0 && evaluation.share < 1)) {
    throw usageError(`--evaluation fraction:${evaluation.share} needs a share between 0 and 1.`);
  }
  if (!(settings.confidence > 0 && settings.confidence < 1)) {
    throw usageError(`--confidence ${settings.confidence} must be between 0 and 1, such as 0.95.`);
  }
  if (!(Number.isInteger(settings.draws) && settings.draws >= 50 && settings.draws <= 100_000)) {
    throw usageError(`--draws ${settings.draws} must be a whole number from 50 to 100000.`);
  }
  if (!(settings.trustTolerance > 0 && settings.trustTolerance < 1)) {
    throw usageError(`--trust-tolerance ${settings.trustTolerance} must be between 0 and 1, such as 0.1.`);
  }
  if (settings.attackRate !== null && !(settings.attackRate >= 0 && settings.attackRate <= 1)) {
    throw usageError(`--attack-rate ${settings.attackRate} must be a share between 0 and 1.`);
  }
  if (settings.weightsKind === "frequency" && settings.weights === null) {
    throw usageError("--weights-kind frequency says what --weights means: name the column of counts with --weights.");
  }
  if (!Number.isSafeInteger(seed)) throw usageError(`--seed ${seed} must be a whole number.`);
}

/** @throws usage: an adversary that contradicts itself. */
function checkThreat(settings: StudySettings): void {
  const { norms, wasserstein, divergence, epsilons, budgets, freeze, bounds } = settings;
  if (wasserstein !== null && !(wasserstein >= 1)) {
    throw usageError(
      `--wasserstein ${wasserstein} is no order: use a number u ≥ 1, or inf for rows attacked one by one.`,
    );
  }
  if (divergence === null) {
    if (norms.length === 0) throw usageError("--norm needs at least one of 1, 2, inf or any p ≥ 1.");
    return;
  }
  divergenceName(divergence);
  const stray: readonly (readonly [string, boolean, string])[] = [
    ["--norm", norms.length > 0, "it moves no row, so there is no norm"],
    ["--wasserstein", wasserstein !== null, "these are two different adversaries"],
    ["--epsilon", epsilons !== null, "the size of the ball is absolute, so give --radius"],
    ["--budget", budgets !== null, "it moves no feature"],
    ["--freeze", freeze !== null, "it moves no feature"],
    ["--bounds", bounds.length > 0, "it moves no feature"],
  ];
  const found = stray.find(([, given]) => given);
  if (found) throw usageError(`--divergence does not go with ${found[0]}: ${found[2]}.`);
}

/** @throws usage: an adversary that attacks all rows together, where only one of single rows is known. @param what begins a sentence. */
export function requireRowwise({ wasserstein, divergence }: StudySettings, what: string): void {
  if ((wasserstein === null || wasserstein === Infinity) && divergence === null) return;
  const option = divergence === null ? "--wasserstein" : "--divergence";
  throw usageError(`${what} attacks every row by itself: leave out ${option}, or use aif analyze or aif verify.`);
}

function positiveOrZero(option: string, value: number | null): void {
  if (value !== null && !(value >= 0 && value < Infinity)) {
    throw usageError(`${option} must be a number ≥ 0, got ${value}.`);
  }
}

/** Whether sizes are absolute, ρ itself: then c is not estimated, and every fold is attacked alike. */
export const hasAbsoluteSizes = ({ epsilons, radii, budgets }: StudySettings): boolean =>
  radii !== null || (budgets !== null && epsilons === null);

/** "cv:10", "training", "fraction:0.2" or a file name. */
export function evaluationName(plan: EvaluationPlan): string {
  switch (plan.kind) {
    case "cv":
      return `cv:${plan.folds}`;
    case "fraction":
      return `fraction:${plan.share}`;
    case "file":
      return plan.path;
    default:
      return "training";
  }
}

/** Reads what `evaluationName` writes: "cv:10", "training", "fraction:0.2", else a file. @throws usage: a number that is none. */
export function parseEvaluation(text: string): EvaluationPlan {
  const [head, tail] = [text.split(":")[0], text.slice(text.indexOf(":") + 1)];
  if (text === "training") return { kind: "training" };
  if (text.startsWith("cv:") || text === "cv") return { kind: "cv", folds: text === "cv" ? 10 : numberIn(text, tail) };
  if (head === "fraction" && text.includes(":")) return { kind: "fraction", share: numberIn(text, tail) };
  return { kind: "file", path: text };
}

function numberIn(text: string, tail: string): number {
  const value = tail.trim() === "" ? Number.NaN : Number(tail);
  if (Number.isNaN(value))
    throw usageError(`--evaluation ${text} cannot be read: use cv:10, training, fraction:0.2 or a file.`);
  return value;
}
