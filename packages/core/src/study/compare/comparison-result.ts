import type { ResolvedKernel } from "../kernel-result.js";
import type { DataSection, Flag, ResolvedSettings } from "../result.js";
import type { SmoothingSettings } from "../smoothing-settings.js";

/**
 * A family of models on the same rows, the same folds and the same attack as plain data, schema version 1: what
 * `aif compare --format json` prints. A field that does not apply is null, never missing. All losses and costs are in
 * `loss.unit`. Models are in the order of their natural loss, and are referred to by their place in `models` (0-based).
 */
export interface ComparisonResult {
  readonly schema: "aif.comparison/1";
  readonly settings: ComparisonSettings;
  readonly data: Omit<DataSection, "groups">;
  readonly loss: { readonly name: string; readonly label: string; readonly unit: string };
  /** The size of the attack in both conventions (MATH 5). */
  readonly sizes: {
    /** The relative size: every model is attacked with ε·c, c the mean norm of the features that it sees. */
    readonly epsilon: number;
    /** The fixed radius: every model is attacked with ρ. */
    readonly radius: number;
    /** c of all features that can be attacked: radius = epsilon · referenceScale. */
    readonly referenceScale: number;
    /** "none": the largest size that every known trust radius allows. */
    readonly given: "epsilon" | "radius" | "none";
  };
  readonly models: readonly ComparedModel[];
  /** Models of the family that have no fit, or no influence, and why. */
  readonly failed: readonly { readonly name: string; readonly reason: string }[];
  readonly natural: ComparedQuantity;
  readonly relative: ComparedCosts;
  readonly absolute: ComparedCosts;
  /** What the numbers say, one sentence each. */
  readonly words: readonly string[];
  readonly flags: readonly Flag[];
  /** Seconds. */
  readonly timings: {
    readonly read: number;
    readonly models: number;
    readonly differences: number;
    readonly total: number;
  };
}

/** Options as resolved. */
export interface ComparisonSettings
  extends Pick<
    ResolvedSettings,
    | "source"
    | "target"
    | "loss"
    | "positive"
    | "intercept"
    | "standardize"
    | "missing"
    | "exclude"
    | "keep"
    | "weights"
    | "weightsKind"
    | "cluster"
    | "classWeight"
    | "freeze"
    | "wasserstein"
    | "divergence"
    | "budgets"
    | "bounds"
    | "evaluation"
    | "splitBy"
    | "seed"
    | "confidence"
    | "inference"
    | "draws"
    | "trustTolerance"
  > {
  /** What all models with noise on their inputs have in common; null: none has any. */
  readonly noise: Pick<SmoothingSettings, "attack" | "evaluation" | "budget" | "draws"> | null;
  /** null: rows are reweighted, not moved. */
  readonly norm: string | null;
  /** As given; empty: the default. */
  readonly models: readonly string[];
  readonly features: readonly string[];
  readonly l2: readonly number[];
  readonly l1: readonly number[];
  readonly projects: readonly string[];
  readonly smoothing: readonly number[];
  readonly seeds: number;
}

/** One model of a comparison: what it is, its natural loss, and what robustness costs it under each attack. */
export interface ComparedModel {
  /** What tells it from the others. */
  readonly name: string;
  readonly model: string;
  /** "all", "first 3", "forward 3", "lasso 3", or the columns. */
  readonly features: string;
  /** That it was fitted to on all training rows. */
  readonly columns: readonly string[];
  /** Of a selection, the share of the folds in which each column was chosen; null: the columns were chosen beforehand, or there are no folds. */
  readonly chosen: readonly { readonly column: string; readonly share: number }[] | null;
  readonly l2: number;
  /** 0: no l1 penalty. */
  readonly l1: number;
  /** The components that it sees in place of the columns: "pca:3"; null: the columns themselves. */
  readonly project: string | null;
  /** Of a kernel regression; null for all others. */
  readonly kernel: ResolvedKernel | null;
  /** σ of the noise on its inputs, 0: none. */
  readonly smoothing: number;
  readonly parameters: number;
  /** How many of its features can be attacked; 0: robustness costs it nothing. */
  readonly attacked: number;
  /** c; 0 where nothing can be attacked. */
  readonly scale: number;
  readonly trainingLoss: number;
  readonly naturalLoss: Estimate;
  /** Of its held-out rows, per ε; null where nothing can be attacked. */
  readonly sensitivity: {
    readonly slope: number;
    readonly slopeStandardError: number;
    readonly curvature: number;
  } | null;
  readonly relative: ModelAtSize;
  readonly absolute: ModelAtSize;
  /** In ε; null: not known. */
  readonly trustRadius: number | null;
  /** Why a model that could have S in the population has none at this size; null otherwise. */
  readonly populationReason: string | null;
  /** null: no likelihood to speak of; `informationReason` says why. */
  readonly information: Information | null;
  readonly informationReason: string | null;
  /** The same network from other seeds, by seed; null: it has one minimum, or one seed was asked for. */
  readonly seeds: SeedSpread | null;
}

