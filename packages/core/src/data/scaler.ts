import { usageError } from "../errors.js";
import type { Encoding } from "./encoding.js";

/** The model sees (x − mean) / scale. Both have one entry a feature; no scale is 0. */
export interface Scaler {
  readonly mean: ArrayLike<number>;
  readonly scale: ArrayLike<number>;
}

/** Means and scales of the features of an encoding (m each). */
export const scalerOf = (encoding: Encoding): Scaler => ({
  mean: encoding.features.map((feature) => feature.mean),
  scale: encoding.features.map((feature) => feature.scale),
});

/**
 * Parameters of a score that is linear in x, translated to the features' original units: the same predictions from
 * unscaled features. β_j / scale_j and b − Σ β_j mean_j / scale_j.
 *
 * @param theta d: the intercept first if the model has one, then one coefficient a feature
 * @returns the coefficients (m) and the intercept, which standardised features bring in even where the model has none
 * @throws usage: another number of parameters
 */
export function toOriginalUnits(
  theta: ArrayLike<number>,
  encodingOrScaler: Encoding | Scaler,
  intercept: boolean,
): { intercept: number; coefficients: Float64Array } {
  const { mean, scale } = "features" in encodingOrScaler ? scalerOf(encodingOrScaler) : encodingOrScaler;
  const first = intercept ? 1 : 0;
  if (theta.length !== mean.length + first) {
    throw usageError(
      `A scaler of ${mean.length} features needs ${mean.length + first} parameters, got ${theta.length}.`,
    );
  }
  const coefficients = Float64Array.from({ length: mean.length }, (_, j) => theta[j + first] / scale[j]);
  const shift = coefficients.reduce((sum, coefficient, j) => sum + coefficient * mean[j], 0);
  return { intercept: (intercept ? theta[0] : 0) - shift, coefficients };
}
