/**
 * The formulas as the paper prints them, for comparison with what is right and for nothing else: each is wrong where its
 * counterpart outside of this file says so.
 */
import { Matrix } from "../linalg/matrix.js";
import { transportOrder } from "../threats/wasserstein.js";
import { type BasisBound, type BasisRows, basisPenaltyGradient, secondMoment } from "./basis-regression.js";
import { includedFeaturesSensitivity as corrected, type IncludedFeatures } from "./number-of-features.js";
import { dot, solveMoment } from "./quadratic-form.js";
import type { SmoothedPopulation } from "./smoothing.js";
import { lossFactor } from "./squared-loss.js";

/** Corollary 5.1: a factor 1/σ_x² too many. */
export const includedFeaturesSensitivity = (setting: IncludedFeatures): number =>
  corrected(setting) / setting.sigmaX ** 2;

/** Eq (6): Φ with r for |r|, the covariance of v for its second moment, no ½ and no c². @throws numerical: it is singular. */
export function basisSensitivity(rows: Omit<BasisRows, "scale">): number {
  const gradient = basisPenaltyGradient(rows, (r) => r);
  return dot(gradient, solveMoment(covariance(rows.v), gradient));
}

function covariance(v: Matrix): Matrix {
  const d = v.columns;
  const means = Float64Array.from({ length: d }, (_, k) => v.column(k).reduce((sum, value) => sum + value, 0) / v.rows);
  const moment = secondMoment(v);
  return new Matrix(
    moment.data.map((value, at) => value - means[Math.floor(at / d)] * means[at % d]),
    d,
    d,
  );
}

/** Theorem 5.3: c² E η² E‖V'V‖₂/λ_min for r², claimed wherever E[x sgn η] = 0. */
export const basisBound = ({
  scale,
  smallestEigenvalue,
  noiseVariance,
  meanSquaredJacobian,
  loss = "squared",
}: Pick<BasisBound, "scale" | "smallestEigenvalue" | "loss"> & {
  /** E η² */
  readonly noiseVariance: number;
  /** E‖V'V‖₂ */
  readonly meanSquaredJacobian: number;
}): number => (lossFactor(loss) * scale ** 2 * noiseVariance * meanSquaredJacobian) / smallestEigenvalue;

/** Example 5.1: λ_min is said to be at least this. */
export const squareFeaturesEigenvalue = 1 / 5;

/** Example 5.1: E‖V'V‖₂. */
export const squareFeaturesJacobian = 1;

/** Theorem 5.4: a factor 2 before the term that smoothing adds to the noise. */
export function smoothingRatio({ coefficients: B, sigmaX, sigmaR, sigmaEta }: SmoothedPopulation): number {
  const T = sigmaX ** 2 + sigmaR ** 2;
  return ((sigmaX ** 2 / T) * (sigmaEta ** 2 + (2 * (B * sigmaX * sigmaR) ** 2) / T)) / sigmaEta ** 2;
}

/** Eq (8): the whole budget on the row J of largest gain, ω_J = (1/w_J)^{1/u}; with equal weights Φ = c n^{(1−u)/u} G_Jφ_J. */
export function distributionalWeights(u: number, gains: Float64Array, weights: Float64Array): Float64Array {
  const omega = new Float64Array(gains.length);
  let largest = 0;
  for (let i = 1; i < gains.length; i++) if (gains[i] > gains[largest]) largest = i;
  omega[largest] = (1 / weights[largest]) ** (1 / transportOrder(u));
  return omega;
}
