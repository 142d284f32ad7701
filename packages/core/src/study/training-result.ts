import type { TrainingStop } from "../robust/adversarial-training.js";
import type { AttackMethod } from "../robust/attack-result.js";
import type { TrainingStep } from "../robust/training-state.js";
import type { FitSettings, PathResult } from "./path-result.js";
import type { FitSection, Flag, ResolvedSettings, ThreatSection } from "./result.js";
import type { TrainingSettings } from "./training-settings.js";

/**
 * Adversarial training of one model against one attack as plain data, schema version 1: what
 * `aif adversarial-train --format json` prints. A field that does not apply is null, never missing. Parameter vectors are in the
 * order of `model.parameters` and in the units the model sees; losses are in `model.unit`. Everything is of the training rows,
 * with the weights of the fit; metrics are without the factors of the classes.
 */
export interface TrainingResult {
  readonly schema: "aif.training-result/1";
  readonly settings: TrainingResultSettings;
  readonly data: PathResult["data"];
  readonly model: PathResult["model"];
  readonly fit: Omit<FitSection, "heldOutLoss" | "metrics" | "estimationLoss" | "sparse" | "imported">;
  readonly threat: Pick<ThreatSection["threat"], "norm" | "attacked" | "frozen">;
  /** c: radius = epsilon · scale. */
  readonly scale: number;
  readonly epsilon: number;
  readonly radius: number;
  /** θ̂, θ̂ + εI (null where there is no influence) and the parameters that training ended with. */
  readonly natural: TrainedModel;
  readonly predicted: TrainedModel | null;
  readonly trained: TrainedModel;
  readonly training: TrainingSection;
  /** The prediction beside the training; null where there is no influence, for the reason that a flag gives. */
  readonly comparison: Comparison | null;
  readonly coefficients: TrainedCoefficients;
  readonly flags: readonly Flag[];
  /** Seconds; `prediction` is of I, which serves every ε, and `training` of this run, without iterations before a checkpoint. */
  readonly timings: {
    readonly read: number;
    readonly fit: number;
    readonly prediction: number;
    readonly training: number;
    readonly total: number;
  };
}

/** Options as resolved. */
export interface TrainingResultSettings extends FitSettings, TrainingSettings {
  readonly norm: string;
  readonly epsilon: number | null;
  readonly radius: number | null;
  readonly bounds: ResolvedSettings["bounds"];
  readonly seed: number;
}

/** A model, without an attack and under one of the size trained against. */
export interface TrainedModel {
  readonly parameters: readonly number[];
  /** Σ w ℓ */
  readonly naturalLoss: number;
  /** Σ w ℓ under attack, without the ridge; a lower bound of the worst case where `method` is "projected-gradient". */
  readonly robustLoss: number;
  /** How the worst case of the rows was found, for the loss and the metrics; not by the search that trains. */
  readonly method: AttackMethod;
  readonly metrics: {
    readonly natural: Readonly<Record<string, number>>;
    readonly robust: Readonly<Record<string, number>>;
  };
}

/** How adversarial training went, and what is proven of its end. */
export interface TrainingSection {
  /** What the search that trains makes of the robust loss at the end, and by how much it falls short of the exact one. */
  readonly searchedLoss: number;
  readonly innerGap: number | null;
  /** R = robust loss + ½ΣPθ², a bound from below of its minimum, and their difference; null where no gap is known. */
  readonly gap: {
    readonly objective: number;
    readonly lowerBound: number;
    readonly gap: number;
    /** gap / |objective| */
    readonly relative: number;
  } | null;
  /** max_j |∇R_j| relative to the size of its terms. */
  readonly gradientNorm: number;
  /** All of them, those before a checkpoint included, and how many those were. */
  readonly iterations: number;
  readonly resumedAt: number | null;
  readonly stopped: TrainingStop | "collapse";
  readonly converged: boolean;
  readonly history: readonly TrainingStep[];
}

/** How far adversarial training ended from the prediction θ̂ + εI, and what each of them costs. */
export interface Comparison {
  /** ‖θ − (θ̂+εI)‖_H, and relative to ‖εI‖_H; H is the Hessian of the fit. */
  readonly parameterError: number;
  readonly relativeParameterError: number | null;
  /** Change of the natural loss by training: predicted and by the training. */
  readonly predictedChange: number;
  readonly change: number;
  /** timings.training / timings.prediction */
  readonly timesPrediction: number | null;
}

/** In original units where scores are linear in x, else for (x − mean) / scale of `model.scaler`. */
export interface TrainedCoefficients {
  readonly units: "original" | "standardized";
  /** The intercept first in original units, where it absorbs the means of standardised features. */
  readonly names: readonly string[];
  readonly natural: readonly number[];
  readonly predicted: readonly number[] | null;
  readonly trained: readonly number[];
}
