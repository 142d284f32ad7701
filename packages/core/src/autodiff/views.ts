/** The same numbers in another shape or place. */
import { usageError } from "../errors.js";
import { add } from "./arithmetic.js";
import { apply, type Operation, shapeName, type Tensor } from "./tensor.js";

const RESHAPE: Operation<null> = {
  name: "reshape",
  evaluate: ({ inputs: [a] }, out) => out.set(a.values),
  reverse: ({ inputs: [a] }, g) => reshape(g, a.rows, a.columns),
  tangent: ({ rows, columns }, [t]) => t && reshape(t, rows, columns),
};

const TRANSPOSE: Operation<null> = {
  name: "transpose",
  evaluate({ inputs: [a] }, out) {
    const { values, rows, columns } = a;
    for (let i = 0, k = 0; i < rows; i++) for (let j = 0; j < columns; j++, k++) out[j * rows + i] = values[k];
  },
  reverse: (_, g) => transpose(g),
  tangent: (_, [t]) => t && transpose(t),
};

/** The corner at which a part lies in the whole. */
interface Corner {
  readonly row: number;
  readonly column: number;
}

const SLICE: Operation<Corner> = {
  name: "slice",
  evaluate({ inputs: [a], rows, columns, parameters: { row, column } }, out) {
    for (let i = 0; i < rows; i++) {
      const from = (row + i) * a.columns + column;
      out.set(a.values.subarray(from, from + columns), i * columns);
    }
  },
  reverse: ({ inputs: [a], parameters }, g) => apply(PLACE, [g], a.rows, a.columns, parameters),
  tangent: ({ rows, columns, parameters }, [t]) => t && apply(SLICE, [t], rows, columns, parameters),
};

/** The adjoint of a slice: the part in its place, zeros elsewhere. */
const PLACE: Operation<Corner> = {
  name: "place",
  evaluate({ inputs: [a], columns, parameters: { row, column } }, out) {
    out.fill(0);
    for (let i = 0; i < a.rows; i++) {
      out.set(a.values.subarray(i * a.columns, (i + 1) * a.columns), (row + i) * columns + column);
    }
  },
  reverse: ({ inputs: [a], parameters }, g) => apply(SLICE, [g], a.rows, a.columns, parameters),
  tangent: ({ rows, columns, parameters }, [t]) => t && apply(PLACE, [t], rows, columns, parameters),
};

/** The same numbers, row-major, as rows×columns. @throws usage: not as many numbers. */
export function reshape(a: Tensor, rows: number, columns: number): Tensor {
  if (a.rows === rows && a.columns === columns) return a;
  if (a.length !== rows * columns) {
    throw usageError(`reshape: expected ${rows * columns} numbers for ${rows}×${columns}, found ${shapeName(a)}.`);
  }
  return apply(RESHAPE, [a], rows, columns, null);
}

/** a', c×r. Matrix products take transposed operands as they are (`matmul`). */
export const transpose = (a: Tensor): Tensor => apply(TRANSPOSE, [a], a.columns, a.rows, null);

/** Rows and columns from the first (inclusive) to the second (exclusive) bound. @throws usage: outside of a. */
export function slice(a: Tensor, rows: readonly [number, number], columns: readonly [number, number]): Tensor {
  for (const [name, [from, to], end] of [["rows", rows, a.rows] as const, ["columns", columns, a.columns] as const]) {
    if (!(Number.isInteger(from) && Number.isInteger(to) && 0 <= from && from <= to && to <= end)) {
      throw usageError(
        `slice: expected ${name} within 0 to ${end} of a ${shapeName(a)} tensor, found ${from} to ${to}.`,
      );
    }
  }
  return apply(SLICE, [a], rows[1] - rows[0], columns[1] - columns[0], { row: rows[0], column: columns[0] });
}

/** Columns `from` (inclusive) to `to` (exclusive). */
export const columns = (a: Tensor, from: number, to: number): Tensor => slice(a, [0, a.rows], [from, to]);

/** Rows `from` (inclusive) to `to` (exclusive). */
export const rows = (a: Tensor, from: number, to: number): Tensor => slice(a, [from, to], [0, a.columns]);

/** Tensors side by side, as many rows each. @throws usage: none given, or other numbers of rows. */
export function concatColumns(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (!first) throw usageError("concatColumns: expected at least one tensor, found none.");
  const width = parts.reduce((total, part) => total + part.columns, 0);
  let column = 0;
  return parts
    .map((part) => {
      if (part.rows !== first.rows) {
        throw usageError(`concatColumns: expected ${first.rows} rows each, found ${shapeName(part)}.`);
      }
      const placed = apply(PLACE, [part], first.rows, width, { row: 0, column });
      column += part.columns;
      return placed;
    })
    .reduce(add);
}
