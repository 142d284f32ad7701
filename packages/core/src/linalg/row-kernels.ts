/**
 * What is done to the rows of a block one by one, without a branch that their numbers decide. Rows pass through the memory of the
 * kernels some thousand numbers at a time, so that the copies stay in a first- or second-level cache.
 */
import type { Matrix } from "./matrix.js";
import { inPieces, rowMemory, rowsAtATime } from "./row-memory.js";

/** Columns from which a kernel would take longer to be handed the rows than four sums side by side take here. */
const WIDE = 32;

/** ‖x_i‖₂ of every row, to `out` (r). Returns whether each could be computed so: false where squares under- or overflow. */
export function rowLengths(matrix: Matrix, out: Float64Array): boolean {
  const { data, rows, columns: m } = matrix;
  if (m >= WIDE) return wideRowLengths(matrix, out);
  const step = rowsAtATime(rows, m);
  const memory = rowMemory();
  const [x, lengths] = memory.room(step * m, step);
  let unsafe = 0;
  inPieces(rows, step, (from, r) => {
    memory.load(data, from * m, r * m, x);
    unsafe += memory.kernels.norms(r, m, x, lengths);
    out.set(memory.at(lengths, r), from);
  });
  return unsafe === 0;
}

/** Sums of squares beyond these have lost digits to under- or overflow. */
const LEAST_SQUARE = 1e-280;
const MOST_SQUARE = 1e280;

function wideRowLengths({ data, rows, columns: m }: Matrix, out: Float64Array): boolean {
  let unsafe = 0;
  for (let i = 0, at = 0; i < rows; i++) {
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    const end = at + m;
    for (const stop = end - (m & 3); at < stop; at += 4) {
      const x0 = data[at];
      const x1 = data[at + 1];
      const x2 = data[at + 2];
      const x3 = data[at + 3];
      a += x0 * x0;
      b += x1 * x1;
      c += x2 * x2;
      d += x3 * x3;
    }
    for (; at < end; at++) a += data[at] * data[at];
    const square = a + b + (c + d);
    if (!(square > LEAST_SQUARE && square < MOST_SQUARE)) unsafe++;
    out[i] = Math.sqrt(square);
  }
  return unsafe === 0;
}

/**
 * x_i / ‖x_i‖₂ of every row, to `out`, which may be the matrix itself, and ‖x_i‖₂, to `lengths` (r). Returns whether each could be
 * computed so: rows whose squares under- or overflow are copied as they are, and have a length of −1.
 */
export function unitRows({ data, rows, columns: m }: Matrix, out: Float64Array, lengths: Float64Array): boolean {
  const step = rowsAtATime(rows, m);
  const memory = rowMemory();
  const [x, sizes] = memory.room(step * m, step);
  let unsafe = 0;
  inPieces(rows, step, (from, r) => {
    memory.load(data, from * m, r * m, x);
    unsafe += memory.kernels.units(r, m, x, sizes);
    out.set(memory.at(x, r * m), from * m);
    lengths.set(memory.at(sizes, r), from);
  });
  return unsafe === 0;
}

/** constant + factor ⊙ x_i for every row, to `out`, which may be the matrix itself. @param constant m @param factor m */
export function affineRows(
  { data, rows, columns: m }: Matrix,
  constant: Float64Array,
  factor: Float64Array,
  out: Float64Array,
): void {
  const step = rowsAtATime(rows, m);
  const memory = rowMemory();
  const [x, constants, factors] = memory.room(step * m, 2 * m, 2 * m);
  memory.loadTwice(constant, constants);
  memory.loadTwice(factor, factors);
  inPieces(rows, step, (from, r) => {
    memory.load(data, from * m, r * m, x);
    memory.kernels.affine(r, m, x, constants, factors);
    out.set(memory.at(x, r * m), from * m);
  });
}

