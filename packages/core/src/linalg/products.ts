import { blas } from "./backend.js";
import { Matrix } from "./matrix.js";

/** AB */
export function product(a: Matrix, b: Matrix): Matrix {
  const out = Matrix.zeros(a.rows, b.columns);
  multiply(false, false, a, b, a.columns, out);
  return out;
}

/** AB' */
export function productTransposed(a: Matrix, b: Matrix): Matrix {
  const out = Matrix.zeros(a.rows, b.rows);
  multiply(false, true, a, b, a.columns, out);
  return out;
}

/** A'B */
export function transposedProduct(a: Matrix, b: Matrix): Matrix {
  const out = Matrix.zeros(a.columns, b.columns);
  multiply(true, false, a, b, a.rows, out);
  return out;
}

/** out ← out + A'B */
export function addTransposedProduct(a: Matrix, b: Matrix, out: Matrix): void {
  multiply(true, false, a, b, a.rows, out, 1);
}

/** factor·diag(s)V, a new matrix. */
export function scaledRows({ data, rows, columns }: Matrix, s: Float64Array, factor = 1): Matrix {
  const out = new Float64Array(data.length);
  for (let i = 0, at = 0; i < rows; i++) {
    for (let o = 0; o < columns; o++, at++) out[at] = factor * s[i] * data[at];
  }
  return new Matrix(out, rows, columns);
}

/** factor·A, a new matrix. */
export const scaled = (factor: number, { data, rows, columns }: Matrix): Matrix =>
  new Matrix(
    data.map((value) => factor * value),
    rows,
    columns,
  );

/** a·A + b·B, a new matrix. */
export const combined = (a: number, A: Matrix, b: number, B: Matrix): Matrix =>
  new Matrix(
    A.data.map((value, at) => a * value + b * B.data[at]),
    A.rows,
    A.columns,
  );

/** Matrices of as many rows, side by side. */
export function sideBySide(parts: readonly Matrix[]): Matrix {
  const rows = parts[0].rows;
  const out = Matrix.zeros(
    rows,
    parts.reduce((sum, { columns }) => sum + columns, 0),
  );
  let first = 0;
  for (const { data, columns } of parts) {
    for (let i = 0; i < rows; i++) {
      out.data.set(data.subarray(i * columns, (i + 1) * columns), i * out.columns + first);
    }
    first += columns;
  }
  return out;
}

/** Columns `from` (inclusive) to `to` (exclusive), a new matrix. */
export function columnRange({ data, rows, columns }: Matrix, from: number, to: number): Matrix {
  const out = Matrix.zeros(rows, to - from);
  for (let i = 0; i < rows; i++) out.data.set(data.subarray(i * columns + from, i * columns + to), i * (to - from));
  return out;
}

function multiply(ta: boolean, tb: boolean, a: Matrix, b: Matrix, inner: number, out: Matrix, beta = 0): void {
  const { rows, columns, data } = out;
  if (rows === 0 || columns === 0 || inner === 0) return;
  blas().gemm(ta, tb, rows, columns, inner, 1, a.data, a.columns, b.data, b.columns, beta, data, columns);
}
