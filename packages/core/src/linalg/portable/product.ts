/** Matrix products through the arena, in pieces that bound its size. */
import type { Arena } from "./arena.js";
import type { Store } from "./store.js";

/** Edge of the pieces of C: 1024² numbers are 8 MB. */
const TILE = 1024;
/**
 * Numbers of A and B together that are copied at a time: small enough to be still in the cache when they are packed.
 */
const COPIED = 1 << 18;
/** With several threads more, so that they are called together less often. */
const COPIED_FOR_TEAM = 1 << 20;
/** A number that is copied takes as long as so many multiply-adds. */
const COPY = 5;
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

/** Where pieces of A and B lie. */
interface Room {
  readonly a: number;
  readonly b: number;
}

interface Piece {
  readonly terms: number;
  readonly left: Loaded;
  readonly right: Loaded;
}

function loadPart(
  store: Store,
  at: number,
  { data, start, rowStep, columnStep }: Operand,
  row: number,
  column: number,
  rows: number,
  columns: number,
): Loaded {
  const from = start + row * rowStep + column * columnStep;
  if (columnStep === 1) {
    store.load(at, data, from, rows, columns, rowStep);
    return { at, rowStep: columns * BYTES, columnStep: BYTES };
  }
  store.load(at, data, from, columns, rows, columnStep);
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
  const place = arena.team?.takes(lower, m, n, k) ? arena.team : arena;
  const tileRows = Math.min(m, TILE);
  const tileColumns = Math.min(n, TILE);
  const copied = place === arena ? COPIED : COPIED_FOR_TEAM;
  const widest = Math.floor(copied / (tileRows + tileColumns) / DEPTH) * DEPTH;
  const depth = Math.min(k, Math.max(DEPTH, widest));
  place.clear();
  const atC = place.allocate(tileRows * tileColumns);
  const room = (): Room => ({ a: place.allocate(tileRows * depth), b: place.allocate(depth * tileColumns) });
  // Several threads multiply one piece while the next is copied.
  const first = room();
  const rooms = [first, place === arena ? first : room()];
  for (let i0 = 0; i0 < m; i0 += TILE) {
    const rows = Math.min(TILE, m - i0);
    for (let j0 = 0; j0 < (lower ? i0 + 1 : n); j0 += TILE) {
      const columns = Math.min(TILE, n - j0);
      const onDiagonal = lower && i0 === j0;
      const stepC = columns * BYTES;
      const cornerC = startC + i0 * ldc + j0;
      if (beta !== 0) place.load(atC, c, cornerC, rows, columns, ldc);
      if (beta !== 1) place.kernels.scale(onDiagonal, rows, columns, beta, atC, stepC);
      const oneOperand = b === undefined && i0 === j0;
      const load = (p0: number): Piece => {
        const { a: atA, b: atB } = rooms[(p0 / depth) % 2];
        const terms = Math.min(depth, k - p0);
        const left = loadPart(place, atA, a, i0, p0, rows, terms);
        if (oneOperand) return { terms, left, right: { at: atA, rowStep: left.columnStep, columnStep: left.rowStep } };
        return { terms, left, right: loadPart(place, atB, right, p0, j0, terms, columns) };
      };
      let piece = load(0);
      for (let p0 = 0; p0 < k; p0 += depth) {
        const { terms, left: l, right: r } = piece;
        const next = p0 + depth;
        const copied = (rows + (oneOperand ? 0 : columns)) * Math.min(depth, k - next);
        const meanwhile = {
          work: COPY * copied,
          do() {
            piece = load(next);
          },
        };
        place.multiply(
          [
            onDiagonal,
            rows,
            columns,
            terms,
            alpha,
            l.at,
            l.rowStep,
            l.columnStep,
            r.at,
            r.rowStep,
            r.columnStep,
            atC,
            stepC,
          ],
          next < k ? meanwhile : undefined,
        );
      }
      if (onDiagonal) place.storeLower(atC, c, cornerC, rows, ldc);
      else place.store(atC, c, cornerC, rows, columns, ldc);
    }
  }
}
