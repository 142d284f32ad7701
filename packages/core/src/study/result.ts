import type { ErrorNorm } from "../influence/certificate.js";
import type { LayerShape, OutputScaler } from "../models/import/network.js";
import type { RobustLossMethod } from "../robust/robust-loss.js";
import type { DivergenceName } from "../threats/threat.js";
import type { FlagCode, FlagLevel } from "./flags.js";
import type { KernelSection, ResolvedKernel } from "./kernel-result.js";
import type { LassoPathSection, NamedSupportChange, SparseSection } from "./lasso-result.js";
import type { LocalResponse, ResolvedLocal } from "./local-result.js";
import type { ProjectionSection } from "./projection-section.js";
import type { SmoothingSection } from "./smoothing-section.js";
import type { SmoothingSettings } from "./smoothing-settings.js";

/**
 * One analysis as plain data, schema version 1: what `--format json` prints. A field that does not apply is null, never
 * missing. Parameter vectors are in the order of `model.parameters` and in the units the model sees; losses are in `model.unit`.
 */
export interface StudyResult {
  readonly schema: "aif.study/1";
  readonly settings: ResolvedSettings;
  readonly data: DataSection;
  readonly model: ModelSection;
  readonly fit: FitSection;
  /** Several l1 penalties side by side, where they were asked for; else null. */
  readonly lassoPath: LassoPathSection | null;
  readonly threats: readonly ThreatSection[];
  /** Every `--fail-if`, under every norm and at every size that it speaks of. */
  readonly conditions: readonly ConditionOutcome[];
  readonly flags: readonly Flag[];
  /** Seconds. */
  readonly timings: Timings;
}

/** Whether a condition of `--fail-if` holds, at one norm and size. */
export interface ConditionOutcome {
  readonly condition: string;
  readonly norm: string | null;
  readonly epsilon: number | null;
  /** null where the quantity does not exist for this model or evaluation. */
  readonly value: number | null;
  readonly holds: boolean | null;
}

/** Every option as resolved; enough to run the analysis again. */
export interface ResolvedSettings {
  readonly source: string;
  readonly target: string;
  readonly model: string;
  readonly loss: string;
  readonly positive: string | null;
  readonly intercept: boolean;
  readonly standardize: boolean;
  readonly missing: string;
  readonly exclude: readonly string[];
  readonly keep: readonly string[];
  readonly weights: string | null;
  readonly weightsKind: string;
  readonly cluster: string | null;
  readonly by: string | null;
  readonly classWeight: string | null;
  /** As asked for (scikit-learn's conventions converted); null without an l1 penalty. */
  readonly l1: readonly number[] | "path" | null;
  readonly l2: number;
  readonly norms: readonly string[];
  readonly wasserstein: string | null;
  readonly divergence: DivergenceName | null;
  readonly epsilons: readonly number[] | null;
  readonly radii: readonly number[] | null;
  /** Columns; ["none"] when nothing is frozen, null with budgets. */
  readonly freeze: readonly string[] | null;
  readonly budgets: readonly { readonly column: string; readonly budget: number }[] | null;
  /** In original units; null: that side is open. */
  readonly bounds: readonly { readonly column: string; readonly lower: number | null; readonly upper: number | null }[];
  readonly evaluation: string;
  readonly splitBy: string | null;
  readonly seed: number;
  readonly confidence: number;
  readonly inference: string;
  readonly draws: number;
  readonly trustTolerance: number;
  readonly secondOrder: "none" | "plain" | "density";
  readonly exact: boolean;
  readonly attackRate: number | null;
  readonly failIf: readonly string[];
  /** "pca:3", "factors:3" or the file of a matrix; null: the model works on the features. */
  readonly project: string | null;
  /** Gaussian noise on the inputs; null: none. */
  readonly smoothing: SmoothingSettings | null;
  /** What only models without a closed form ask for; null for all others. */
  readonly local: ResolvedLocal | null;
  /** What only kernel regressions ask for; null for all others. */
  readonly kernel: ResolvedKernel | null;
}

