/** Small dense algebra of column blocks: d×k matrices whose k columns are vectors of the same space. */
import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";

/** ‖v_k‖ of the columns (k). */
export function columnNorms(vectors: Matrix): Float64Array {
  const squares = new Float64Array(vectors.columns);
  for (let j = 0, at = 0; j < vectors.rows; j++) {
    for (let k = 0; k < vectors.columns; k++, at++) squares[k] += vectors.data[at] ** 2;
  }
  return squares.map(Math.sqrt);
}

/** The columns named, side by side. */
export function takeColumns(vectors: Matrix, chosen: readonly number[]): Matrix {
  const out = Matrix.zeros(vectors.rows, chosen.length);
  for (let j = 0; j < vectors.rows; j++) {
    for (let c = 0; c < chosen.length; c++) {
      out.data[j * chosen.length + c] = vectors.data[j * vectors.columns + chosen[c]];
    }
  }
  return out;
}

/** A'B (s×k), A d×s and B d×k. */
export function crossProducts(a: Matrix, b: Matrix): Matrix {
  const out = Matrix.zeros(a.columns, b.columns);
  const [lda, ldb] = [Math.max(1, a.columns), Math.max(1, b.columns)];
  blas().gemm(true, false, a.columns, b.columns, a.rows, 1, a.data, lda, b.data, ldb, 0, out.data, ldb);
  return out;
}

/** C ← C + factor·AB, A d×s, B s×k, C d×k. */
export function addProduct(c: Matrix, factor: number, a: Matrix, b: Matrix): void {
  const [lda, ldb] = [Math.max(1, a.columns), Math.max(1, b.columns)];
  blas().gemm(false, false, a.rows, b.columns, a.columns, factor, a.data, lda, b.data, ldb, 1, c.data, ldb);
}

/** A row that keeps less than this share of its length beside the rows before it is one of their combinations. */
const DEPENDENT = 1e-13;
/** One that keeps less than this share beside the rows of its panel is projected on all rows before it once more. */
const SHORTENED = 0.1;
/** Rows that are projected on those before them together. */
const PANEL = 32;

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
  let square = 0;
  for (const value of vector) square += value * value;
  const length = Math.sqrt(square);
  if (length > 0 && length < Infinity) for (let j = 0; j < vector.length; j++) vector[j] /= length;
  return length;
}
