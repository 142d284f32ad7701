import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { symmetrise } from "../linalg/symmetric.js";
import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Influence } from "./aif.js";
import { product } from "./sandwich-inverse.js";
import type { RowScalars } from "./sandwich-scalars.js";

/**
 * Σ ω_i U_i U_i' (d×d, full) row by row, a block at a time: U_i = α_i v_i + β_i V_iφ_i + s_i Φ − ℓ'_i Qv_i + t. With clusters, sums of
 * w_i U_i within each cluster first, and the factor G/(G − 1) over the G clusters that have weight (MATH 14.8).
 */
export async function gramOfRows(
  attack: Influence,
  rows: RowScalars,
  { Q, constant }: { readonly Q: Matrix; readonly constant: Float64Array },
  omega: Float64Array,
  clusters: Int32Array | undefined,
  work: Work,
): Promise<Matrix> {
  const { fit, pull, penaltyGradient: Phi, threat } = attack;
  const { map } = fit.model;
  const d = map.count;
  const gram = Matrix.zeros(d, d);
  const sums = clusters ? clusterSums(clusters, fit.data.weights, d) : null;
  await sweep(
    map,
    fit.data,
    { phase: "inference" },
    ({ block }) => {
      const { x, w, firstRow } = block;
      const r = x.rows;
      const v = map.features(x);
      const slope = fit.scores.subarray(firstRow, firstRow + r).map((f, i) => fit.model.loss.first(f, block.y[i]));
      const phi = pull.shared ?? threat.respond({ slope, base: map.inputGradients(fit.parameters, x) }, block).base;
      const along = map.jacobianTimes(x, phi);
      const estimation = product(v, Q, true);
      const own = Matrix.zeros(r, d);
      for (let i = 0; i < r; i++) {
        const row = firstRow + i;
        const factor = sums ? w[i] : Math.sqrt(omega[row]);
        const a = (along.rows === 1 ? 0 : i) * d;
        for (let j = 0; j < d; j++) {
          own.data[i * d + j] =
            factor *
            (rows.onFeatures[row] * v.data[i * d + j] +
              rows.onJacobian[row] * along.data[a + j] +
              rows.size[row] * Phi[j] -
              rows.slope[row] * estimation.data[i * d + j] +
              constant[j]);
        }
      }
      if (sums) sums.add(own, firstRow);
      else blas().syrk(d, r, 1, own.data, d, 1, gram.data, d);
    },
    work,
  );
  sums?.finish(gram);
  return symmetrise(gram);
}

/** Σ over clusters of (Σ of their rows' numbers)², times G/(G − 1). @param values n: w_i z_i */
export function clusterSquares(values: Float64Array, clusters: Int32Array, weights: Float64Array): number {
  const sums = clusterSums(clusters, weights, 1);
  sums.add(new Matrix(values, values.length, 1), 0);
  const out = Matrix.zeros(1, 1);
  sums.finish(out);
  return out.data[0];
}

/** Collects w_i U_i (rows of `width` numbers) by cluster, then adds G/(G − 1) Σ ss' to a Gram matrix. */
export function clusterSums(clusters: Int32Array, weights: Float64Array, width: number) {
  const place = new Map<number, number>();
  clusters.forEach((code, i) => {
    if (weights[i] > 0 && !place.has(code)) place.set(code, place.size);
  });
  const count = place.size;
  const sums = Matrix.zeros(count, width);
  return {
    add(rows: Matrix, firstRow: number): void {
      for (let i = 0; i < rows.rows; i++) {
        const at = place.get(clusters[firstRow + i]);
        if (at === undefined) continue;
        for (let j = 0; j < width; j++) sums.data[at * width + j] += rows.data[i * width + j];
      }
    },
    finish(gram: Matrix): void {
      blas().syrk(width, count, count / Math.max(1, count - 1), sums.data, width, 1, gram.data, width);
    },
  };
}
