import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";

/** Sums of numbers w_i U_i within each of G clusters, of rows that may pass by block by block. */
export class ClusterSums {
  /** G×width */
  readonly sums: Matrix;

  constructor(
    readonly clusters: number,
    private readonly width: number,
  ) {
    this.sums = Matrix.zeros(clusters, width);
  }

  /** @param rows r×width: w_i U_i @param clusterOf r: 0 … G − 1; below 0: the row does not count */
  add({ data, rows }: Matrix, clusterOf: Int32Array): void {
    const { width, sums } = this;
    for (let i = 0; i < rows; i++) {
      const cluster = clusterOf[i];
      if (cluster < 0) continue;
      for (let j = 0; j < width; j++) sums.data[cluster * width + j] += data[i * width + j];
    }
  }

  /** G/(G − 1) Σ s² over the clusters, of one number a cluster. */
  squares(): number {
    const { clusters, sums } = this;
    const total = sums.data.reduce((sum, value) => sum + value * value, 0);
    return (total * clusters) / Math.max(1, clusters - 1);
  }

  /** gram (lower triangle) += G/(G − 1) Σ ss' over the clusters (MATH 14.8). */
  addGram(gram: Matrix): void {
    const { width, clusters, sums } = this;
    blas().syrk(width, clusters, clusters / Math.max(1, clusters - 1), sums.data, width, 1, gram.data, width);
  }
}

/** Clusters of rows, numbered in the order in which those with weight are met; −1 without weight. */
export function clustersWithWeight(
  clusters: Int32Array,
  weights: Float64Array,
): { readonly count: number; readonly of: Int32Array } {
  const place = new Map<number, number>();
  clusters.forEach((code, i) => {
    if (weights[i] > 0 && !place.has(code)) place.set(code, place.size);
  });
  return { count: place.size, of: clusters.map((code) => place.get(code) ?? -1) };
}
