/**
 * Products of a matrix with a vector: small ones in plain loops, others in pieces that are copied through the
 * second-level cache.
 */
import type { Arena } from "./arena.js";
import { addProduct, addTransposedProduct } from "./vectors.js";

/** Entries of a matrix below which a call into WebAssembly costs more than it saves. */
const SMALL = 1024;
/** Numbers that are copied at a time: 256 KB. */
const COPIED = 1 << 15;
/** The kernels take rows in fours and columns in twos. */
const ROWS = 4;
const COLUMNS = 2;

const BYTES = Float64Array.BYTES_PER_ELEMENT;

/**
 * Copies a block of rows, gaps and all where that is one piece of memory without much waste. Returns the distance of
 * the copied rows.
 */
function loadRows(
  arena: Arena,
  address: number,
  a: Float64Array,
  start: number,
  rows: number,
  columns: number,
  lda: number,
): number {
  if (lda > 2 * columns) {
    arena.load(address, a, start, rows, columns, lda);
    return columns;
  }
  const span = (rows - 1) * lda + columns;
  arena.load(address, a, start, 1, span, span);
  return lda;
}

/** y ← alpha·op(A)·x + beta·y, A m×n as stored. */
export function multiplyVector(
  arena: Arena,
  transpose: boolean,
  m: number,
  n: number,
  alpha: number,
  a: Float64Array,
  lda: number,
  x: Float64Array,
  beta: number,
  y: Float64Array,
): void {
  const length = transpose ? n : m;
  if (beta !== 1) for (let i = 0; i < length; i++) y[i] *= beta;
  const add = transpose ? addTransposedProduct : addProduct;
  if (m * n < SMALL || m < ROWS || n < COLUMNS) {
    add(m, n, alpha, a, 0, lda, x, y);
    return;
  }
  const wholeRows = m - (m % ROWS);
  const wholeColumns = n - (n % COLUMNS);
  const pieceColumns = Math.min(wholeColumns, COPIED / ROWS);
  const pieceRows = Math.min(wholeRows, Math.max(ROWS, Math.floor(COPIED / pieceColumns / ROWS) * ROWS));
  arena.clear();
  const atA = arena.allocate(pieceRows * 2 * pieceColumns);
  const atX = arena.allocate(transpose ? pieceRows : pieceColumns);
  const atSums = arena.allocate(transpose ? pieceColumns : pieceRows);
  const multiply = transpose ? arena.kernels.multiplyVectorTransposed : arena.kernels.multiplyVector;
  for (let j0 = 0; j0 < wholeColumns; j0 += pieceColumns) {
    const columns = Math.min(pieceColumns, wholeColumns - j0);
    for (let i0 = 0; i0 < wholeRows; i0 += pieceRows) {
      const rows = Math.min(pieceRows, wholeRows - i0);
      const [inputs, fromX] = transpose ? [rows, i0] : [columns, j0];
      const [outputs, toY] = transpose ? [columns, j0] : [rows, i0];
      const step = loadRows(arena, atA, a, i0 * lda + j0, rows, columns, lda);
      arena.load(atX, x, fromX, 1, inputs, inputs);
      const sums = arena.numbersAt(atSums, outputs).fill(0);
      multiply(rows, columns, atA, step * BYTES, atX, atSums);
      for (let i = 0; i < outputs; i++) y[toY + i] += alpha * sums[i];
    }
  }
  // What is left over: the last rows, and the last column of the others.
  const [lastRows, lastColumn] = [m - wholeRows, n - wholeColumns];
  if (transpose) {
    add(lastRows, n, alpha, a, wholeRows * lda, lda, x.subarray(wholeRows), y);
    add(wholeRows, lastColumn, alpha, a, wholeColumns, lda, x, y.subarray(wholeColumns));
  } else {
    add(lastRows, n, alpha, a, wholeRows * lda, lda, x, y.subarray(wholeRows));
    add(wholeRows, lastColumn, alpha, a, wholeColumns, lda, x.subarray(wholeColumns), y);
  }
}