/** The largest |x_ij|·budgets_j, and the least of those with a budget above 0; entries that are not numbers are passed over. */
export function extremesOf(
  { data, rows, columns: m }: Matrix,
  budgets: Float64Array,
): { readonly largest: number; readonly least: number } {
  const step = rowsAtATime(rows, m);
  const memory = rowMemory();
  const [x, upper, lower, found] = memory.room(step * m, 2 * m, 2 * m, 2);
  const attacked = budgets.map((budget) => (budget > 0 ? budget : Number.POSITIVE_INFINITY));
  memory.loadTwice(budgets, upper);
  memory.loadTwice(attacked, lower);
  let largest = 0;
  let least = Number.POSITIVE_INFINITY;
  inPieces(rows, step, (from, r) => {
    memory.load(data, from * m, r * m, x);
    memory.kernels.extremes(r, m, x, upper, lower, found);
    const [most, fewest] = memory.at(found, 2);
    largest = Math.max(largest, most);
    least = Math.min(least, fewest);
  });
  return { largest, least };
}

/** Σ ω_i d_i and Σ ω_i d_i ⊙ x_i over the rows: m each. */
export function pulledRows(
  { data: ways }: Matrix,
  { data, rows, columns: m }: Matrix,
  omega: Float64Array,
): { readonly sums: Float64Array; readonly products: Float64Array } {
  const step = rowsAtATime(rows, m);
  const memory = rowMemory();
  const [d, x, weights, sums, products] = memory.room(step * m, step * m, step, m, m);
  for (const address of [sums, products]) memory.at(address, m).fill(0);
  inPieces(rows, step, (from, r) => {
    memory.load(ways, from * m, r * m, d);
    memory.load(data, from * m, r * m, x);
    memory.load(omega, from, r, weights);
    memory.kernels.pull(r, m, d, x, weights, sums, products);
  });
  return { sums: memory.at(sums, m).slice(), products: memory.at(products, m).slice() };
}

/** A number times whole powers of some columns. */
export interface PowerProduct {
  readonly coefficient: number;
  readonly factors: readonly { readonly input: number; readonly power: number }[];
}

const NUMBERS_A_STEP = 5;

/** d products in the words of their kernel. */
export interface ProductSteps {
  /** d */
  readonly count: number;
  /** Of every factor: its product's place, the input, the power, the coefficient, whether it comes behind another. */
  readonly list: Float64Array;
}

/** Tells the kernel of products once, for as many rows as there will be. */
export function stepsOf(products: readonly PowerProduct[]): ProductSteps {
  const steps = products.reduce((sum, { factors }) => sum + Math.max(1, factors.length), 0);
  const list = new Float64Array(NUMBERS_A_STEP * steps);
  let at = 0;
  products.forEach(({ coefficient, factors }, a) => {
    if (factors.length === 0) {
      list[at] = a;
      list[at + 3] = coefficient;
      at += NUMBERS_A_STEP;
    }
    factors.forEach(({ input, power }, k) => {
      list[at] = a;
      list[at + 1] = input;
      list[at + 2] = power;
      list[at + 3] = coefficient;
      list[at + 4] = Math.min(k, 1);
      at += NUMBERS_A_STEP;
    });
  });
  return { count: products.length, list };
}

/** All d products of every row, to the front of `out` (r×d). */
export function productRows(
  { data, rows, columns: m }: Matrix,
  { count: d, list }: ProductSteps,
  out: Float64Array,
): void {
  const step = rowsAtATime(rows, 2 * Math.max(m, d)); // written column by column: they stay in a first-level cache
  const memory = rowMemory();
  const [x, v, steps] = memory.room(step * m, step * d, list.length);
  memory.load(list, 0, list.length, steps);
  inPieces(rows, step, (from, r) => {
    memory.load(data, from * m, r * m, x);
    memory.kernels.powers(r, m, d, steps, list.length / NUMBERS_A_STEP, x, v);
    out.set(memory.at(v, r * d), from * d);
  });
}
