import type { Loss } from "../models/losses.js";
import { independentRows, meanStandardError, type Sampling } from "./sampling.js";

/**
 * Rows whose loss is followed as the parameters move from θ̂ to θ̂ + εI: the score of row i is f_i + ε s_i with s_i = v_i'I.
 * The rows may be the training rows, or held-out ones, each under the fit that has not seen it.
 */
export interface MovingRows {
  readonly loss: Loss;
  /** n */
  readonly y: Float64Array;
  /** n, summing to 1 */
  readonly w: Float64Array;
  /** n: f_i */
  readonly scores: Float64Array;
  /** n: s_i */
  readonly shifts: Float64Array;
}

/** Σ w_i ℓ(f_i + ε s_i, y_i) */
export function naturalLoss({ loss, y, w, scores, shifts }: MovingRows, epsilon: number): number {
  let sum = 0;
  for (let i = 0; i < y.length; i++) sum += w[i] * loss.value(scores[i] + epsilon * shifts[i], y[i]);
  return sum;
}

/** The plug-in prediction of the change of the natural loss (MATH 2): Σ w_i [ℓ(f_i + ε s_i) − ℓ(f_i)]. */
export function predictedChange({ loss, y, w, scores, shifts }: MovingRows, epsilon: number): number {
  let sum = 0;
  for (let i = 0; i < y.length; i++) {
    sum += w[i] * (loss.value(scores[i] + epsilon * shifts[i], y[i]) - loss.value(scores[i], y[i]));
  }
  return sum;
}

/** The two terms of the change: slope·ε + curvature·ε² (MATH 2), curvature = ½I'H_eI. */
export interface LocalSensitivity {
  /** ∇L_e'I, loss units per unit of ε. */
  readonly slope: number;
  /** Standard error of the slope over the rows, given the fit. */
  readonly slopeStandardError: number;
  /** ½I'H_eI, loss units per unit of ε². */
  readonly curvature: number;
}

/**
 * Slope ∇L_e'I with its standard error over the rows, and curvature ½I'H_eI, from the rows' scores and their shifts v_i'I: the predicted
 * change of the loss on these rows is slope·ε + curvature·ε² (MATH 2).
 */
export function localSensitivity(
  { loss, y, w, scores, shifts }: MovingRows,
  sampling: Sampling = independentRows(y.length),
): LocalSensitivity {
  const slopes = new Float64Array(y.length);
  let slope = 0;
  let curvature = 0;
  for (let i = 0; i < y.length; i++) {
    slopes[i] = loss.first(scores[i], y[i]) * shifts[i];
    slope += w[i] * slopes[i];
    curvature += 0.5 * w[i] * loss.second(scores[i], y[i]) * shifts[i] * shifts[i];
  }
  return { slope, slopeStandardError: meanStandardError(slopes, w, sampling), curvature };
}

/** n: by how much each row's loss changes from θ̂ to θ̂ + εI. */
export function lossChanges({ loss, y, scores, shifts }: MovingRows, epsilon: number): Float64Array {
  return y.map((target, i) => loss.value(scores[i] + epsilon * shifts[i], target) - loss.value(scores[i], target));
}

/** Standard error over the rows, given the fit, of the predicted change at ε: that of a paired difference. */
export const changeStandardError = (rows: MovingRows, epsilon: number, sampling: Sampling): number =>
  meanStandardError(lossChanges(rows, epsilon), rows.w, sampling);

/** ε₀ = −slope/curvature when slope < 0: up to there robust training is expected to lower the loss (MATH 14.1); else null. */
export function freeRadius({ slope, curvature }: LocalSensitivity): number | null {
  return slope < 0 && curvature > 0 ? -slope / curvature : null;
}
