import { randomStream } from "../stats/random.js";
import type { RowSource } from "./row-source.js";

/** Gaussian noise x + σξ on rows, ξ ~ N(0, I) in pairs ±ξ, so that its mean over the draws of a row is 0. */
export interface RowNoise {
  /** σ, in the units of the features as the model sees them. */
  readonly sigma: number;
  readonly seed: number;
  /** D, even: how many noisy copies there are of every row. */
  readonly draws: number;
  /** Which pairs of the stream these are: D/2 of them from this one on (default 0). */
  readonly firstPair?: number;
  /** Whether relative sizes are measured on the rows without their noise (default true). */
  readonly measuredClean?: boolean;
}

/**
 * Every row D times, each with a noise of its own, made while it is read: draw d of row r is row r·D + d. A row's noise depends on
 * the seed and its place r in the source alone, so that a fit, its attack and its folds all see the same.
 */
export function noisyRows(source: RowSource, noise: RowNoise): RowSource {
  const { sigma, seed, draws, firstPair = 0, measuredClean = true } = noise;
  const m = source.columns;
  const copyRow = source.fill.bind(source);
  const pairs = draws / 2;
  const one = new Int32Array(1);
  const row = new Float64Array(m);
  const xi = new Float64Array(pairs * m);
  let current = -1;
  const load = (base: number): void => {
    if (base === current) return;
    current = base;
    one[0] = base;
    copyRow(one, 0, 1, row);
    const stream = randomStream(seed, base);
    for (let skipped = 0; skipped < firstPair * m; skipped++) stream.normal();
    stream.fillNormals(xi);
  };
  const copies = (rows: Int32Array, from: number, to: number, out: Float64Array, size: number): void => {
    for (let i = from, at = 0; i < to; i++) {
      load(Math.floor(rows[i] / draws));
      const draw = rows[i] % draws;
      const step = draw % 2 === 0 ? size : -size;
      for (let k = 0, z = (draw >> 1) * m; k < m; k++, at++, z++) out[at] = row[k] + step * xi[z];
    }
  };
  return {
    columns: m,
    fill: (rows, from, to, out) => copies(rows, from, to, out, sigma),
    ...(measuredClean
      ? {
          fillMeasured: (rows: Int32Array, from: number, to: number, out: Float64Array) =>
            copies(rows, from, to, out, 0),
        }
      : {}),
  };
}
