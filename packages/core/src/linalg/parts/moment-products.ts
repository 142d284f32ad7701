/** Products of the factors of fourth moments, a block of second variables a part. */
import type { MomentCut } from "./moment-blocks.js";
import type { Need, Products } from "./products.js";

/** A stretch of rows under one set of weights, ready to be multiplied. */
export interface MomentJob {
  readonly kind: "moments";
  readonly parts: number;
  readonly work: number;
  readonly cut: MomentCut;
  readonly rows: number;
  /** r×pairs: z_k z_l */
  readonly pairs: Float64Array;
  /** Block by block r×width: ω z_i z_j */
  readonly weighted: Float64Array;
  /** Block by block width×length. */
  readonly sums: Float64Array;
}

export const momentJob = (factors: Pick<MomentJob, "cut" | "rows" | "pairs" | "weighted" | "sums">): MomentJob => {
  const { cut, rows } = factors;
  return { kind: "moments", parts: cut.pieces.length, work: cut.work * rows, ...factors };
};

/** sums += Σ ω z_i z_j · z_k z_l of one block; the largest come first, so that threads that take one after the other end together. */
export function addMoments<X>(
  { cut, rows, pairs, weighted, sums }: MomentJob,
  part: number,
  { gemm }: Products<X>,
): void {
  const { width, before, first, length, place } = cut.blocks[cut.pieces[part]];
  const left = weighted.subarray(before * rows);
  const out = sums.subarray(place, place + width * length);
  gemm(true, false, width, length, rows, 1, left, width, pairs.subarray(first), cut.pairs, 1, out, length);
}

export const momentNeeds = ({ cut, rows, pairs, weighted, sums }: MomentJob): Need[] => [
  ["the pairs", pairs, rows * cut.pairs],
  ["the weighted pairs", weighted, rows * cut.pairs],
  ["the sums", sums, cut.work],
];
