import { inputError, usageError } from "../errors.js";
import type { Matrix } from "../linalg/matrix.js";
import { quoted } from "./names.js";
import { matrixRows } from "./row-source.js";
import { RowsDataset } from "./rows-dataset.js";
import type { Scaler } from "./scaler.js";

/** Weights, names and scaling of rows that are a matrix already. */
export interface MatrixDatasetOptions {
  /** n: finite, not negative, not all 0 (default: all alike). */
  readonly weights?: ArrayLike<number>;
  /** m names (default x1, x2, …). */
  readonly features?: readonly string[];
  /** Default false: the model sees x as it is, without a copy. */
  readonly standardize?: boolean;
}

/** A data set over a matrix in memory. */
export class MatrixDataset extends RowsDataset {
  /** How the blocks were standardised; null where they were not. Rows selected from it keep it. */
  readonly scaler: Scaler | null;

  constructor(
    readonly x: Matrix,
    y: Float64Array,
    weights: Float64Array,
    features: readonly string[],
    scaler: Scaler | null,
  ) {
    super(matrixRows(x, scaler), { start: 0 }, features, y, weights);
    this.scaler = scaler;
  }

  /** @throws AifError "input" naming the first entry of the matrix that is not finite */
  check(): void {
    const { x, features } = this;
    const at = firstInfinite(x.data);
    if (at < 0) return;
    const name = quoted(features[at % x.columns]);
    const row = Math.floor(at / x.columns);
    throw inputError(`Row ${row} of the matrix holds ${x.data[at]} in column ${name}; every entry must be finite.`);
  }
}

/**
 * A data set over an n×m matrix and n targets (two classes: −1 and +1). Blocks are views of the matrix, or, with
 * `standardize`, written to weighted mean 0 and standard deviation 1 block by block.
 *
 * @throws AifError "usage" for lengths that do not match, "input" for targets that are not finite and for bad weights.
 *   The matrix is taken on trust: a fit finds entries that are not finite without a pass of its own (`check` looks at once)
 */
export function matrixDataset(x: Matrix, y: ArrayLike<number>, options: MatrixDatasetOptions = {}): MatrixDataset {
  const { rows, columns } = x;
  const features = options.features ?? Array.from({ length: columns }, (_, j) => `x${j + 1}`);
  if (rows === 0 || columns === 0) throw usageError(`The matrix is ${rows}×${columns}; it needs rows and columns.`);
  if (y.length !== rows) throw usageError(`The matrix has ${rows} rows, but there are ${y.length} targets.`);
  if (features.length !== columns)
    throw usageError(`The matrix has ${columns} columns, but there are ${features.length} names.`);
  const target = y instanceof Float64Array ? y : Float64Array.from(y);
  checkTargets(target);
  const weights = checkedWeights(options.weights, rows);
  if (options.standardize !== true) return new MatrixDataset(x, target, weights, features, null);
  new MatrixDataset(x, target, weights, features, null).check();
  return new MatrixDataset(x, target, weights, features, fitScaler(x, weights));
}

function checkTargets(y: Float64Array): void {
  const row = firstInfinite(y);
  if (row >= 0) throw inputError(`The target of row ${row} is ${y[row]}; every target must be finite.`);
}

/** The first entry that is NaN or infinite, −1 if none. */
function firstInfinite(values: Float64Array): number {
  const stretch = 4096;
  for (let from = 0; from < values.length; from += stretch) {
    const to = Math.min(from + stretch, values.length);
    // A finite number less itself is 0; NaN and infinities leave NaN behind.
    let remainder = 0;
    for (let i = from; i < to; i++) remainder += values[i] - values[i];
    if (remainder === 0) continue;
    for (let i = from; i < to; i++) if (!Number.isFinite(values[i])) return i;
  }
  return -1;
}

function checkedWeights(given: ArrayLike<number> | undefined, rows: number): Float64Array {
  if (given === undefined) return new Float64Array(rows).fill(1 / rows);
  if (given.length !== rows) throw usageError(`The matrix has ${rows} rows, but there are ${given.length} weights.`);
  const weights = Float64Array.from(given);
  const bad = weights.findIndex((weight) => !(weight >= 0 && Number.isFinite(weight)));
  if (bad >= 0) throw inputError(`The weight of row ${bad} is ${weights[bad]}; weights are finite and not negative.`);
  const most = weights.reduce((max, weight) => Math.max(max, weight), 0);
  if (most === 0) throw inputError("Every weight is 0; some weight must be positive.");
  const total = weights.reduce((sum, weight) => sum + weight / most, 0);
  return weights.map((weight) => weight / most / total);
}

/** Weighted mean and standard deviation (ddof 0) of every column, row by row; scale 1 for a column without spread. */
function fitScaler(x: Matrix, weights: Float64Array): Scaler {
  const m = x.columns;
  const { data } = x;
  const start = data.slice(0, m); // sums are taken from the first row on, which keeps large offsets out of the rounding
  const spread = new Float64Array(m); // squares are taken in units of the largest distance: none overflows
  const mean = new Float64Array(m);
  for (let i = 0, at = 0; i < x.rows; i++) {
    for (let j = 0; j < m; j++, at++) {
      const distance = data[at] - start[j];
      mean[j] += weights[i] * distance;
      spread[j] = Math.max(spread[j], Math.abs(distance));
    }
  }
  for (let j = 0; j < m; j++) mean[j] += start[j];
  const squares = new Float64Array(m);
  const rest = new Float64Array(m);
  for (let i = 0, at = 0; i < x.rows; i++) {
    for (let j = 0; j < m; j++, at++) {
      const distance = data[at] - mean[j];
      rest[j] += weights[i] * distance;
      if (spread[j] > 0) squares[j] += weights[i] * (distance / spread[j]) ** 2;
    }
  }
  const scale = squares.map((square, j) => Math.sqrt(square) * spread[j] || 1);
  return { mean: mean.map((value, j) => value + rest[j]), scale };
}
