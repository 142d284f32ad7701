import type { Fit } from "../solvers/fit.js";
import type { ExactPoint } from "./exact-optimum.js";

/** A change of the loss below this share of a plain loss is rounding. */
const RESOLVABLE = 1e-12;

/**
 * L(θ_ε) − L(θ̂) on the training rows; 0 where it is rounding: compared with the loss itself and with that of the mean score for
 * all rows, since rows that are met exactly leave a loss of rounding alone.
 */
export function exactChange({ model, data, scores, trainingLoss }: Fit, { naturalLoss }: ExactPoint): number {
  const mean = scores.reduce((sum, f, i) => sum + data.weights[i] * f, 0);
  const plain = data.y.reduce((sum, y, i) => sum + data.weights[i] * model.loss.value(mean, y), 0);
  const change = naturalLoss - trainingLoss;
  return Math.abs(change) > RESOLVABLE * Math.max(Math.abs(trainingLoss), Math.abs(plain)) ? change : 0;
}
