import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { symmetrise } from "../linalg/symmetric.js";
import { meanStandardError, type Sampling } from "./sampling.js";
import { pairwiseFactor } from "./simultaneous.js";

/** Intervals of all differences z̄_i − z̄_j at once: (z̄_i − z̄_j) ± reach_ij. */
export interface PairedDifferences {
  /** t: how many standard errors every interval reaches. */
  readonly factor: number;
  /** K×K, symmetric, 0 on the diagonal: standard errors of the differences. */
  readonly errors: Matrix;
}

/** Rows of a stretch for which deviations are held at once. */
const STRETCH = 4096;

/**
 * Simultaneous intervals of all differences of K weighted means Σ w_i z_ik over the same rows: paired standard errors (MATH 14.8),
 * and max-t over all pairs by the normal multiplier bootstrap of the rows (MATH 14.9), which is simulated in K dimensions, since
 * Σ e_i w_i (z_ik − z̄_k) with normal e_i is normal given the rows.
 * @param columns K of n numbers each.
 */
export function pairedDifferences(
  columns: readonly Float64Array[],
  w: Float64Array,
  sampling: Sampling,
  level: number,
  seed: number,
): PairedDifferences {
  const K = columns.length;
  const errors = Matrix.zeros(K, K);
  const difference = new Float64Array(w.length);
  for (let i = 0; i < K; i++) {
    for (let j = 0; j < i; j++) {
      for (let row = 0; row < w.length; row++) difference[row] = columns[i][row] - columns[j][row];
      errors.data[i * K + j] = meanStandardError(difference, w, sampling);
      errors.data[j * K + i] = errors.data[i * K + j];
    }
  }
  return { factor: pairwiseFactor(covarianceOf(columns, w, sampling), errors, level, seed), errors };
}

/** Cov of the K weighted means less what is common to all of them, which no difference sees. */
function covarianceOf(columns: readonly Float64Array[], w: Float64Array, sampling: Sampling): Matrix {
  const K = columns.length;
  const means = columns.map((values) => values.reduce((sum, value, i) => sum + w[i] * value, 0));
  const out = Matrix.zeros(K, K);
  const rows = sampling.clusters ? 1 + sampling.clusters.reduce((most, code) => Math.max(most, code), 0) : w.length;
  const deviations = Matrix.zeros(Math.min(STRETCH, w.length), K);
  const sums = sampling.clusters ? Matrix.zeros(rows, K) : null;
  for (let from = 0; from < w.length; from += STRETCH) {
    const count = Math.min(STRETCH, w.length - from);
    for (let r = 0; r < count; r++) {
      const i = from + r;
      const weight = sampling.weightsKind === "frequency" && !sums ? Math.sqrt(w[i] / sampling.totalWeight) : w[i];
      let common = 0;
      for (let k = 0; k < K; k++) common += (columns[k][i] - means[k]) / K;
      for (let k = 0; k < K; k++) deviations.data[r * K + k] = weight * (columns[k][i] - means[k] - common);
      if (sums && sampling.clusters) {
        const base = sampling.clusters[i] * K;
        for (let k = 0; k < K; k++) sums.data[base + k] += deviations.data[r * K + k];
      }
    }
    if (!sums) blas().syrk(K, count, 1, deviations.data, K, 1, out.data, K);
  }
  if (sums) {
    const drawn = new Set(sampling.clusters).size;
    blas().syrk(K, rows, drawn / Math.max(1, drawn - 1), sums.data, K, 0, out.data, K);
  }
  symmetrise(out);
  return out;
}

/** The same for K estimates that were drawn together, from the spread of their differences over B draws (K of B numbers each). */
export function drawnDifferences(draws: readonly Float64Array[], level: number): PairedDifferences {
  const K = draws.length;
  const B = draws[0]?.length ?? 0;
  const errors = Matrix.zeros(K, K);
  const means = draws.map((values) => values.reduce((sum, value) => sum + value / B, 0));
  for (let i = 0; i < K; i++) {
    for (let j = 0; j < i; j++) {
      let squares = 0;
      for (let b = 0; b < B; b++) squares += (draws[i][b] - means[i] - draws[j][b] + means[j]) ** 2;
      errors.data[i * K + j] = Math.sqrt(squares / Math.max(1, B - 1));
      errors.data[j * K + i] = errors.data[i * K + j];
    }
  }
  const largest = new Float64Array(B);
  for (let b = 0; b < B; b++) {
    for (let i = 0; i < K; i++) {
      for (let j = 0; j < i; j++) {
        const error = errors.data[i * K + j];
        const away = Math.abs(draws[i][b] - means[i] - draws[j][b] + means[j]);
        if (error > 0) largest[b] = Math.max(largest[b], away / error);
      }
    }
  }
  const place = Math.min(B - 1, Math.ceil(level * (B + 1)) - 1);
  return { factor: B === 0 ? 0 : largest.toSorted()[place], errors };
}
