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
