/** x_i'(U_kx_i + b_k) of every row for some upper triangular U_k at once, some rows a part. X is read where it lies. */
import type { Need, Products } from "./products.js";

export interface FormsJob<X> {
  readonly kind: "forms";
  readonly parts: number;
  readonly work: number;
  /** r×m */
  readonly x: X;
  readonly rows: number;
  /** m */
  readonly features: number;
  /** K */
  readonly forms: number;
  /** Of `packedUppers`. */
  readonly uppers: Float64Array;
  /** m×K: the b_k side by side. */
  readonly borders: Float64Array;
  /** K×r, added to. */
  readonly out: Float64Array;
}

/** Columns of U that are multiplied at once at most: wide enough for BLAS, narrow enough that little below the diagonal is multiplied. */
const WIDTH = 48;
/** Numbers of X that a part has. */
const PART_NUMBERS = 1 << 17;
/** Numbers of images that are looked at together: they stay in the cache. */
const IMAGES = 1 << 14;
/** A number that is read takes as long as so many multiply-adds. */
const READ = 20;

const rowsOfPart = (features: number): number => Math.max(1, Math.floor(PART_NUMBERS / features));

const widthOf = (features: number): number => Math.ceil(features / Math.ceil(features / WIDTH));

export function formsJob<X>(job: Omit<FormsJob<X>, "kind" | "parts" | "work">): FormsJob<X> {
  const { rows, features, forms } = job;
  const work = rows * features * (forms * (features / 2 + READ));
  return { kind: "forms", parts: Math.ceil(rows / rowsOfPart(features)), work, ...job };
}

export const formsNeeds = ({ x, rows, features: m, forms, uppers, borders, out }: FormsJob<Float64Array>): Need[] => [
  ["X", x, rows * m],
  ["U", uppers, packedLength(m, forms)],
  ["b", borders, forms * m],
  ["the forms", out, forms * rows],
];

/** [from, to) of columns that are multiplied at once. */
function* columnBlocks(features: number): Generator<readonly [from: number, to: number]> {
  const width = widthOf(features);
  for (let from = 0; from < features; from += width) yield [from, Math.min(from + width, features)];
}

export function packedLength(features: number, forms: number): number {
  let length = 0;
  for (const [from, to] of columnBlocks(features)) length += to * forms * (to - from);
  return length;
}

/**
 * Upper triangular U_k with x'U_kx = x'M_kx, half the products, block by block of columns: in each their first `to` rows, the matrices
 * side by side.
 * @param matrices K of leading dimension `ld`, whose rows and columns from `first` on count
 */
export function packUppers(
  matrices: readonly Float64Array[],
  { ld, first, features }: { readonly ld: number; readonly first: number; readonly features: number },
  out: Float64Array,
): void {
  const corner = first * (ld + 1);
  let at = 0;
  for (const [from, to] of columnBlocks(features)) {
    for (let i = 0; i < to; i++) {
      for (const data of matrices) {
        const below = Math.min(to, Math.max(from, i));
        out.fill(0, at, at + below - from);
        at += below - from;
        for (let j = below; j < to; j++, at++) {
          const right = data[corner + i * ld + j];
          out[at] = i === j ? right : right + data[corner + j * ld + i];
        }
      }
    }
  }
}

let images = new Float64Array(0);
let lines = new Float64Array(0);

export function addForms<X>(job: FormsJob<X>, part: number, { gemm, from: at, numbers }: Products<X>): void {
  const { features: m, forms, rows, uppers, borders, out } = job;
  const most = Math.max(1, Math.floor(IMAGES / (forms * widthOf(m))));
  if (images.length < most * forms * widthOf(m)) images = new Float64Array(most * forms * widthOf(m));
  if (lines.length < most * forms) lines = new Float64Array(most * forms);
  const end = Math.min(rows, (part + 1) * rowsOfPart(m));
  for (let first = part * rowsOfPart(m); first < end; first += most) {
    const r = Math.min(most, end - first);
    const x = at(job.x, first * m);
    const own = numbers(x, r * m);
    gemm(false, false, r, forms, m, 1, x, m, borders, forms, 0, lines, forms);
    for (let k = 0; k < forms; k++) for (let i = 0; i < r; i++) out[k * rows + first + i] += lines[i * forms + k];
    let packed = 0;
    for (const [from, to] of columnBlocks(m)) {
      const width = to - from;
      const all = forms * width;
      gemm(false, false, r, all, to, 1, x, m, uppers.subarray(packed), all, 0, images, all);
      packed += to * all;
      for (let k = 0; k < forms; k++) addRowDots(own, from, m, k * width, all, width, out, k * rows + first, r);
    }
  }
}

/** out_i += Σ_j x_j a_j over `count` numbers of row i of X and of the images; four sums at a time, so that none waits for the one before. */
function addRowDots(
  x: Float64Array,
  firstX: number,
  strideX: number,
  firstA: number,
  strideA: number,
  count: number,
  out: Float64Array,
  firstOut: number,
  rows: number,
): void {
  const a = images;
  const fours = count - (count % 4);
  for (let i = 0; i < rows; i++) {
    let one = 0;
    let two = 0;
    let three = 0;
    let four = 0;
    let at = firstX + i * strideX;
    let to = firstA + i * strideA;
    for (const end = at + fours; at < end; at += 4, to += 4) {
      one += x[at] * a[to];
      two += x[at + 1] * a[to + 1];
      three += x[at + 2] * a[to + 2];
      four += x[at + 3] * a[to + 3];
    }
    for (const end = firstX + i * strideX + count; at < end; at++, to++) one += x[at] * a[to];
    out[firstOut + i] += one + two + (three + four);
  }
}
