import { usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { drawEqual, drawMultinomial } from "../stats/multinomial.js";
import { type RandomStream, randomStream } from "../stats/random.js";
import type { Sampling } from "./sampling.js";

/** Streams from here on are a bootstrap's draws, apart from those that other simulations take. */
const FIRST_STREAM = 0x10000;

/** Clusters are drawn whole; frequency weights draw as many units as they count; else rows are drawn with equal chances. */
export interface ResamplingOptions extends Partial<Sampling> {
  readonly seed?: number;
}

/** Writes the rows' weights in draw b (n, summing to 1; all 0 where only rows without weight were drawn) to `out`. */
export type DrawWeights = (draw: number, out: Float64Array) => void;

/**
 * The weights of the rows in each draw of a bootstrap: how often a row was drawn, times its weight for sampling weights and
 * clusters. They depend on the seed, the number of the draw and the order of the rows only; with clusters on the order of
 * their codes, so that rows may then stand in any order.
 * @throws usage: fewer than two units to draw from, codes of another length, frequency weights without a total.
 */
export function drawWeights(weights: Float64Array, options: ResamplingOptions): DrawWeights {
  const { seed = 0, clusters, weightsKind, totalWeight } = options;
  const streamOf = (draw: number): RandomStream => randomStream(seed, FIRST_STREAM + draw);
  if (clusters) return clusterDraws(weights, clusters, streamOf);
  if (weightsKind === "frequency") {
    if (!(totalWeight !== undefined && totalWeight >= 2 && totalWeight <= Number.MAX_SAFE_INTEGER))
      throw usageError(`A bootstrap of frequency weights needs their total, 2 or more; got ${totalWeight}.`);
    const units = Math.round(totalWeight);
    return (draw, out) => {
      out.fill(0);
      drawMultinomial(streamOf(draw), weights, units, out);
      for (let i = 0; i < out.length; i++) out[i] /= units;
    };
  }
  refuseOne(weights.length, "row");
  return (draw, out) => {
    out.fill(0);
    drawEqual(streamOf(draw), out.length, out);
    weigh(out, weights);
  };
}

function clusterDraws(weights: Float64Array, codes: Int32Array, streamOf: (draw: number) => RandomStream): DrawWeights {
  if (codes.length !== weights.length)
    throw usageError(`${codes.length} cluster codes were given for ${weights.length} rows: give one for every row.`);
  const places = new Map([...new Set(codes)].sort((a, b) => a - b).map((code, place) => [code, place]));
  refuseOne(places.size, "cluster");
  const clusterOf = codes.map((code) => places.get(code) ?? 0);
  const counts = new Float64Array(places.size);
  return (draw, out) => {
    counts.fill(0);
    drawEqual(streamOf(draw), counts.length, counts);
    for (let i = 0; i < out.length; i++) out[i] = counts[clusterOf[i]];
    weigh(out, weights);
  };
}

function refuseOne(units: number, what: string): void {
  if (units < 2) throw usageError(`A bootstrap draws from at least two ${what}s, got ${units}.`);
}

/** counts → counts × weights, summing to 1 where they can. */
function weigh(counts: Float64Array, weights: Float64Array): void {
  let total = 0;
  for (let i = 0; i < counts.length; i++) {
    counts[i] *= weights[i];
    total += counts[i];
  }
  if (total > 0) for (let i = 0; i < counts.length; i++) counts[i] /= total;
}

/** Draws whose weights are laid side by side at a time: one line of the cache. */
const SIDE_BY_SIDE = 8;

/** The weights of draws `from` to `to` (exclusive) of n rows, n×K. */
export function weightMatrix(weightsOf: DrawWeights, from: number, to: number, rows: number): Matrix {
  const K = to - from;
  const out = Matrix.zeros(rows, K);
  const columns = Array.from({ length: SIDE_BY_SIDE }, () => new Float64Array(rows));
  for (let first = 0; first < K; first += SIDE_BY_SIDE) {
    const width = Math.min(SIDE_BY_SIDE, K - first);
    for (let k = 0; k < width; k++) weightsOf(from + first + k, columns[k]);
    for (let i = 0; i < rows; i++) for (let k = 0; k < width; k++) out.data[i * K + first + k] = columns[k][i];
  }
  return out;
}