/** The rows as they were used: features, target, groups, and which rows the loss is evaluated on. */
export interface DataSection {
  readonly source: string;
  readonly rows: number;
  /** m, as the model sees them: numeric columns by name, levels as `column=level`. */
  readonly features: readonly string[];
  readonly target: string;
  /** The two classes of a binary target, else null. */
  readonly labels: { readonly negative: string; readonly positive: string } | null;
  /** The classes of a target of several, in the order of the scores; else null. */
  readonly classes: readonly string[] | null;
  readonly evaluation: string;
  readonly evaluationRows: number;
  /** Groups of `--by` among the evaluation rows, in the order of `curve[].groups`; null without it. */
  readonly groups: {
    readonly column: string;
    readonly names: readonly string[];
    readonly rows: readonly number[];
    readonly naturalLoss: readonly (number | null)[];
  } | null;
  /** How many clusters of `--cluster` the rows fall into; null without it. */
  readonly clusters: number | null;
}

/** The model as it was analysed: loss and unit, penalties, scaler, names of the parameters in their order. */
export interface ModelSection {
  readonly kind: string;
  readonly loss: string;
  /** For people: "mean squared error". */
  readonly lossLabel: string;
  /** Unit of every loss in the result: "price²". */
  readonly unit: string;
  /** λ of the l1 penalty of the model analysed; 0 without one. */
  readonly l1: number;
  readonly l2: number;
  readonly damping: number;
  readonly intercept: boolean;
  readonly scaler: { readonly mean: readonly number[]; readonly scale: readonly number[] } | null;
  /** A network's output is mean + scale · (its last layer), for targets that are numbers; null for all other models. */
  readonly outputScaler: { readonly mean: number; readonly scale: number } | null;
  readonly parameters: readonly string[];
  /** The low-dimensional inputs of `--project` that the model works on; null: the features. */
  readonly projection: ProjectionSection | null;
  /** What a kernel regression is made of; null for all other models. */
  readonly kernel: KernelSection | null;
}

/** The ordinary fit θ̂: parameters in the model's units, losses, metrics, and how close to its minimum it is. */
export interface FitSection {
  readonly parameters: readonly number[];
  readonly trainingLoss: number;
  /** null with `--evaluation training`. */
  readonly heldOutLoss: number | null;
  readonly metrics: Readonly<Record<string, number>>;
  /** T = ½tr(H_L Cov θ̂): loss above the best parameters because the fit saw only these rows; null without intervals for the population, or for a singular H in closed form. */
  readonly estimationLoss: number | null;
  /** max_j |∇L_j| relative to what its terms could add up to. */
  readonly gradientNorm: number;
  readonly iterations: number;
  /** The features that an l1 penalty selected; null without one. */
  readonly sparse: SparseSection | null;
  /** The imported model as the file has it, on the given rows, before anything is done to it; null without an import. */
  readonly imported: {
    readonly naturalLoss: number;
    /** Of the best constant on the same rows. */
    readonly constantLoss: number;
    readonly metrics: Readonly<Record<string, number>>;
    /** What bringing it to the minimum changed; null where it was left as it is. */
    readonly polish: PolishSection | null;
  } | null;
}

/** What bringing an imported linear model to the minimum on the given rows changed. */
export interface PolishSection {
  /** At the minimum, on the same rows. */
  readonly naturalLoss: number;
  /** How far the scores moved, beside their spread over the rows. */
  readonly scoreShift: number;
  /** ‖Δθ‖/‖θ‖ */
  readonly parameterShift: number;
}

/**
 * Everything about one adversary: its influence (per unit of ε, in the model's units), intervals, radii, the curve over
 * ε, contributions.
 */
