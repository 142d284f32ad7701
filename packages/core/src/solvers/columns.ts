/** Small dense algebra of column blocks: d×k matrices whose k columns are vectors of the same space. */
import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";

/** Of a direction that is a combination of those before it but for rounding, no more than this share is left. */
const REMNANT = 1e-13;

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

/** AC (d×k), A d×s and C s×k. */
export function combined(a: Matrix, c: Matrix): Matrix {
  const out = Matrix.zeros(a.rows, c.columns);
  addProduct(out, 1, a, c);
  return out;
}

/** B (s×k) with row i divided by values[i]. */
export function dividedRows(b: Matrix, values: Float64Array): Matrix {
  for (let i = 0, at = 0; i < b.rows; i++) {
    for (let k = 0; k < b.columns; k++, at++) b.data[at] /= values[i];
  }
  return b;
}

/** [A, B] */
export function beside(a: Matrix, b: Matrix): Matrix {
  const out = Matrix.zeros(b.rows, a.columns + b.columns);
  for (let j = 0; j < b.rows; j++) {
    out.row(j).set(a.row(j));
    out.row(j).set(b.row(j), a.columns);
  }
  return out;
}

/** V ← V − NN'V for a basis N that is orthonormal but for rounding. */
export function leaveOut(basis: Matrix, vectors: Matrix): void {
  if (basis.columns > 0) addProduct(vectors, -1, basis, crossProducts(basis, vectors));
}

/** Adds column c of `from` to column columns[c] of `to`. */
export function addColumns(to: Matrix, from: Matrix, columns: readonly number[]): void {
  for (let j = 0; j < to.rows; j++) {
    columns.forEach((k, c) => {
      to.data[j * to.columns + k] += from.data[j * from.columns + c];
    });
  }
}

export function copyColumns(from: Matrix, to: Matrix, columns: readonly number[]): void {
  for (let j = 0; j < to.rows; j++)
    for (const k of columns) to.data[j * to.columns + k] = from.data[j * to.columns + k];
}

/** Sets columns to 0 of which next to nothing is left. @param lengths those they had */
export function withoutRemnants(vectors: Matrix, lengths: Float64Array): void {
  columnNorms(vectors).forEach((length, k) => {
    if (length > REMNANT * lengths[k]) return;
    for (let at = k; at < vectors.data.length; at += vectors.columns) vectors.data[at] = 0;
  });
}

export function identity(size: number): Matrix {
  const out = Matrix.zeros(size, size);
  for (let k = 0; k < size; k++) out.data[k * (size + 1)] = 1;
  return out;
}
