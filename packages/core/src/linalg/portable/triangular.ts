/**
 * Triangular solves and the Cholesky factorisation through the arena: halved until the triangle fits it, the rest are
 * matrix products.
 */
import type { Arena } from "./arena.js";
import { operand } from "./operand.js";
import { multiplyInto } from "./product.js";

/** Largest triangle that is copied whole: 1024² numbers are 8 MB. */
const LARGEST = 1024;
/** Numbers of a right-hand side that are copied at a time. */
const COPIED = 1 << 20;

const BYTES = Float64Array.BYTES_PER_ELEMENT;

/** A part of a row-major matrix: entry (i, j) is `data[start + i·ld + j]`. */
export interface Part {
  readonly data: Float64Array;
  readonly start: number;
  readonly ld: number;
}

const part = ({ data, start, ld }: Part, row: number, column: number): Part => ({
  data,
  start: start + row * ld + column,
  ld,
});

const half = (n: number): number => Math.ceil(n / 8) * 4;

/** B ← op(L)⁻¹·B, L m×m, B m×n. */
export function solveFromLeft(arena: Arena, transpose: boolean, m: number, n: number, l: Part, b: Part): void {
  if (m > LARGEST) {
    const top = half(m);
    const rest = m - top;
    const below = part(b, top, 0);
    const lowerLeft = part(l, top, 0);
    const coupling = operand(transpose, l.data, l.ld, lowerLeft.start);
    if (transpose) {
      solveFromLeft(arena, true, rest, n, part(l, top, top), below);
      multiplyInto(
        arena,
        false,
        top,
        n,
        rest,
        -1,
        coupling,
        operand(false, b.data, b.ld, below.start),
        1,
        b.data,
        b.start,
        b.ld,
      );
      solveFromLeft(arena, true, top, n, l, b);
    } else {
      solveFromLeft(arena, false, top, n, l, b);
      multiplyInto(
        arena,
        false,
        rest,
        n,
        top,
        -1,
        coupling,
        operand(false, b.data, b.ld, b.start),
        1,
        b.data,
        below.start,
        b.ld,
      );
      solveFromLeft(arena, false, rest, n, part(l, top, top), below);
    }
    return;
  }
  arena.clear();
  const columns = Math.min(n, Math.max(1, Math.floor(COPIED / m)));
  const atL = arena.allocate(m * m);
  const atB = arena.allocate(m * columns);
  const solve = transpose ? arena.kernels.solveLeftTransposed : arena.kernels.solveLeft;
  arena.load(atL, l.data, l.start, m, m, l.ld);
  for (let j0 = 0; j0 < n; j0 += columns) {
    const width = Math.min(columns, n - j0);
    arena.load(atB, b.data, b.start + j0, m, width, b.ld);
    solve(m, width, atL, m * BYTES, atB, width * BYTES);
    arena.store(atB, b.data, b.start + j0, m, width, b.ld);
  }
}

/** B ← B·L'⁻¹, L n×n, B m×n. */
function solveFromRight(arena: Arena, m: number, n: number, l: Part, b: Part): void {
  if (n > LARGEST) {
    const left = half(n);
    const rest = n - left;
    const right = part(b, 0, left);
    solveFromRight(arena, m, left, l, b);
    const solved = operand(false, b.data, b.ld, b.start);
    const coupling = operand(true, l.data, l.ld, part(l, left, 0).start);
    multiplyInto(arena, false, m, rest, left, -1, solved, coupling, 1, b.data, right.start, b.ld);
    solveFromRight(arena, m, rest, part(l, left, left), right);
    return;
  }
  arena.clear();
  const rows = Math.min(m, Math.max(1, Math.floor(COPIED / n)));
  const atL = arena.allocate(n * n);
  const atB = arena.allocate(rows * n);
  arena.load(atL, l.data, l.start, n, n, l.ld);
  for (let i0 = 0; i0 < m; i0 += rows) {
    const height = Math.min(rows, m - i0);
    const start = b.start + i0 * b.ld;
    arena.load(atB, b.data, start, height, n, b.ld);
    arena.kernels.solveRight(height, n, atL, n * BYTES, atB, n * BYTES);
    arena.store(atB, b.data, start, height, n, b.ld);
  }
}

/** A = LL' in place of the lower triangle; 0, or the 1-based pivot that was not positive. */
export function factorise(arena: Arena, n: number, a: Part): number {
  if (n > LARGEST) {
    const top = half(n);
    const rest = n - top;
    const failedAt = factorise(arena, top, a);
    if (failedAt !== 0) return failedAt;
    const below = part(a, top, 0);
    const corner = part(a, top, top);
    solveFromRight(arena, rest, top, a, below);
    multiplyInto(
      arena,
      true,
      rest,
      rest,
      top,
      -1,
      operand(false, a.data, a.ld, below.start),
      undefined,
      1,
      a.data,
      corner.start,
      a.ld,
    );
    const failedBelow = factorise(arena, rest, corner);
    return failedBelow === 0 ? 0 : top + failedBelow;
  }
  arena.clear();
  const at = arena.allocate(n * n);
  arena.load(at, a.data, a.start, n, n, a.ld);
  const failedAt = arena.kernels.cholesky(n, at, n * BYTES);
  arena.storeLower(at, a.data, a.start, n, a.ld);
  return failedAt;
}