export interface ThreatSection {
  readonly threat: {
    /** null where the adversary moves no row. */
    readonly norm: string | null;
    /** The order u of rows that share one budget ("inf": each has the whole of it); null without `--wasserstein`. */
    readonly wasserstein: string | null;
    /** The ball that new weights of the rows are chosen from; null: rows are moved. */
    readonly divergence: DivergenceName | null;
    readonly smoothing: number;
    readonly attacked: readonly string[];
    readonly frozen: readonly string[];
    /** By feature, in original units: how far each may move at radius 1. Empty without `--budget`. */
    readonly budgets: Readonly<Record<string, number>>;
    /** By feature, in original units: [lower, upper], null where there is none. */
    readonly bounds: Readonly<Record<string, readonly [number | null, number | null]>>;
  };
  /** c: radius = epsilon · scale. */
  readonly scale: number;
  /** Original units by which an attacked feature moves per unit of radius if the whole radius goes into it. */
  readonly originalUnits: readonly { readonly feature: string; readonly perRadius: number }[];
  /** A(θ̂), Φ and I, per unit of ε. */
  readonly penalty: number;
  readonly penaltyGradient: readonly number[];
  readonly influence: readonly number[];
  readonly influencePerRadius: readonly number[];
  readonly standardErrors: readonly number[] | null;
  readonly interval: Interval | null;
  readonly simultaneous: Interval | null;
  readonly oneSided: boolean;
  readonly multipliers: {
    readonly residuals: readonly { readonly row: number; readonly value: number }[];
    readonly coordinates: readonly { readonly feature: string; readonly value: number }[];
    readonly ties: readonly { readonly feature: string; readonly value: number }[];
  } | null;
  /** The response at θ̃ of a model without a closed form (MATH 9); null for all others. */
  readonly local: LocalResponse | null;
  readonly solver: {
    readonly name: string;
    /** Passes over the data; of conjugate gradients, each with one product for every right-hand side. */
    readonly iterations: number;
    /** Vectors multiplied with H in all, and of those the ones of a low-rank sketch of H; null in closed form. */
    readonly products: number | null;
    readonly sketchProducts: number | null;
    readonly relativeResidual: number;
    readonly converged: boolean;
    /** Why this one; null in closed form. */
    readonly reason: string | null;
  };
  readonly sensitivity: {
    readonly training: { readonly slope: number; readonly curvature: number };
    readonly heldOut: {
      readonly slope: number;
      readonly slopeStandardError: number;
      readonly curvature: number;
    } | null;
    readonly population: {
      readonly curvature: number;
      readonly debiased: number;
      readonly standardError: number;
      readonly interval: readonly [number, number];
      readonly method: string;
    } | null;
  };
  /** Noise on the inputs, with the spread that its draws leave; null without `--smoothing`. */
  readonly smoothing: SmoothingSection | null;
  /** All radii are in ε; null where there is none or it is not known (a flag says which). */
  readonly kinkRadius: number | null;
  /** Where a feature first enters or leaves a model with an l1 penalty; null without one. */
  readonly supportChange: NamedSupportChange | null;
  readonly trustRadius: number | null;
  readonly trustMethod: "certificate" | "stationarity" | null;
  readonly freeRadius: number | null;
  readonly collapseRadius: number | null;
  /** Where the first row meets one of `--bounds`; null without bounds. */
  readonly boundRadius: number | null;
  /** The norm of `curve[].errorBound`: "hessian", or "robust-hessian" for the logistic certificate. */
  readonly errorNorm: ErrorNorm | null;
  readonly curve: readonly CurvePoint[];
  /** Whether robust training is worth it here; null where the curve has no size above 0. */
  readonly verdict: Verdict | null;
  readonly contributions: {
    /** Rows by size of their share, 1-based rows of the file. `value` adds up to `sensitivity.training.curvature`. */
    readonly rows: readonly { readonly row: number; readonly value: number; readonly share: number }[];
    readonly parameters: readonly { readonly name: string; readonly value: number; readonly share: number }[];
  };
}

/** Intervals of the influence, one a parameter, per unit of ε: each by itself, or all at once. */
export interface Interval {
  readonly level: number;
  readonly kind: "pointwise" | "simultaneous";
  readonly lower: readonly number[];
  readonly upper: readonly number[];
}

/**
 * What is predicted at one size of the attack: losses in `model.unit`, all of them changes from the model as it is unless
 * they say otherwise.
 */
