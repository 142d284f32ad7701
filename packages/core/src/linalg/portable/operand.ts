/** Operands of products in JavaScript's arrays, and how parts of them come into the arena. */
import type { Store } from "./store.js";

/** The kernels pack this many terms of the inner sum at a time. */
export const DEPTH = 256;

const BYTES = Float64Array.BYTES_PER_ELEMENT;

/** A matrix whose entry (i, j) is `data[start + i·rowStep + j·columnStep]`; one of the steps is 1. */
export interface Operand {
  readonly data: Float64Array;
  readonly start: number;
  readonly rowStep: number;
  readonly columnStep: number;
}

/** A part of an operand in the arena, steps in bytes. */
export interface Loaded {
  readonly at: number;
  readonly rowStep: number;
  readonly columnStep: number;
}

/** Copies a part of an operand into the arena. */
export function loadPart(
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

/** The part of an operand from an entry on. */
export const shifted = (x: Operand, row: number, column: number): Operand => ({
  ...x,
  start: x.start + row * x.rowStep + column * x.columnStep,
});

export const transposed = ({ data, start, rowStep, columnStep }: Operand): Operand => ({
  data,
  start,
  rowStep: columnStep,
  columnStep: rowStep,
});

/** A product whose result is in the arena. */
export interface Part {
  readonly lower: boolean;
  /** Whether the right operand is the left one transposed. */
  readonly same: boolean;
  readonly rows: number;
  readonly columns: number;
  readonly terms: number;
  readonly alpha: number;
  readonly left: Operand;
  readonly right: Operand;
  /** Where C begins, its rows one behind the other. */
  readonly atC: number;
}
