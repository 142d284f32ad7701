/** Matrix products through the arena, in pieces that bound its size. */
import type { Arena } from "./arena.js";
import { DEPTH, loadPart, type Operand, type Part, shifted, transposed } from "./operand.js";
import { multiplyTogether } from "./shared-product.js";

/** Edge of the pieces of C: 1024² numbers are 8 MB. */
const TILE = 1024;
/** Numbers of A and B together that are copied at a time: small enough to be still in the cache when they are packed. */
const COPIED = 1 << 18;

const BYTES = Float64Array.BYTES_PER_ELEMENT;

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
  const team = arena.team?.takes(lower, m, n, k) ? arena.team : null;
  const place = team ?? arena;
  for (let i0 = 0; i0 < m; i0 += TILE) {
    const rows = Math.min(TILE, m - i0);
    for (let j0 = 0; j0 < (lower ? i0 + 1 : n); j0 += TILE) {
      const columns = Math.min(TILE, n - j0);
      const onDiagonal = lower && i0 === j0;
      const cornerC = startC + i0 * ldc + j0;
      place.clear();
      const atC = place.allocate(rows * columns);
      if (beta !== 0) place.load(atC, c, cornerC, rows, columns, ldc);
      if (beta !== 1) place.kernels.scale(onDiagonal, rows, columns, beta, atC, columns * BYTES);
      const part: Part = {
        lower: onDiagonal,
        same: b === undefined && i0 === j0,
        rows,
        columns,
        terms: k,
        alpha,
        left: shifted(a, i0, 0),
        right: shifted(right, 0, j0),
        atC,
      };
      if (team) multiplyTogether(team, part);
      else multiplyAlone(arena, part);
      if (onDiagonal) place.storeLower(atC, c, cornerC, rows, ldc);
      else place.store(atC, c, cornerC, rows, columns, ldc);
    }
  }
}

function multiplyAlone(arena: Arena, { lower, same, rows, columns, terms, alpha, left, right, atC }: Part): void {
  const widest = Math.floor(COPIED / (rows + columns) / DEPTH) * DEPTH;
  const depth = Math.min(terms, Math.max(DEPTH, widest));
  const atA = arena.allocate(rows * depth);
  const atB = same ? atA : arena.allocate(depth * columns);
  for (let p0 = 0; p0 < terms; p0 += depth) {
    const here = Math.min(depth, terms - p0);
    const a = loadPart(arena, atA, left, 0, p0, rows, here);
    const b = same
      ? { at: atA, rowStep: a.columnStep, columnStep: a.rowStep }
      : loadPart(arena, atB, right, p0, 0, here, columns);
    arena.kernels.multiply(
      lower,
      rows,
      columns,
      here,
      alpha,
      a.at,
      a.rowStep,
      a.columnStep,
      b.at,
      b.rowStep,
      b.columnStep,
      atC,
      columns * BYTES,
    );
  }
}
