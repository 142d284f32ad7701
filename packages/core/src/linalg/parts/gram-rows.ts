/**
 * X'diag(ω)X for several weights and X'Ω over stretches of rows that have sums of their own: what Hessians and gradients are made of
 * where scores are linear in x. Rows are taken as they lie, or in an order of their own, as folds need them.
 */
import { Matrix } from "../matrix.js";
import { rowScaler } from "../row-scaler.js";
import { commonWeight } from "./common-weight.js";
import { copyRow } from "./copy-row.js";
import type { Need, Products } from "./products.js";

export interface GramJob<X> {
  readonly kind: "gram";
  readonly parts: number;
  readonly work: number;
  /** r×m */
  readonly x: X;
  readonly rows: number;
  /** m */
  readonly features: number;
  /** Part p has the places from starts[p] to starts[p + 1], exclusive. */
  readonly starts: readonly number[];
  /** r: which row of X is at each place; null: as they lie. */
  readonly order: Int32Array | null;
  /** How many ω there are. */
  readonly grams: number;
  /** Whether X'ω is wanted beside X'diag(ω)X. */
  readonly borders: boolean;
  /** J */
  readonly pulls: number;
  /** r numbers each, in the order of the places: the ω ≥ 0, then the columns of Ω. */
  readonly vectors: Float64Array;
  /** Part by part: squares (m×m, lower triangle), X'ω where they are borders, and X'Ω, m numbers for each column. */
  readonly sums: Float64Array;
  /** Whether the sums begin here; else they are added to. */
  readonly first: boolean;
}

type Shape = Pick<GramJob<unknown>, "features" | "grams" | "borders" | "pulls">;

/** A number that is read takes as long as so many multiply-adds of a Gram matrix. */
const READ = 20;

/** How many X'ω and X'Ω there are. */
const columnsOf = ({ grams, borders, pulls }: Shape): number => (borders ? grams : 0) + pulls;

/** Numbers of a part's sums. */
export const gramSumsOfPart = (shape: Shape): number =>
  (shape.grams * shape.features + columnsOf(shape)) * shape.features;

export function gramJob<X>(job: Omit<GramJob<X>, "kind" | "parts" | "work">): GramJob<X> {
  const { rows, features, grams, starts, order } = job;
  const work = rows * features * (grams * features + (order ? 2 : 1) * READ);
  return { kind: "gram", parts: starts.length - 1, work, ...job };
}

export function gramNeeds(job: GramJob<Float64Array>): Need[] {
  const { x, rows, features, parts, grams, pulls, vectors, sums } = job;
  return [
    ["X", x, rows * features],
    ["the weights", vectors, (grams + pulls) * rows],
    ["the sums", sums, parts * gramSumsOfPart(job)],
  ];
}

/** Rows of a part in their order. */
let scratch = new Float64Array(0);

/** Sums the rows of one part. */
export function addGramRows<X>(job: GramJob<X>, part: number, products: Products<X>): void {
  const { features: m, starts, order } = job;
  const [from, to] = [starts[part], starts[part + 1]];
  const size = gramSumsOfPart(job);
  const sums = job.sums.subarray(part * size, (part + 1) * size);
  if (job.first) sums.fill(0);
  if (from === to) return;
  if (!order) {
    addSums(job, part, products, products.from(job.x, from * m), sums);
    return;
  }
  if (scratch.length < (to - from) * m) scratch = new Float64Array((to - from) * m);
  const all = products.numbers(job.x, job.rows * m);
  for (let i = from; i < to; i++) copyRow(all, order[i] * m, scratch, (i - from) * m, m);
  addSums(job, part, products, scratch, sums);
}

/** @param x the part's rows */
function addSums<X>(
  job: GramJob<X>,
  part: number,
  products: Products<X>,
  x: X | Float64Array,
  sums: Float64Array,
): void {
  const { features: m, rows, starts, grams, vectors } = job;
  const [from, to] = [starts[part], starts[part + 1]];
  for (let g = 0; g < grams; g++) {
    const omega = vectors.subarray(g * rows + from, g * rows + to);
    const square = sums.subarray(g * m * m, (g + 1) * m * m);
    const common = commonWeight(omega);
    if (Number.isNaN(common)) products.syrk(m, to - from, 1, scaled(x, m, omega, products), m, 1, square, m);
    else products.syrk(m, to - from, common, x, m, 1, square, m);
  }
  addColumns(job, part, products, x, sums.subarray(grams * m * m));
}

/** diag(√ω)X */
function scaled<X>(x: X | Float64Array, m: number, omega: Float64Array, products: Products<X>): Float64Array {
  const numbers = x instanceof Float64Array ? x.subarray(0, omega.length * m) : products.numbers(x, omega.length * m);
  return rowScaler.scaled(new Matrix(numbers, omega.length, m), omega);
}

/** X'ω and X'Ω of the part's rows, which the squares have brought into the cache. */
function addColumns<X>(
  job: GramJob<X>,
  part: number,
  { gemm, from: at, stretch }: Products<X>,
  x: X | Float64Array,
  out: Float64Array,
): void {
  const { features: m, rows, starts, grams, borders, vectors } = job;
  const columns = columnsOf(job);
  if (columns === 0) return;
  const all = vectors.subarray(borders ? 0 : grams * rows);
  const [first, end] = [starts[part], starts[part + 1]];
  const most = Math.max(1, Math.floor(stretch.terms / (m * columns)));
  for (let from = first; from < end; from += most) {
    const r = Math.min(most, end - from);
    const own = x instanceof Float64Array ? x.subarray((from - first) * m) : at(x, (from - first) * m);
    gemm(false, false, columns, m, r, 1, all.subarray(from), rows, own, m, 1, out, m);
  }
}
