import type { WeightsKind } from "../data/encoding.js";

/** How the rows of a data set came to be, which decides how far their sums vary. */
export interface Sampling {
  readonly weightsKind: WeightsKind;
  /** Σ of the raw weights: the number of units that frequency weights count; n without weights. */
  readonly totalWeight: number;
  /** n codes of clusters whose rows were drawn together, or undefined: every row on its own. */
  readonly clusters?: Int32Array | undefined;
}

/** Rows drawn one by one with equal chances. */
export const independentRows = (rows: number): Sampling => ({ weightsKind: "sampling", totalWeight: rows });

/**
 * Standard error of the weighted mean Σ w_i z_i over the rows (MATH 14.8): √Σ w_i²(z_i − z̄)² for sampling weights,
 * √(Σ w_i(z_i − z̄)²/N) for counts, sums within clusters first with the factor G/(G − 1). Σ w = 1 is not asked for: the mean
 * is taken relative to Σ w, as for a part of the rows; NaN without weight.
 */
export function meanStandardError(values: Float64Array, w: Float64Array, sampling: Sampling): number {
  let [total, sum] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    total += w[i];
    sum += w[i] * values[i];
  }
  const mean = sum / total;
  if (sampling.clusters) return clusterStandardError(values, w, sampling.clusters, mean) / total;
  return Math.sqrt(varianceAbout(mean, values, w, sampling)) / total;
}

/** The part of rows drawn one by one in the variance of their mean: Σ w_i²(z_i − z̄)², or Σ w_i(z_i − z̄)²/N for counts. */
export function varianceAbout(mean: number, values: Float64Array, w: Float64Array, sampling: Sampling): number {
  let variance = 0;
  if (sampling.weightsKind === "frequency") {
    for (let i = 0; i < values.length; i++) variance += (w[i] * (values[i] - mean) ** 2) / sampling.totalWeight;
  } else {
    for (let i = 0; i < values.length; i++) variance += (w[i] * (values[i] - mean)) ** 2;
  }
  return variance;
}

function clusterStandardError(values: Float64Array, w: Float64Array, clusters: Int32Array, mean: number): number {
  const sums = new Map<number, number>();
  for (let i = 0; i < values.length; i++) {
    if (w[i] > 0) sums.set(clusters[i], (sums.get(clusters[i]) ?? 0) + w[i] * (values[i] - mean));
  }
  let variance = 0;
  for (const sum of sums.values()) variance += sum * sum;
  return Math.sqrt((variance * sums.size) / Math.max(1, sums.size - 1));
}
