import { Matrix } from "../linalg/matrix.js";
import { asColumns, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import type { Threat } from "../threats/threat.js";
import { dualNormOf } from "./robust-loss.js";

/** A point θ at which the robust risk of radius ρ is looked at. */
export interface RobustPoint {
  readonly theta: Float64Array;
  readonly radius: number;
  /** f_i(θ) where it is known beforehand; else it is computed on the way. */
  readonly score?: ((row: number) => number) | undefined;
}

export interface RobustGradient {
  /** ∇R(θ) (d), with φ(β) for ∂N: sgn(0) = 0. */
  readonly gradient: Float64Array;
  /** Σ w ℓ'σ ≥ 0 at the worse ends: how much ∇R changes per unit of ρ∂N. */
  readonly pull: number;
}

/** What all points want of so many rows stays in the cache. */
const ROWS_AT_ONCE = 128;

/**
 * A subgradient of R(θ) = Σ w max(ℓ(f−ρN), ℓ(f+ρN)) + ½ΣPθ² at each of K points, for scores linear in x and losses convex
 * in the score (MATH 10a): ∇R = Σ w ℓ'(f+σρN)(v + σρ∂N) + Pθ, σ the worse end of each row. One pass serves all points.
 */
export async function robustGradients(
  fit: Fit,
  threat: Threat,
  points: readonly RobustPoint[],
  work?: Work,
): Promise<RobustGradient[]> {
  const { model, data, ridge } = fit;
  const { map, loss } = model;
  const K = points.length;
  const norms = points.map(({ theta }) => dualNormOf(model, threat, theta));
  const reach = points.map(({ radius }, k) => radius * norms[k].norm);
  const unknown = points.filter(({ score }) => score === undefined);
  const columnOf = new Map(unknown.map((point, column) => [point, column]));
  const pulls = new Float64Array(K);
  const theta: Matrix | null = unknown.length > 0 ? asColumns(unknown.map((point) => point.theta)) : null;
  const { pull: sums } = await sweep(
    map,
    data,
    { theta, pull: K, phase: "trust radius" },
    ({ block: { y, w, firstRow }, scores, pull: omega }) => {
      for (let from = 0; from < y.length; from += ROWS_AT_ONCE) {
        const to = Math.min(from + ROWS_AT_ONCE, y.length);
        for (let k = 0; k < K; k++) {
          const { score } = points[k];
          const [column, shift] = [columnOf.get(points[k]) ?? 0, reach[k]];
          let pulled = 0;
          for (let i = from, at = from * K + k; i < to; i++, at += K) {
            const f = score ? score(firstRow + i) : scores.data[i * scores.columns + column];
            const sigma = loss.worseEnd(f, y[i], shift);
            const slope = w[i] * loss.first(f + sigma * shift, y[i]);
            omega.data[at] = slope;
            pulled += slope * sigma;
          }
          pulls[k] += pulled;
        }
      }
    },
    work,
  );
  const noRows = Matrix.zeros(0, map.inputs);
  return points.map((point, k) => {
    const attacked = map.jacobianTimes(noRows, new Matrix(norms[k].direction, 1, map.inputs)).data;
    const strength = point.radius * pulls[k];
    const gradient = Float64Array.from(
      ridge,
      (penalty, j) => sums.data[j * K + k] + strength * attacked[j] + penalty * point.theta[j],
    );
    return { pull: pulls[k], gradient };
  });
}
