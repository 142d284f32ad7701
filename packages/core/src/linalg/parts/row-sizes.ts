/** Lengths of rows, or the sums of their magnitudes, some rows a part. */
import { Matrix } from "../matrix.js";
import { rowLengths } from "../row-kernels.js";
import type { Need, Products } from "./products.js";

export interface SizesJob<X> {
  readonly kind: "sizes";
  readonly parts: number;
  readonly work: number;
  /** r×m */
  readonly x: X;
  readonly rows: number;
  /** m */
  readonly features: number;
  readonly p: 1 | 2;
  /** r: ‖x_i‖_p, written. */
  readonly sizes: Float64Array;
  /** Part by part 1 where squares under- or overflow: its sizes are then to be had row by row. */
  readonly unsafe: Float64Array;
}

/** Numbers that a part has: some 50 µs. */
const PART_NUMBERS = 1 << 17;
/** A number that is read takes as long as so many multiply-adds of matrices. */
const READ = 28;

const rowsOfPart = (features: number): number => Math.max(1, Math.floor(PART_NUMBERS / features));

export const sizesParts = (rows: number, features: number): number => Math.ceil(rows / rowsOfPart(features));

export function sizesJob<X>(job: Omit<SizesJob<X>, "kind" | "parts" | "work">): SizesJob<X> {
  const { rows, features } = job;
  return { kind: "sizes", parts: sizesParts(rows, features), work: READ * rows * features, ...job };
}

export const sizesNeeds = ({ x, rows, features, parts, sizes, unsafe }: SizesJob<Float64Array>): Need[] => [
  ["X", x, rows * features],
  ["the sizes", sizes, rows],
  ["the flags", unsafe, parts],
];

export function writeSizes<X>(job: SizesJob<X>, part: number, { from: at, numbers }: Products<X>): void {
  const { features: m, p, sizes, unsafe } = job;
  const from = part * rowsOfPart(m);
  const rows = Math.min(job.rows - from, rowsOfPart(m));
  const x = new Matrix(numbers(at(job.x, from * m), rows * m), rows, m);
  const out = sizes.subarray(from, from + rows);
  if (p === 1) sumMagnitudes(x, out);
  else unsafe[part] = rowLengths(x, out) ? 0 : 1;
}

export function sumMagnitudes({ data, rows, columns: m }: Matrix, out: Float64Array): void {
  for (let i = 0, at = 0; i < rows; i++) {
    let sum = 0;
    for (const end = at + m; at < end; at++) sum += Math.abs(data[at]);
    out[i] = sum;
  }
}
