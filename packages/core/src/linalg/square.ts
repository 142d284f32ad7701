/** Checks and sums that everything about symmetric matrices shares. */
import { Matrix } from "./matrix.js";

export function checkSquare(a: Matrix): void {
  if (a.rows !== a.columns) throw new RangeError(`A symmetric matrix is square, this one is ${a.rows}×${a.columns}.`);
}

export function checkRows(b: Float64Array | Matrix, n: number): void {
  const rows = b instanceof Matrix ? b.rows : b.length;
  if (rows !== n) throw new RangeError(`The right-hand side has ${rows} rows, the matrix has ${n}.`);
}

export function sumOfSquares(x: Float64Array): number {
  let sum = 0;
  for (const value of x) sum += value * value;
  return sum;
}

/** Copies the lower triangle of a square matrix to its upper one, in place, and returns it. */
export function symmetrise(a: Matrix): Matrix {
  checkSquare(a);
  const { data, rows: n } = a;
  for (let i = 1; i < n; i++) for (let j = 0; j < i; j++) data[j * n + i] = data[i * n + j];
  return a;
}
