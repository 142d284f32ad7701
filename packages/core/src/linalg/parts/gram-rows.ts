/**
 * X'diag(ω)X for several weights and X'Ω over stretches of rows that have sums of their own: what Hessians and gradients are made of
 * where scores are linear in x. All rows of a part have the same sums, or those of each fold.
 */
import { Matrix } from "../matrix.js";
import { rowScaler } from "../row-scaler.js";
import { commonWeight } from "./common-weight.js";
import { copyRow } from "./copy-row.js";
import type { Need, Products } from "./products.js";

/** Folds that have sums of their own. */
export interface RowFolds {
  /** r: the fold of every row. */
  readonly of: Uint16Array;
  readonly count: number;
}

export interface GramJob<X> {
  readonly kind: "gram";
  readonly parts: number;
  readonly work: number;
  /** r×m */
  readonly x: X;
  readonly rows: number;
  /** m */
  readonly features: number;
  /** Part p has the rows from starts[p] to starts[p + 1], exclusive. */
  readonly starts: readonly number[];
  readonly folds: RowFolds | null;
  /** How many ω there are. */
  readonly grams: number;
  /** Whether X'ω is wanted beside X'diag(ω)X. */
  readonly borders: boolean;
  /** J */
  readonly pulls: number;
  /** r numbers each: the ω ≥ 0, then the columns of Ω. */
  readonly vectors: Float64Array;
  /** Part by part, and fold by fold of each: squares (m×m, lower triangle), X'ω where they are borders, and X'Ω, m numbers for each column. */
  readonly sums: Float64Array;
  /** Whether the sums begin here; else they are added to. */
  readonly first: boolean;
}

export type GramShape = Pick<GramJob<unknown>, "features" | "grams" | "borders" | "pulls">;

/** A number that is read takes as long as so many multiply-adds of a Gram matrix. */
const READ = 20;

/** How many X'ω and X'Ω there are. */
const columnsOf = ({ grams, borders, pulls }: GramShape): number => (borders ? grams : 0) + pulls;

/** Numbers of the sums over the same rows. */
export const gramSums = (shape: GramShape): number =>
  (shape.grams * shape.features + columnsOf(shape)) * shape.features;

export function gramJob<X>(job: Omit<GramJob<X>, "kind" | "parts" | "work">): GramJob<X> {
  const { rows, features, grams, starts, folds } = job;
  const work = rows * features * (grams * features + (folds ? 2 : 1) * READ);
  return { kind: "gram", parts: starts.length - 1, work, ...job };
}

export function gramNeeds(job: GramJob<Float64Array>): Need[] {
  const { x, rows, features, parts, grams, pulls, vectors, sums, folds } = job;
  return [
    ["X", x, rows * features],
    ["the weights", vectors, (grams + pulls) * rows],
    ["the sums", sums, parts * (folds?.count ?? 1) * gramSums(job)],
  ];
}

/** Rows that are summed together, and what weighs them: ω, then Ω, `stride` apart. `X` are rows, or where they lie. */
interface Weighed<X> {
  readonly x: X | Float64Array;
  readonly rows: number;
  readonly vectors: Float64Array;
  readonly stride: number;
}

/** Sums the rows of one part. */
export function addGramRows<X>(job: GramJob<X>, part: number, products: Products<X>): void {
  const { features: m, starts, folds, vectors, rows: stride } = job;
  const [from, to] = [starts[part], starts[part + 1]];
  const size = gramSums(job);
  const count = folds?.count ?? 1;
  const sums = job.sums.subarray(part * count * size, (part + 1) * count * size);
  if (job.first) sums.fill(0);
  if (from === to || m === 0) return;
  const x = products.from(job.x, from * m);
  const own = vectors.subarray(from);
  if (!folds) {
    addSums(job, { x, rows: to - from, vectors: own, stride }, sums, products);
    return;
  }
  const of = folds.of.subarray(from, to);
  const sorted = inFoldOrder(job, products.numbers(x, (to - from) * m), own, of, count);
  sorted.forEach((rows, fold) => {
    if (rows.rows > 0) addSums(job, rows, sums.subarray(fold * size, (fold + 1) * size), products);
  });
}

/** Rows of a part, fold by fold, and their vectors. */
let sortedRows = new Float64Array(0);
let sortedVectors = new Float64Array(0);

/** Copies rows that are read as they lie to where their folds have their places, so that each fold's are one stretch. */
function inFoldOrder(
  { features: m, grams, pulls, rows: stride }: GramJob<unknown>,
  x: Float64Array,
  vectors: Float64Array,
  of: Uint16Array,
  count: number,
): Weighed<never>[] {
  const r = of.length;
  const starts = new Int32Array(count + 1);
  for (let i = 0; i < r; i++) starts[of[i] + 1]++;
  for (let k = 0; k < count; k++) starts[k + 1] += starts[k];
  if (sortedRows.length < r * m) sortedRows = new Float64Array(r * m);
  if (sortedVectors.length < r * (grams + pulls)) sortedVectors = new Float64Array(r * (grams + pulls));
  const next = starts.slice();
  for (let i = 0; i < r; i++) {
    const at = next[of[i]]++;
    copyRow(x, i * m, sortedRows, at * m, m);
    for (let v = 0; v < grams + pulls; v++) sortedVectors[v * r + at] = vectors[v * stride + i];
  }
  return Array.from({ length: count }, (_, k) => ({
    x: sortedRows.subarray(starts[k] * m, starts[k + 1] * m),
    rows: starts[k + 1] - starts[k],
    vectors: sortedVectors.subarray(starts[k]),
    stride: r,
  }));
}

function addSums<X>(
  shape: GramShape,
  { x, rows, vectors, stride }: Weighed<X>,
  sums: Float64Array,
  products: Products<X>,
): void {
  const { features: m, grams } = shape;
  for (let g = 0; g < grams; g++) {
    const omega = vectors.subarray(g * stride, g * stride + rows);
    const square = sums.subarray(g * m * m, (g + 1) * m * m);
    const common = commonWeight(omega);
    if (Number.isNaN(common)) products.syrk(m, rows, 1, scaled(x, m, omega, products), m, 1, square, m);
    else products.syrk(m, rows, common, x, m, 1, square, m);
  }
  addColumns(shape, { x, rows, vectors, stride }, sums.subarray(grams * m * m), products);
}

/** diag(√ω)X */
function scaled<X>(x: X | Float64Array, m: number, omega: Float64Array, products: Products<X>): Float64Array {
  const numbers = x instanceof Float64Array ? x.subarray(0, omega.length * m) : products.numbers(x, omega.length * m);
  return rowScaler.scaled(new Matrix(numbers, omega.length, m), omega);
}

/** X'ω and X'Ω of rows that the squares have brought into the cache. */
function addColumns<X>(
  shape: GramShape,
  { x, rows, vectors, stride }: Weighed<X>,
  out: Float64Array,
  { gemm, from: at, stretch }: Products<X>,
): void {
  const { features: m, grams, borders } = shape;
  const columns = columnsOf(shape);
  if (columns === 0) return;
  const all = vectors.subarray(borders ? 0 : grams * stride);
  const most = Math.max(1, Math.floor(stretch.terms / (m * columns)));
  for (let from = 0; from < rows; from += most) {
    const own = x instanceof Float64Array ? x.subarray(from * m) : at(x, from * m);
    gemm(false, false, columns, m, Math.min(most, rows - from), 1, all.subarray(from), stride, own, m, 1, out, m);
  }
}