export interface CurvePoint {
  readonly epsilon: number;
  readonly radius: number;
  /** L(θ̂+εI) − L(θ̂) on the training rows; `exact`: L(θ_ε) − L(θ̂) where the robust optimum is known. */
  readonly thisData: {
    readonly predicted: number;
    /** To second order, with θ̂ + εI + ½ε²J (MATH 2, 10b), where `--second-order` asks for it. */
    readonly secondOrder: number | null;
    readonly exact: number | null;
  };
  /** The same on rows not trained on; null with `--evaluation training`. */
  readonly heldOut: { readonly predicted: number; readonly interval: readonly [number, number] | null } | null;
  readonly population: {
    readonly predicted: number;
    readonly interval: readonly [number, number];
    readonly method: string;
  } | null;
  /** C(ε): natural loss given up by full robust training, on the evaluation rows (MATH 14.4). */
  readonly cost: number;
  /** C/L(θ̂), as a share of the natural loss on the same rows; null where the loss lacks a constant (Poisson). */
  readonly costShare: number | null;
  /** k: training on this share of the rows would cost as much natural loss; null where nothing is lost or T is not known. */
  readonly rowsShare: number | null;
  /** B(ε): robust loss gained, on the same rows. */
  readonly benefit: number;
  readonly benefitInterval: readonly [number, number] | null;
  readonly benefitShare: number | null;
  /** The best mixed training for `--attack-rate`; null without it. */
  readonly mixed: MixedTraining | null;
  /** Cost and benefit in each group of `--by`, in the order of `data.groups`; null without it. */
  readonly groups: readonly GroupPoint[] | null;
  /** The group that robust training costs most; null without `--by`. */
  readonly worstGroup: string | null;
  /** C/(C+B), the share of attacked inputs from which full robust training pays; 0 where it costs nothing, null where it gains nothing. */
  readonly breakEvenRate: number | null;
  /** Robust loss at θ̂+εI on the evaluation rows (held-out where there are some). */
  readonly robustLoss: number;
  /** Robust loss at θ̂ on the same rows: what an attack does to the model as it is. */
  readonly robustLossNatural: number;
  readonly robustLossMethod: RobustLossMethod | "projected-gradient";
  /** Where only some of the evaluation rows were attacked: how many, and the standard error that drawing them leaves in `robustLoss`. */
  readonly attackedSample: { readonly rows: number; readonly standardError: number } | null;
  /** On the evaluation rows at θ̂+εI, and now (at θ̂); robust ones are empty where the worst case has no closed form. */
  readonly metrics: {
    readonly natural: Readonly<Record<string, number>>;
    readonly robust: Readonly<Record<string, number>>;
    readonly naturalNow: Readonly<Record<string, number>>;
    readonly robustNow: Readonly<Record<string, number>>;
    /** After less now, with paired intervals over the evaluation rows given the fits; no interval without inference. */
    readonly changes: {
      readonly natural: Readonly<Record<string, MetricChangeValue>>;
      readonly robust: Readonly<Record<string, MetricChangeValue>>;
    };
  };
  /** Share of rows whose residual, γ coordinate (p = ∞) or arg-max (p = 1) changes; null where that is not followed. */
  readonly kinkFraction: number | null;
  /** Share of rows whose residual changes sign; null likewise. */
  readonly residualFraction: number | null;
  /** Share of (training row, ReLU unit) pairs on at one of θ̃ and θ̃+εI and off at the other, rows weighted; null without ReLU. */
  readonly flippedUnits: number | null;
  /** κ of MATH 14.10; null where the robust risk has no closed form. */
  readonly stationarity: number | null;
  readonly errorBound: number | null;
  /** Beyond the trust radius (or the trust radius is unknown). */
  readonly extrapolated: boolean;
}

/** By how much robust training changes a metric, over the evaluation rows, with its interval given the fits. */
export interface MetricChangeValue {
  readonly change: number;
  readonly interval: readonly [number, number] | null;
  /** "paired": normal, from the rows' differences; "bootstrap": percentiles over redrawn rows. */
  readonly method: "paired" | "bootstrap" | null;
}

