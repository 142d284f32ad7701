/** Matrix products through the arena, in pieces that bound its size. */
import type { Arena } from "./arena.js";

/** Edge of the pieces of C: 1024² numbers are 8 MB. */
const TILE = 1024;
/**
 * Numbers of A and B together that are copied at a time: small enough to be still in the cache when they are packed.
 */
const COPIED = 1 << 18;
/** The kernels pack this many terms of the inner sum at a time. */
const DEPTH = 256;

const BYTES = Float64Array.BYTES_PER_ELEMENT;

/** A matrix whose entry (i, j) is `data[start + i·rowStep + j·columnStep]`; one of the steps is 1. */
export interface Operand {
  readonly data: Float64Array;
  readonly start: number;
  readonly rowStep: number;
  readonly columnStep: number;
}

/** A part of an operand in the arena, steps in bytes. */
interface Loaded {
  readonly at: number;
  readonly rowStep: number;
  readonly columnStep: number;
}

function loadPart(
  arena: Arena,
  at: number,
  { data, start, rowStep, columnStep }: Operand,
  row: number,
  column: number,
  rows: number,
  columns: number,
): Loaded {
  const from = start + row * rowStep + column * columnStep;
  if (columnStep === 1) {
    arena.load(at, data, from, rows, columns, rowStep);
    return { at, rowStep: columns * BYTES, columnStep: BYTES };
  }
  arena.load(at, data, from, columns, rows, columnStep);
  return { at, rowStep: BYTES, columnStep: rows * BYTES };
}

/** op(X) of a row-major matrix. */
export function operand(transpose: boolean, data: Float64Array, ld: number, start = 0): Operand {
  return transpose ? { data, start, rowStep: 1, columnStep: ld } : { data, start, rowStep: ld, columnStep: 1 };
}

const transposed = ({ data, start, rowStep, columnStep }: Operand): Operand => ({
  data,
  start,
  rowStep: columnStep,
  columnStep: rowStep,
});

/**
 * C ← alpha·A·B + beta·C with A m×k, B k×n, and C m×n from `startC` on; with `lower` (m = n) only its lower triangle.
 * Without b, B = A'.
 */
export function multiplyInto(
  arena: Arena,
  lower: boolean,
  m: number,
  n: number,
  k: number,
  alpha: number,
  a: Operand,
  b: Operand | undefined,
  beta: number,
  c: Float64Array,
  startC: number,
  ldc: number,
): void {
  const right = b ?? transposed(a);
  const tileRows = Math.min(m, TILE);
  const tileColumns = Math.min(n, TILE);
  const widest = Math.floor(COPIED / (tileRows + tileColumns) / DEPTH) * DEPTH;
  const depth = Math.min(k, Math.max(DEPTH, widest));
  arena.clear();
  const atC = arena.allocate(tileRows * tileColumns);
  const atA = arena.allocate(tileRows * depth);
  const atB = arena.allocate(depth * tileColumns);
  for (let i0 = 0; i0 < m; i0 += TILE) {
    const rows = Math.min(TILE, m - i0);
    for (let j0 = 0; j0 < (lower ? i0 + 1 : n); j0 += TILE) {
      const columns = Math.min(TILE, n - j0);
      const onDiagonal = lower && i0 === j0;
      const stepC = columns * BYTES;
      const cornerC = startC + i0 * ldc + j0;
      arena.load(atC, c, cornerC, rows, columns, ldc);
      if (beta !== 1) arena.kernels.scale(onDiagonal, rows, columns, beta, atC, stepC);
      for (let p0 = 0; p0 < k; p0 += depth) {
        const terms = Math.min(depth, k - p0);
        const partA = loadPart(arena, atA, a, i0, p0, rows, terms);
        const partB =
          b === undefined && i0 === j0
            ? { at: atA, rowStep: partA.columnStep, columnStep: partA.rowStep }
            : loadPart(arena, atB, right, p0, j0, terms, columns);
        arena.kernels.multiply(
          onDiagonal,
          rows,
          columns,
          terms,
          alpha,
          partA.at,
          partA.rowStep,
          partA.columnStep,
          partB.at,
          partB.rowStep,
          partB.columnStep,
          atC,
          stepC,
        );
      }
      if (onDiagonal) arena.storeLower(atC, c, cornerC, rows, ldc);
      else arena.store(atC, c, cornerC, rows, columns, ldc);
    }
  }
}
