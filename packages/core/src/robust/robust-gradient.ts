import { Matrix } from "../linalg/matrix.js";
import { lossSlopes } from "../models/loss-rows.js";
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
const ROWS_AT_ONCE = 256;

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
  const [ends, attacked, slopes] = [0, 1, 2].map(() => new Float64Array(ROWS_AT_ONCE));
  const theta: Matrix | null = unknown.length > 0 ? asColumns(unknown.map((point) => point.theta)) : null;
  const { pull: sums } = await sweep(
    map,
    data,
    { theta, pull: K, phase: "trust radius" },
    ({ block: { y, w, firstRow }, scores, pull: omega }) => {
      for (let from = 0; from < y.length; from += ROWS_AT_ONCE) {
        const rows = Math.min(ROWS_AT_ONCE, y.length - from);
        const targets = y.subarray(from, from + rows);
        for (let k = 0; k < K; k++) {
          const { score } = points[k];
          const [column, shift] = [columnOf.get(points[k]) ?? 0, reach[k]];
          for (let i = 0; i < rows; i++) {
            const row = from + i;
            const f = score ? score(firstRow + row) : scores.data[row * scores.columns + column];
            ends[i] = loss.worseEnd(f, y[row], shift);
            attacked[i] = f + ends[i] * shift;
          }
          lossSlopes(loss, attacked.subarray(0, rows), targets, slopes);
          let pulled = 0;
          for (let i = 0, at = from * K + k; i < rows; i++, at += K) {
            const slope = w[from + i] * slopes[i];
            omega.data[at] = slope;
            pulled += slope * ends[i];
          }
          pulls[k] += pulled;
        }
      }
    },
    work,
  );
  const noRows = Matrix.zeros(0, map.inputs);
  return points.map((point, k) => {
    const direction = map.jacobianTimes(noRows, new Matrix(norms[k].direction, 1, map.inputs)).data;
    const strength = point.radius * pulls[k];
    const gradient = Float64Array.from(
      ridge,
      (penalty, j) => sums.data[j * K + k] + strength * direction[j] + penalty * point.theta[j],
    );
    return { pull: pulls[k], gradient };
  });
}