/** A mean over the evaluation rows, with its interval over these rows given the fits; no interval without inference. */
export interface Estimate {
  readonly value: number;
  readonly standardError: number;
  readonly interval: readonly [number, number] | null;
}

/** What robust training at one size does to a model. */
export interface ModelAtSize {
  /** null: a fixed radius against a model that nobody can attack is no multiple of its c. */
  readonly epsilon: number | null;
  readonly radius: number;
  /** By how much the natural loss rises on rows not trained on. */
  readonly cost: Estimate;
  /** Robust loss of the model as it is and after robust training, on the same rows; null where no closed form or expansion is known. */
  readonly robustLoss: { readonly now: number; readonly after: number } | null;
  /** ε²S: what it costs in the population, with its interval; null without inference, or where S has no ground. */
  readonly population: {
    readonly predicted: number;
    readonly interval: readonly [number, number];
    readonly method: string;
  } | null;
  /** Whether the size lies beyond the trust radius; null where that is not known. */
  readonly extrapolated: boolean | null;
}

/** How well the likelihood of the training rows is reached, for how many parameters; less is better. */
export interface Information {
  /** Without the constant Σ log y! of a Poisson likelihood. */
  readonly logLikelihood: number;
  /** tr(H_L H⁻¹): the number of parameters, or with a ridge the effective one. */
  readonly degreesOfFreedom: number;
  readonly aic: number;
  readonly bic: number;
}

/** How a network's numbers vary over the seeds that it was trained from. */
export interface SeedSpread {
  readonly runs: readonly {
    readonly seed: number;
    readonly naturalLoss: number;
    /** In ε; null: not known. */
    readonly trustRadius: number | null;
    readonly relativeCost: number;
    readonly absoluteCost: number;
  }[];
  readonly naturalLoss: Spread;
  readonly relativeCost: Spread;
  readonly absoluteCost: Spread;
}

/** Median and range over the seeds of a network. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** One quantity of all models, compared pair by pair; less is better. */
export interface ComparedQuantity {
  /** Places of the models that have it, ascending; every list below is in this order. */
  readonly of: readonly number[];
  /** Over what it varies, for people. */
  readonly over: "rows" | "draws" | "training rows";
  readonly level: number;
  /** Standard errors that every simultaneous interval of a difference reaches (max-t); null without inference. */
  readonly factor: number | null;
  readonly estimates: readonly number[];
  /** reach[i][j]: the difference of models i and j lies within ± this, for all pairs at once; null without inference. */
  readonly reach: readonly (readonly number[])[] | null;
  /** Places of the models that no other is better than, as far as the intervals can tell: they hold the best one at the level. */
  readonly best: readonly number[];
}

/** The costs of robustness under one convention of the radius. */
export interface ComparedCosts {
  readonly cost: ComparedQuantity;
  /** null: no model has S in the population. */
  readonly population: ComparedQuantity | null;
  /** Places of the models that no other is at least as good as in both natural loss and cost, by natural loss. */
  readonly frontier: readonly number[];
  /** Every other model, and one of the frontier that dominates it. */
  readonly dominated: readonly {
    readonly model: number;
    readonly by: number;
    /** Whether both differences are clear of 0, one of them, or none; null without inference. */
    readonly clear: "both" | "natural" | "cost" | "none" | null;
  }[];
}
