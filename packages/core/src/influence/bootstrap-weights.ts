import { usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { DrawnCounts } from "../stats/drawn-counts.js";
import type { Sampling } from "./sampling.js";

/** Clusters are drawn whole; frequency weights draw as many units as they count, about; else rows are drawn with equal chances. */
export interface ResamplingOptions extends Partial<Sampling> {
  readonly seed?: number;
}

/** Some rows, in order. */
export interface DrawnFrom {
  /** Rows of the whole data before these. */
  readonly firstRow: number;
  /** r: of all rows together they sum to 1. */
  readonly weights: Float64Array;
  /** r: the place of each row's cluster among all; null or absent: rows are drawn by themselves. */
  readonly clusters?: Int32Array | null;
}

/** Writes r×K: for each row how often it was drawn, times its weight for sampling weights and clusters. */
export type WriteDraws = (rows: DrawnFrom, out: Float64Array) => void;

/**
 * Draws `from` to `to` (exclusive) of a bootstrap: rows, or clusters, get independent Poisson counts of mean 1 (frequency weights: of
 * as many units as they stand for), which depend on the seed, the number of the draw and that of the row or cluster only. Given how
 * many are drawn in all, they are drawn with replacement.
 * @throws usage: frequency weights without a total
 */
export function writeDraws(
  { seed = 0, clusters, weightsKind, totalWeight }: ResamplingOptions,
  from: number,
  to: number,
): WriteDraws {
  const counts = new DrawnCounts(seed, from, to - from);
  const K = to - from;
  const units = weightsKind === "frequency" && !clusters ? unitsOf(totalWeight) : null;
  return ({ firstRow, weights, clusters: places }, out) => {
    if (units !== null && !places) {
      for (let i = 0; i < weights.length; i++) counts.write(firstRow + i, units * weights[i], out, i * K);
      return;
    }
    for (let i = 0, at = 0; i < weights.length; i++) {
      counts.writeUnit(places ? places[i] : firstRow + i, out, at);
      for (const end = at + K; at < end; at++) out[at] *= weights[i];
    }
  };
}

function unitsOf(totalWeight: number | undefined): number {
  if (totalWeight !== undefined && totalWeight >= 2 && totalWeight <= Number.MAX_SAFE_INTEGER) {
    return Math.round(totalWeight);
  }
  throw usageError(`A bootstrap of frequency weights needs their total, 2 or more; got ${totalWeight}.`);
}

/** Writes the rows' weights in draw b (n, summing to 1; all 0 where only rows without weight were drawn) to `out`. */
export type DrawWeights = (draw: number, out: Float64Array) => void;

/**
 * The weights of all rows in each draw. With clusters they depend on the order of the clusters' codes, so that rows may then stand in
 * any order.
 * @throws usage: fewer than two units to draw from, codes of another length, frequency weights without a total.
 */
export function drawWeights(weights: Float64Array, options: ResamplingOptions): DrawWeights {
  const rows = allRows(weights, options);
  if (options.weightsKind === "frequency" && !options.clusters) unitsOf(options.totalWeight);
  return (draw, out) => {
    writeDraws(options, draw, draw + 1)(rows, out);
    bringToOne(out, 1);
  };
}

/** The weights of all rows in draws `from` to `to` (exclusive), n×K. @throws as `drawWeights` */
export function weightMatrix(weights: Float64Array, options: ResamplingOptions, from: number, to: number): Matrix {
  const out = Matrix.zeros(weights.length, to - from);
  writeDraws(options, from, to)(allRows(weights, options), out.data);
  bringToOne(out.data, to - from);
  return out;
}

function allRows(weights: Float64Array, { clusters, weightsKind }: ResamplingOptions): DrawnFrom {
  if (!clusters) {
    if (weightsKind !== "frequency") refuseOne(weights.length, "row");
    return { firstRow: 0, weights };
  }
  if (clusters.length !== weights.length)
    throw usageError(`${clusters.length} cluster codes were given for ${weights.length} rows: give one for every row.`);
  const places = new Map([...new Set(clusters)].sort((a, b) => a - b).map((code, place) => [code, place]));
  refuseOne(places.size, "cluster");
  return { firstRow: 0, weights, clusters: clusters.map((code) => places.get(code) ?? 0) };
}

function refuseOne(units: number, what: string): void {
  if (units < 2) throw usageError(`A bootstrap draws from at least two ${what}s, got ${units}.`);
}

/** Columns of r×K, each summing to 1 where it can. */
function bringToOne(data: Float64Array, K: number): void {
  const totals = new Float64Array(K);
  for (let at = 0; at < data.length; ) for (let k = 0; k < K; k++, at++) totals[k] += data[at];
  const shares = totals.map((total) => (total > 0 ? 1 / total : 1));
  for (let at = 0; at < data.length; ) for (let k = 0; k < K; k++, at++) data[at] *= shares[k];
}
