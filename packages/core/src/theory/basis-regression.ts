import { Matrix } from "../linalg/matrix.js";
import { dot, solveMoment } from "./quadratic-form.js";
import { lossFactor, type SquaredLoss } from "./squared-loss.js";

/** What the general regression f = θ'v(x) of section 5.1.2 needs to know of each row; V = ∂v/∂x. */
export interface BasisRows {
  /** n×d: v_i */
  readonly v: Matrix;
  /** n×d: V_iV_i'θ/‖V_i'θ‖₂ */
  readonly pull: Matrix;
  /** n: ‖V_i'θ‖₂ */
  readonly lengths: Float64Array;
  /** n: r_i = θ'v_i − y_i */
  readonly residuals: Float64Array;
  /** c */
  readonly scale: number;
}

/** Loss r²/2, attack p = 2. */
export interface BasisRegression {
  /** Φ (d), without c. */
  readonly penaltyGradient: Float64Array;
  /** I = −cM⁻¹Φ (d) */
  readonly influence: Float64Array;
  /** S/ε² */
  readonly sensitivity: number;
}

/**
 * The general regression corrected (MATH 5): Φ = (1/n)Σ[|r_i| V_iV_i'θ/‖V_i'θ‖ + sgn(r_i)‖V_i'θ‖ v_i], I = −cM⁻¹Φ with the second moment
 * M = (1/n)Σ v_iv_i', S/ε² = ½c²Φ'M⁻¹Φ. The paper's eq (6) has r for |r|, the covariance for M, and lacks ½ and c².
 * @throws numerical: M is singular.
 */
export function basisRegression(rows: BasisRows): BasisRegression {
  const penaltyGradient = basisPenaltyGradient(rows, Math.abs);
  const solved = solveMoment(secondMoment(rows.v), penaltyGradient);
  return {
    penaltyGradient,
    influence: solved.map((value) => -rows.scale * value),
    sensitivity: 0.5 * rows.scale ** 2 * dot(penaltyGradient, solved),
  };
}

/** (1/n)Σ[size(r_i) V_iV_i'θ/‖V_i'θ‖ + sgn(r_i)‖V_i'θ‖ v_i]: with |r| the gradient of the mean of |r|‖V'θ‖. */
export function basisPenaltyGradient(
  { v, pull, lengths, residuals }: Omit<BasisRows, "scale">,
  size: (residual: number) => number,
): Float64Array {
  const out = new Float64Array(v.columns);
  residuals.forEach((r, i) => {
    const [features, directions] = [v.row(i), pull.row(i)];
    const [onPull, onFeatures] = [size(r), Math.sign(r) * lengths[i]];
    for (let k = 0; k < out.length; k++) out[k] += onPull * directions[k] + onFeatures * features[k];
  });
  return out.map((value) => value / residuals.length);
}

/** (1/n)Σ v_iv_i' (d×d) */
export function secondMoment(v: Matrix): Matrix {
  const d = v.columns;
  const out = Matrix.zeros(d, d);
  for (let i = 0; i < v.rows; i++) {
    const row = v.row(i);
    for (let j = 0; j < d; j++) for (let k = 0; k < d; k++) out.data[j * d + k] += (row[j] * row[k]) / v.rows;
  }
  return out;
}

/** What the bound of Theorem 5.3 is made of; y = θ'v(x) + η. */
export interface BasisBound {
  /** c = E‖x‖₂, or 1 for an absolute radius. */
  readonly scale: number;
  /** λ_min(E vv') */
  readonly smallestEigenvalue: number;
  /** E[|η| ‖V‖₂] */
  readonly noisyJacobian: number;
  /** ‖e‖₂ of e = E[sgn(η) v ‖V'θ‖]: 0 where the noise is symmetric and independent of x. */
  readonly signedPull: number;
  readonly loss?: SquaredLoss;
}

/**
 * Theorem 5.3 corrected (MATH 5), for every distribution: S/ε² ≤ s c² (E[|η|‖V‖₂] + ‖e‖)²/λ_min(E vv') for l = s r². The paper has
 * no ‖e‖: its assumption E[x sgn η] = 0 does not make e vanish.
 */
export const basisBound = ({
  scale,
  smallestEigenvalue,
  noisyJacobian,
  signedPull,
  loss = "squared",
}: BasisBound): number => (lossFactor(loss) * (scale * (noisyJacobian + signedPull)) ** 2) / smallestEigenvalue;
