import type { Ranks } from "../../parallel/ranks.js";
import { RankMoments } from "./rank-moments.js";
import { type About, ClusterMoments } from "./variances.js";

/** Rows of a block as their sums vary. */
export interface MovingRows {
  /** r */
  readonly w: Float64Array;
  /** r: w² each, or w/N for counts. */
  readonly omega: Float64Array;
  /** r; null or absent: rows are drawn by themselves. */
  readonly clusterOf?: Int32Array | null;
}

/** What varies about means that are known only when all rows have passed: rows by themselves, or whole clusters. */
export interface Moments {
  /** Of a pass. */
  readonly sums: Float64Array[];
  /** Adds rows to number k. @param z r */
  add(k: number, z: Float64Array, rows: MovingRows): void;
  /** Adds row i of these to number k. */
  addOne(k: number, z: number, i: number, rows: MovingRows): void;
  /** The variance of Σ_k factor_k Σ w(z_k − mean_k), where no row was added to two of these numbers. */
  about(parts: readonly About[]): number;
}

/** @param count of different z @param clusters G; null: rows are drawn by themselves */
export const momentsOf = (ranks: Ranks, count: number, clusters: number | null): Moments =>
  clusters === null ? ofRows(new RankMoments(ranks, count)) : ofClusters(new ClusterMoments(count, clusters));

const ofRows = (moments: RankMoments): Moments => ({
  sums: moments.sums,
  add: (k, z, { omega }) => moments.add(k, z, omega),
  addOne: (k, z, i, { omega }) => moments.addOne(k, z, omega[i]),
  about: (parts) => parts.reduce((sum, { k, mean, factor = 1 }) => sum + factor ** 2 * moments.about(k, mean), 0),
});

const ofClusters = (moments: ClusterMoments): Moments => ({
  sums: moments.sums,
  add(k, z, { w, clusterOf }) {
    for (let i = 0; i < z.length; i++) moments.addOne(k, z[i], w[i], clusterOf?.[i] ?? 0);
  },
  addOne: (k, z, i, { w, clusterOf }) => moments.addOne(k, z, w[i], clusterOf?.[i] ?? 0),
  about: (parts) => moments.about(parts),
});
