/** Orthonormal bases of the rows of a matrix. */
import { blas } from "./backend.js";
import { Matrix } from "./matrix.js";

/** A row that keeps less than this share of its length beside the rows before it is one of their combinations. */
const DEPENDENT = 1e-13;
/** One that keeps less than this share beside the rows of its panel is projected on all rows before it once more. */
const SHORTENED = 0.1;
/** Rows that are projected on those before them together. */
const PANEL = 32;
/** Sums of squares beyond these have lost digits. */
const LEAST_SQUARE = 1e-280;
const MOST_SQUARE = 1e280;

/**
 * An orthonormal basis of the span of the rows (r×d), without those that depend on rows before them: Gram and Schmidt's
 * method, each projection done twice, which makes it orthogonal to rounding. Panels of rows are projected together.
 * @param given an orthonormal basis (q×d) that the result continues: its rows come first.
 */
export function orthonormalRows(rows: Matrix, given: Matrix = Matrix.zeros(0, rows.columns)): Matrix {
  const d = rows.columns;
  const basis = new Float64Array((given.rows + rows.rows) * d);
  basis.set(given.data);
  let rank = given.rows;
  for (let from = 0; from < rows.rows; from += PANEL) {
    const before = rank;
    const to = Math.min(rows.rows, from + PANEL);
    const panel = new Matrix(rows.data.slice(from * d, to * d), to - from, d);
    const shares = projectedPanel(basis, before, panel);
    for (let i = 0; i < panel.rows; i++) {
      const vector = basis.subarray(rank * d, (rank + 1) * d);
      vector.set(panel.row(i));
      const inPanel = basis.subarray(before * d);
      projectOut(inPanel, rank - before, vector);
      const share = normalise(vector);
      if (!(share * shares[i] > DEPENDENT)) continue;
      if (share < SHORTENED) projectOut(basis, rank, vector);
      else projectOut(inPanel, rank - before, vector);
      normalise(vector);
      rank++;
    }
  }
  return new Matrix(basis.slice(0, rank * d), rank, d);
}

/** Makes the rows of a panel unit vectors orthogonal to the first `count` of a basis; returns the share of its length that each kept. */
function projectedPanel(basis: Float64Array, count: number, panel: Matrix): Float64Array {
  const { rows, columns: d } = panel;
  const shares = new Float64Array(rows);
  for (let i = 0; i < rows; i++) shares[i] = normalise(panel.row(i)) > 0 ? 1 : 0;
  if (count === 0) return shares;
  const coefficients = new Float64Array(rows * count);
  for (let pass = 0; pass < 2; pass++) {
    blas().gemm(false, true, rows, count, d, 1, panel.data, d, basis, d, 0, coefficients, count);
    blas().gemm(false, false, rows, d, count, -1, coefficients, count, basis, d, 1, panel.data, d);
    for (let i = 0; i < rows; i++) shares[i] *= Math.min(1, normalise(panel.row(i)));
  }
  return shares;
}

/** v ← v − Q'Qv for the first `count` rows of Q, which lie packed in `basis`. */
export function projectOut(basis: Float64Array, count: number, vector: Float64Array): void {
  if (count === 0) return;
  const d = vector.length;
  const coefficients = new Float64Array(count);
  blas().gemv(false, count, d, 1, basis, d, vector, 0, coefficients);
  blas().gemv(true, count, d, -1, basis, d, coefficients, 1, vector);
}

/** Scales a vector to length 1 in place and returns the length it had; leaves 0 and what is not finite alone. */
export function normalise(vector: Float64Array): number {
  const length = euclideanLength(vector);
  if (length > 0 && length < Infinity) for (let j = 0; j < vector.length; j++) vector[j] /= length;
  return length;
}

/** Squares of very small or large numbers lose digits to under- or overflow: those are divided by the largest first. */
function euclideanLength(vector: Float64Array): number {
  let square = 0;
  for (const value of vector) square += value * value;
  if (square > LEAST_SQUARE && square < MOST_SQUARE) return Math.sqrt(square);
  const largest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (!(largest > 0 && largest < Infinity)) return largest;
  let share = 0;
  for (const value of vector) share += (value / largest) ** 2;
  return largest * Math.sqrt(share);
}
