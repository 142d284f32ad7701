import type { Block, RowBlocks } from "../../data/dataset.js";
import { ensureBlas } from "../../linalg/backend.js";
import { growingBuffer } from "../../linalg/buffers.js";
import { Matrix } from "../../linalg/matrix.js";
import { addWeightedGram } from "../feature-map.js";

/** μ = Σ w x (m) and S = Σ w (x − μ)(x − μ)' (m×m, whole). */
export interface Moments {
  readonly mean: Float64Array;
  readonly covariance: Matrix;
}

/** Two passes, so that a large mean costs no digits. */
export async function momentsOf(data: RowBlocks): Promise<Moments> {
  await ensureBlas();
  const m = data.features.length;
  const mean = new Float64Array(m);
  await over(data, [mean], ({ x, w }) => {
    for (let i = 0, at = 0; i < w.length; i++) for (let k = 0; k < m; k++, at++) mean[k] += w[i] * x.data[at];
  });
  const covariance = Matrix.zeros(m, m);
  const centred = growingBuffer();
  await over(data, [covariance.data], ({ x, w }) => {
    const rows = new Matrix(centred(w.length * m), w.length, m);
    for (let i = 0, at = 0; i < w.length; i++) {
      for (let k = 0; k < m; k++, at++) rows.data[at] = x.data[at] - mean[k];
    }
    addWeightedGram(rows, w, covariance.data, m);
  });
  for (let j = 0; j < m; j++) for (let k = 0; k < j; k++) covariance.data[k * m + j] = covariance.data[j * m + k];
  return { mean, covariance };
}

/** Asks all rows, wherever they are. */
async function over(data: RowBlocks, sums: readonly Float64Array[], visit: (block: Block) => void): Promise<void> {
  if (data.pass) return data.pass({ sums, visit });
  for (const block of data.blocks()) visit(block);
}

/**
 * k: the share of tr S that each column p of P adds to what linear functions of the columns before it reproduce:
 * ‖Sp‖²/(p'Sp · tr S) with S deflated by Spp'S/(p'Sp) column after column. For principal components: λ_j / Σλ.
 */
export function explainedShares({ data, rows: m }: Matrix, projection: Matrix): Float64Array {
  const k = projection.columns;
  const left = new Matrix(data.slice(), m, m);
  let total = 0;
  for (let j = 0; j < m; j++) total += data[j * (m + 1)];
  return Float64Array.from({ length: k }, (_, c) => {
    const p = projection.column(c);
    const image = Float64Array.from({ length: m }, (_row, j) => {
      let sum = 0;
      for (let l = 0; l < m; l++) sum += left.data[j * m + l] * p[l];
      return sum;
    });
    const variance = image.reduce((sum, value, j) => sum + value * p[j], 0);
    if (!(variance > 1e-14 * total) || total === 0) return 0;
    for (let j = 0; j < m; j++) {
      for (let l = 0; l < m; l++) left.data[j * m + l] -= (image[j] * image[l]) / variance;
    }
    return image.reduce((sum, value) => sum + value * value, 0) / (variance * total);
  });
}
