/** Repeating rows and columns, and its adjoint, summing over them. */
import { usageError } from "../errors.js";
import { blas } from "../linalg/backend.js";
import { scale } from "./scale.js";
import { apply, type Operation, shapeName, type Tensor } from "./tensor.js";

let oneEach = new Float64Array(0);

/** At least so many. */
function ones(count: number): Float64Array {
  if (oneEach.length < count) oneEach = new Float64Array(count).fill(1);
  return oneEach;
}

/** out ← the row, as often as there is room: each copy doubles what there is. */
export function repeatRow(row: Float64Array, out: Float64Array): void {
  if (out.length > 0) out.set(row);
  for (let done = row.length; done < out.length; done *= 2) out.copyWithin(done, 0, Math.min(done, out.length - done));
}

const BROADCAST: Operation<null> = {
  name: "broadcastTo",
  evaluate({ inputs: [a], rows, columns }, out) {
    const { values } = a;
    if (a.length === 1) {
      out.fill(values[0]);
    } else if (a.rows === 1) {
      repeatRow(values, out);
    } else {
      for (let i = 0; i < rows; i++) out.fill(values[i], i * columns, (i + 1) * columns);
    }
  },
  reverse: ({ inputs: [a] }, g) => reduceTo(g, a.rows, a.columns),
  tangent: ({ rows, columns }, [t]) => t && broadcastTo(t, rows, columns),
};

const REDUCE: Operation<null> = {
  name: "reduceTo",
  evaluate({ inputs: [a], rows, columns }, out) {
    const { values } = a;
    if (rows === 1 && columns === 1) {
      let total = 0;
      for (let i = 0; i < values.length; i++) total += values[i];
      out[0] = total;
    } else if (rows === 1) {
      blas().gemv(true, a.rows, columns, 1, values, columns, ones(a.rows), 0, out);
    } else {
      blas().gemv(false, rows, a.columns, 1, values, a.columns, ones(a.columns), 0, out);
    }
  },
  reverse: ({ inputs: [a] }, g) => broadcastTo(g, a.rows, a.columns),
  tangent: ({ rows, columns }, [t]) => t && reduceTo(t, rows, columns),
};

const fits = (small: number, large: number): boolean => small === large || small === 1;

/** a repeated along its sides of length 1: a_ij for all i, j. @throws usage: another side would have to change. */
export function broadcastTo(a: Tensor, rows: number, columns: number): Tensor {
  if (a.rows === rows && a.columns === columns) return a;
  if (!fits(a.rows, rows) || !fits(a.columns, columns)) {
    throw usageError(`broadcastTo: expected ${rows}×${columns} or sides of length 1, found ${shapeName(a)}.`);
  }
  return apply(BROADCAST, [a], rows, columns, null);
}

/** Σ over the sides that become 1. @throws usage: another side would have to change. */
export function reduceTo(a: Tensor, rows: number, columns: number): Tensor {
  if (a.rows === rows && a.columns === columns) return a;
  if (!fits(rows, a.rows) || !fits(columns, a.columns)) {
    throw usageError(`reduceTo: a ${shapeName(a)} tensor cannot be summed to ${rows}×${columns}.`);
  }
  return apply(REDUCE, [a], rows, columns, null);
}

/** Σ of all entries, 1×1. */
export const sum = (a: Tensor): Tensor => reduceTo(a, 1, 1);

/** Σ_i a_ij, 1×c. */
export const sumOverRows = (a: Tensor): Tensor => reduceTo(a, 1, a.columns);

/** Σ_j a_ij, r×1. */
export const sumOverColumns = (a: Tensor): Tensor => reduceTo(a, a.rows, 1);

/** The mean of all entries, 1×1. */
export const mean = (a: Tensor): Tensor => scale(sum(a), 1 / a.length);
