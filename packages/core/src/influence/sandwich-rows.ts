import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { symmetrise } from "../linalg/symmetric.js";
import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Influence } from "./aif.js";
import { ClusterSums, clustersWithWeight } from "./cluster-sums.js";
import { product } from "./sandwich-inverse.js";
import type { RowScalars } from "./sandwich-scalars.js";

/**
 * Σ ω_i U_i U_i' (d×d, full) row by row, a block at a time. With clusters, sums of w_i U_i within each cluster first, and the factor
 * G/(G − 1) over the G clusters that have weight (MATH 14.8).
 */
export async function gramOfRows(
  attack: Influence,
  rows: RowScalars,
  parts: ScoreParts,
  omega: Float64Array,
  clusters: Int32Array | undefined,
  work: Work,
): Promise<Matrix> {
  const { weights } = attack.fit.data;
  const d = parts.constant.length;
  const gram = Matrix.zeros(d, d);
  if (clusters) {
    const { count, of } = clustersWithWeight(clusters, weights);
    const sums = new ClusterSums(count, d);
    await eachScores(attack, rows, parts, weights, work, (own, firstRow) =>
      sums.add(own, of.subarray(firstRow, firstRow + own.rows)),
    );
    sums.addGram(gram);
  } else {
    await eachScores(attack, rows, parts, omega.map(Math.sqrt), work, (own) =>
      blas().syrk(d, own.rows, 1, own.data, d, 1, gram.data, d),
    );
  }
  return symmetrise(gram);
}

/** What the rows' scores share. */
interface ScoreParts {
  readonly Q: Matrix;
  readonly constant: Float64Array;
}

/**
 * f_i U_i of every row, r×d for a block at a time: U_i = α_i v_i + β_i V_iφ_i + s_i Φ − ℓ'_i Qv_i + t.
 * @param factors n: f_i
 */
export async function eachScores(
  attack: Influence,
  rows: RowScalars,
  { Q, constant }: ScoreParts,
  factors: Float64Array,
  work: Work,
  take: (own: Matrix, firstRow: number) => void,
): Promise<void> {
  const { fit, pull, penaltyGradient: Phi, threat } = attack;
  const { map } = fit.model;
  const d = map.count;
  await sweep(
    map,
    fit.data,
    { phase: "inference" },
    ({ block }) => {
      const { x, firstRow } = block;
      const r = x.rows;
      const v = map.features(x);
      const slope = fit.scores.subarray(firstRow, firstRow + r).map((f, i) => fit.model.loss.first(f, block.y[i]));
      const phi = pull.shared ?? threat.respond({ slope, base: map.inputGradients(fit.parameters, x) }, block).base;
      const along = map.jacobianTimes(x, phi);
      const estimation = product(v, Q, true);
      const own = Matrix.zeros(r, d);
      for (let i = 0; i < r; i++) {
        const row = firstRow + i;
        const a = (along.rows === 1 ? 0 : i) * d;
        for (let j = 0; j < d; j++) {
          own.data[i * d + j] =
            factors[row] *
            (rows.onFeatures[row] * v.data[i * d + j] +
              rows.onJacobian[row] * along.data[a + j] +
              rows.size[row] * Phi[j] -
              rows.slope[row] * estimation.data[i * d + j] +
              constant[j]);
        }
      }
      take(own, firstRow);
    },
    work,
  );
}

/** Σ over clusters of (Σ of their rows' numbers)², times G/(G − 1). @param values n: w_i z_i */
export function clusterSquares(values: Float64Array, clusters: Int32Array, weights: Float64Array): number {
  const { count, of } = clustersWithWeight(clusters, weights);
  const sums = new ClusterSums(count, 1);
  sums.add(new Matrix(values, values.length, 1), of);
  const out = Matrix.zeros(1, 1);
  sums.addGram(out);
  return out.data[0];
}