/** Training on (1−π)L + πR_ε where a share π of inputs is attacked: θ̂ + πεI (MATH 14.4). */
export interface MixedTraining {
  readonly attackRate: number;
  /** Natural loss given up, and robust loss gained, by the mixed training. */
  readonly cost: number;
  readonly benefit: number;
  /** π·benefit − (1−π)·cost: by how much the expected loss falls; and by full robust training instead. */
  readonly expectedGain: number;
  readonly expectedGainFull: number;
}

/** Cost and benefit of one group of `--by` at one size, in `model.unit`, means over the group's evaluation rows. */
export interface GroupPoint {
  readonly name: string;
  /** null for a group without weight among the evaluation rows. */
  readonly cost: number | null;
  readonly costInterval: readonly [number, number] | null;
  readonly benefit: number | null;
}

/** The conclusion at one size: the largest of the curve that can be trusted, else the smallest. */
export interface Verdict {
  readonly epsilon: number;
  readonly answer: "worth-it" | "lowers-the-loss" | "not-worth-it" | "depends" | "unclear" | "extrapolated";
  /** The largest ε up to which the answer can be given; null where the prediction was not checked or lies beyond it. */
  readonly upTo: number | null;
  readonly instead: readonly Suggestion[];
  /** The same in words, one paragraph. */
  readonly text: string;
}

/** What to try instead, in words. */
export interface Suggestion {
  readonly code: "ridge" | "fewer-features" | "another-norm" | "smaller-epsilon" | "mixed-training";
  readonly text: string;
}

/** A note, warning or error of one result, in words; `code` leads to its rule in `FLAGS` and docs/flags.md. */
export interface Flag {
  readonly code: FlagCode;
  readonly level: FlagLevel;
  readonly message: string;
  /** What to do, and where to read on. */
  readonly help: string;
}

/** Seconds of the parts of an analysis. */
export interface Timings {
  readonly read: number;
  readonly fit: number;
  readonly influence: number;
  readonly evaluation: number;
  readonly inference: number;
  /** Of all exact robust optima. */
  readonly exact: number;
  /** No seconds: how often all rows passed by, where they are not in memory; else null. */
  readonly passes: number | null;
  readonly total: number;
}

/** θ̂ and θ̂+εI in original units, ready to deploy. */
export interface Coefficients {
  readonly schema: "aif.coefficients/1";
  readonly model: string;
  readonly loss: string;
  readonly target: string;
  readonly labels: { readonly negative: string; readonly positive: string } | null;
  /** Parameter names; the intercept comes first and absorbs the means of standardised features. */
  readonly names: readonly string[];
  /** Whether coefficients apply to raw features; otherwise to (x − mean) / scale of `scaler`. */
  readonly units: "original" | "standardized";
  readonly scaler: {
    readonly features: readonly string[];
    readonly mean: readonly number[];
    readonly scale: readonly number[];
  } | null;
  /** What the parameters of a network are the weights of, weight before bias, so that the file can be imported; null: no network. */
  readonly network: {
    readonly features: readonly string[];
    /** In the order of the scores; null: one score. */
    readonly classes: readonly string[] | null;
    readonly layers: readonly LayerShape[];
    readonly outputScaler: OutputScaler | null;
  } | null;
  /** Where parameters are of components z = P'(x − μ), x after the scaler: μ (m) and P (m×k), row by row; else null. */
  readonly projection: {
    readonly features: readonly string[];
    readonly components: readonly string[];
    readonly centre: readonly number[];
    readonly matrix: readonly (readonly number[])[];
  } | null;
  readonly columns: readonly {
    /** null: θ̂ itself, or an adversary that moves no row. */
    readonly norm: string | null;
    readonly epsilon: number;
    readonly radius: number;
    /** "predicted": θ̂ + εI; "exact": the robust optimum θ_ε. */
    readonly kind: "natural" | "predicted" | "exact";
    readonly values: readonly number[];
  }[];
}
