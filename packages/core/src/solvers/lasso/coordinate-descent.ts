import type { Matrix } from "../../linalg/matrix.js";
import { maximumMagnitude } from "../../threats/norms.js";
import { hessianTimes } from "../inverse-hessian.js";

/** Sweeps that find most of the signs. */
const SWEEPS = 100;
/** A sweep that moves nothing by more than this share of the largest entry ends the descent. */
const SETTLED = 1e-7;

/** min ½z'Hz − b'z + Σλ_j|z_j| */
export interface QuadraticLasso {
  /** k×k, lower triangle valid. */
  readonly H: Matrix;
  readonly b: Float64Array;
  /** λ; entries with λ_j = 0 are not penalised. */
  readonly penalties: Float64Array;
}

/** Cyclic coordinate descent, z_j ← S(z_j H_jj − r_j, λ_j)/H_jj with r = Hz − b kept up to date, in place. */
export function coordinateDescent({ H, b, penalties }: QuadraticLasso, z: Float64Array): void {
  const k = b.length;
  const r = hessianTimes(H, z).map((value, j) => value - b[j]);
  const entry = (i: number, j: number): number => H.data[i >= j ? i * k + j : j * k + i];
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let moved = 0;
    for (let j = 0; j < k; j++) {
      const curvature = H.data[j * (k + 1)];
      if (!(curvature > 0)) continue;
      const by = softThreshold(z[j] * curvature - r[j], penalties[j]) / curvature - z[j];
      if (by === 0) continue;
      z[j] += by;
      for (let i = 0; i < k; i++) r[i] += entry(i, j) * by;
      moved = Math.max(moved, Math.abs(by));
    }
    if (moved <= SETTLED * maximumMagnitude(z)) return;
  }
}

/** S(t, λ): t moved towards 0 by λ, and 0 within λ of it. */
export const softThreshold = (t: number, lambda: number): number =>
  t > lambda ? t - lambda : t < -lambda ? t + lambda : 0;
