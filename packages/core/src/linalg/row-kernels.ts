/**
 * What is done to the rows of a block one by one, without a branch that their numbers decide. Rows pass through the memory of the
 * kernels some thousand numbers at a time, so that the copies stay in a first- or second-level cache.
 */
import type { Matrix } from "./matrix.js";
import { inPieces, rowMemory, rowsAtATime } from "./row-memory.js";

/** ‖x_i‖₂ of every row, to `out` (r). Returns whether each could be computed so: false where squares under- or overflow. */
export function rowLengths({ data, rows, columns: m }: Matrix, out: Float64Array): boolean {
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

/** Every row divided by its size (r), to `out`, which may be the matrix itself; rows of size 0 stay as they are. */
export function divideRows({ data, rows, columns: m }: Matrix, sizes: Float64Array, out: Float64Array): void {
  const step = rowsAtATime(rows, m);
  const memory = rowMemory();
  const [x, divisors] = memory.room(step * m, step);
  inPieces(rows, step, (from, r) => {
    memory.load(data, from * m, r * m, x);
    memory.load(sizes, from, r, divisors);
    memory.kernels.divide(r, m, x, divisors);
    out.set(memory.at(x, r * m), from * m);
  });
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

/** What a kernel is told of one factor: the product's place, the input, the power, the coefficient, whether it comes behind another. */
const stepsOf = (products: readonly PowerProduct[]): Float64Array =>
  Float64Array.from(
    products.flatMap(({ coefficient, factors }, a) =>
      factors.length === 0
        ? [a, 0, 0, coefficient, 0]
        : factors.flatMap(({ input, power }, k) => [a, input, power, coefficient, Math.min(k, 1)]),
    ),
  );

/** All d products of every row, to the front of `out` (r×d). */
export function productRows(
  { data, rows, columns: m }: Matrix,
  products: readonly PowerProduct[],
  out: Float64Array,
): void {
  const d = products.length;
  const list = stepsOf(products);
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
