import { jetStretches, rowJets } from "../models/loss-rows.js";
import { JET_ROWS, type Loss } from "../models/losses.js";
import { dot } from "../solvers/inverse-hessian.js";
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
  const moved = scores.map((f, i) => f + epsilon * shifts[i]);
  let sum = 0;
  for (const { from, to, values } of rowJets(loss, moved, y))
    for (let i = from; i < to; i++) sum += w[i] * values[i - from];
  return sum;
}

/** The plug-in prediction of the change of the natural loss (MATH 2): Σ w_i [ℓ(f_i + ε s_i) − ℓ(f_i)]. */
export function predictedChange(rows: MovingRows, epsilon: number): number {
  const { loss, y, w, scores, shifts } = rows;
  if (!loss.quadratic) return dot(w, lossChanges(rows, epsilon));
  const curvature = loss.second(0, 0);
  let sum = 0;
  for (let i = 0; i < y.length; i++) sum += w[i] * squaredChange(curvature, scores[i] - y[i], epsilon * shifts[i]);
  return sum;
}

/** ½ℓ''·((r + s)² − r²): a difference of squares would lose digits. */
const squaredChange = (curvature: number, residual: number, shift: number): number =>
  curvature * (residual + 0.5 * shift) * shift;

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
  for (const { from, to, slopes: first, curvatures: second } of rowJets(loss, scores, y)) {
    for (let i = from, at = 0; i < to; i++, at++) {
      slopes[i] = first[at] * shifts[i];
      slope += w[i] * slopes[i];
      curvature += 0.5 * w[i] * second[at] * shifts[i] * shifts[i];
    }
  }
  return { slope, slopeStandardError: meanStandardError(slopes, w, sampling), curvature };
}

/** n: by how much each row's loss changes from θ̂ to θ̂ + εI. */
export function lossChanges({ loss, y, scores, shifts }: MovingRows, epsilon: number): Float64Array {
  const changes = new Float64Array(y.length);
  if (loss.quadratic) {
    const curvature = loss.second(0, 0);
    return changes.map((_, i) => squaredChange(curvature, scores[i] - y[i], epsilon * shifts[i]));
  }
  const moved = new Float64Array(JET_ROWS);
  for (const [from, to] of jetStretches(y.length)) {
    const targets = y.subarray(from, to);
    for (let i = from; i < to; i++) moved[i - from] = scores[i] + epsilon * shifts[i];
    changes.set(loss.jets(moved.subarray(0, to - from), targets).values, from);
    const { values } = loss.jets(scores.subarray(from, to), targets);
    for (let i = from; i < to; i++) changes[i] -= values[i - from];
  }
  return changes;
}

/** Standard error over the rows, given the fit, of the predicted change at ε: that of a paired difference. */
export const changeStandardError = (rows: MovingRows, epsilon: number, sampling: Sampling): number =>
  meanStandardError(lossChanges(rows, epsilon), rows.w, sampling);

/** ε₀ = −slope/curvature when slope < 0: up to there robust training is expected to lower the loss (MATH 14.1); else null. */
export function freeRadius({ slope, curvature }: LocalSensitivity): number | null {
  return slope < 0 && curvature > 0 ? -slope / curvature : null;
}
