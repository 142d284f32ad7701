import { Matrix } from "../linalg/matrix.js";
import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import type { Threat } from "../threats/threat.js";
import { dualNormOf, worstEnd } from "./robust-loss.js";

/** A point θ at which the robust risk of radius ρ is looked at; `scores` are its f_i, known beforehand or made on the fly. */
export interface RobustPoint {
  readonly theta: Float64Array;
  readonly radius: number;
  /** f_i(θ) */
  readonly score: (row: number) => number;
}

/**
 * A subgradient of R(θ) = Σ w max(ℓ(f−ρN), ℓ(f+ρN)) + ½ΣPθ² at each of K points, for scores linear in x and losses convex
 * in the score (MATH 10a): ∇R = Σ w ℓ'(f+σρN)(v + σρ∂N) + Pθ, σ the worse end of each row. One pass serves all points.
 * Returns the K gradients as the columns of a d×K matrix.
 */
export async function robustGradients(
  fit: Fit,
  threat: Threat,
  points: readonly RobustPoint[],
  work?: Work,
): Promise<Matrix> {
  const { model, data, ridge } = fit;
  const { map, loss } = model;
  const K = points.length;
  const norms = points.map(({ theta }) => dualNormOf(model, threat, theta));
  const reach = points.map(({ radius }, k) => radius * norms[k].norm);
  const alongNorm = new Float64Array(K);
  const { pull } = await sweep(
    map,
    data,
    { pull: K, phase: "trust radius" },
    ({ block: { y, w, firstRow }, pull: omega }) => {
      for (let k = 0; k < K; k++) {
        const { score } = points[k];
        for (let i = 0; i < y.length; i++) {
          const f = score(firstRow + i);
          const sigma = worstEnd(loss, f, y[i], reach[k]);
          const slope = w[i] * loss.first(f + sigma * reach[k], y[i]);
          omega.data[i * K + k] = slope;
          alongNorm[k] += slope * sigma;
        }
      }
    },
    work,
  );
  const first = map.intercept ? 1 : 0;
  points.forEach(({ theta, radius }, k) => {
    for (let j = 0; j < ridge.length; j++) {
      const attacked = j < first ? 0 : radius * norms[k].direction[j - first] * alongNorm[k];
      pull.data[j * K + k] += attacked + ridge[j] * theta[j];
    }
  });
  return pull;
}
