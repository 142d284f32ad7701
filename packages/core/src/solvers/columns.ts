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

export function transposed(a: Matrix): Matrix {
  const out = Matrix.zeros(a.columns, a.rows);
  for (let i = 0, at = 0; i < a.rows; i++) {
    for (let j = 0; j < a.columns; j++, at++) out.data[j * a.rows + i] = a.data[at];
  }
  return out;
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

/**
 * An orthonormal basis of the span of the rows (r×d), without those that depend on rows before them: Gram and Schmidt's
 * method, each projection done twice, which makes it orthogonal to rounding.
 */
export function orthonormalRows(rows: Matrix): Matrix {
  const d = rows.columns;
  const basis = new Float64Array(rows.data.length);
  let rank = 0;
  for (let i = 0; i < rows.rows; i++) {
    const vector = basis.subarray(rank * d, (rank + 1) * d);
    vector.set(rows.row(i));
    const length = normalise(vector);
    if (length === 0) continue;
    projectOut(basis, rank, vector);
    if (normalise(vector) <= DEPENDENT) continue;
    projectOut(basis, rank, vector);
    normalise(vector);
    rank++;
  }
  return new Matrix(basis.slice(0, rank * d), rank, d);
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
