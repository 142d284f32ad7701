import { type Sampling, varianceAbout } from "../../influence/sampling.js";

/** Rows of a block as they vary. */
export interface VaryingRows {
  /** r */
  readonly w: Float64Array;
  /** r: 0 … G − 1; null: rows are drawn by themselves. */
  readonly clusterOf: Int32Array | null;
}

/** The variances of several weighted sums over rows that pass by, about centres that are known: of rows, or of whole clusters (MATH 14.8). */
export class Variances {
  /** K, or G×K: Σ w(z − centre) within each cluster. */
  private readonly added: Float64Array;

  /** @param count K @param clusters G; null: rows are drawn by themselves */
  constructor(
    private readonly count: number,
    private readonly sampling: Sampling,
    private readonly clusters: number | null,
  ) {
    this.added = new Float64Array(count * (clusters ?? 1));
  }

  /** Of a pass. */
  get sums(): Float64Array[] {
    return [this.added];
  }

  /** Adds rows to number k. @param z r */
  add(k: number, centre: number, z: Float64Array, { w, clusterOf }: VaryingRows): void {
    const { added, count, sampling } = this;
    if (clusterOf === null) added[k] += varianceAbout(centre, z, w, sampling);
    else for (let i = 0; i < z.length; i++) added[clusterOf[i] * count + k] += w[i] * (z[i] - centre);
  }

  /** Of number k, over all ranks. */
  of(k: number): number {
    const { added, count, clusters } = this;
    if (clusters === null) return added[k];
    let squares = 0;
    for (let at = k; at < added.length; at += count) squares += added[at] ** 2;
    return (squares * clusters) / Math.max(1, clusters - 1);
  }
}

/** Number k about its mean, times a factor (default 1). */
export interface About {
  readonly k: number;
  readonly mean: number;
  readonly factor?: number;
}

/** The same about centres that are known only when all rows have passed. */
export class ClusterMoments {
  /** K×G: Σ w and Σ w z within each cluster. */
  private readonly weights: Float64Array;
  private readonly first: Float64Array;

  constructor(
    count: number,
    private readonly clusters: number,
  ) {
    [this.weights, this.first] = [0, 1].map(() => new Float64Array(count * clusters));
  }

  /** Of a pass. */
  get sums(): Float64Array[] {
    return [this.weights, this.first];
  }

  addOne(k: number, z: number, w: number, cluster: number): void {
    const at = k * this.clusters + cluster;
    this.weights[at] += w;
    this.first[at] += w * z;
  }

  /** G/(G − 1) Σ (Σ_k factor_k Σ w(z_k − mean_k))² over the clusters with weight. */
  about(parts: readonly About[]): number {
    const { clusters, weights, first } = this;
    let [squares, count] = [0, 0];
    for (let cluster = 0; cluster < clusters; cluster++) {
      let [sum, weight] = [0, 0];
      for (const { k, mean, factor = 1 } of parts) {
        const at = k * clusters + cluster;
        weight += weights[at];
        sum += factor * (first[at] - mean * weights[at]);
      }
      if (weight === 0) continue;
      squares += sum ** 2;
      count++;
    }
    return (squares * count) / Math.max(1, count - 1);
  }
}
