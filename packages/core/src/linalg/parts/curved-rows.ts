/**
 * Σ_i q_i ⊗ (1, x_i) with q_i = w_i (diag(p_i) − p_ip_i') (b + Bx_i) for several b and B at once: what the curvature of softmax regression
 * does to a direction. Blocks of rows are dealt out in parts that have sums of their own.
 */
import type { Need, Products } from "./products.js";

/** Rows and what their curvature is made of. `X` is r×m numbers, or where they lie. */
export interface CurvedBlock<X> {
  readonly x: X;
  readonly rows: number;
  /** r×K */
  readonly p: Float64Array;
  /** r */
  readonly w: Float64Array;
}

export interface CurvedJob<X> {
  readonly kind: "curved";
  readonly parts: number;
  readonly work: number;
  /** m */
  readonly features: number;
  /** K */
  readonly classes: number;
  /** k directions times K */
  readonly columns: number;
  /** m×kK: the B' side by side. */
  readonly weights: Float64Array;
  /** kK: the b. */
  readonly intercepts: Float64Array;
  readonly blocks: readonly CurvedBlock<X>[];
  /** Part by part the sums of q (kK), then those of q ⊗ x (kK×m); they begin at 0. */
  readonly sums: Float64Array;
}

/** Blocks that one thread takes at a time: some milliseconds of large ones. */
const BLOCKS_A_PART = 4;

/** Numbers of a part's sums. */
export const sumsOfPart = (features: number, columns: number): number => columns * (features + 1);

export const curvedParts = (blocks: number): number => Math.ceil(blocks / BLOCKS_A_PART);

export function curvedJob<X>(job: Omit<CurvedJob<X>, "kind" | "parts" | "work">): CurvedJob<X> {
  const rows = job.blocks.reduce((sum, block) => sum + block.rows, 0);
  const work = rows * job.features * job.columns;
  return { kind: "curved", parts: curvedParts(job.blocks.length), work, ...job };
}

export const curvedNeeds = (job: CurvedJob<Float64Array>): Need[] => [
  ["B", job.weights, job.features * job.columns],
  ["b", job.intercepts, job.columns],
  ["the sums", job.sums, job.parts * sumsOfPart(job.features, job.columns)],
  ...job.blocks.flatMap(({ x, rows, p, w }): Need[] => [
    ["X", x, rows * job.features],
    ["P", p, rows * job.classes],
    ["w", w, rows],
  ]),
];

/** Sums the rows of one part. */
export function addCurvedRows<X>(job: CurvedJob<X>, part: number, { gemm, from: at, stretch }: Products<X>): void {
  const { features: m, columns, blocks, weights } = job;
  const size = sumsOfPart(m, columns);
  const totals = job.sums.subarray(part * size, part * size + columns);
  const slopes = job.sums.subarray(part * size + columns, (part + 1) * size);
  const own = blocks.slice(part * BLOCKS_A_PART, (part + 1) * BLOCKS_A_PART);
  const most = Math.max(1, Math.floor(Math.min(stretch.terms / columns, stretch.numbers) / m));
  // Of no more rows than there are: few rows and features would else be worth less than the zeros for a whole stretch.
  const scratch = new Float64Array(Math.min(most, Math.max(...own.map(({ rows }) => rows))) * columns);
  for (const block of own) {
    for (let from = 0; from < block.rows; from += most) {
      const r = Math.min(most, block.rows - from);
      const scores = scratch.subarray(0, r * columns);
      const x = at(block.x, from * m);
      gemm(false, false, r, columns, m, 1, x, m, weights, columns, 0, scores, columns);
      curve(job, block, from, scores, totals);
      gemm(true, false, columns, m, r, 1, scores, columns, x, m, 1, slopes, m);
    }
  }
}

/** Scores (r×kK, without their intercepts) become q, whose sums over the rows are added to `totals`. */
function curve<X>(
  { classes: K, columns, intercepts }: CurvedJob<X>,
  { p, w }: CurvedBlock<X>,
  from: number,
  scores: Float64Array,
  totals: Float64Array,
): void {
  for (let row = from, at = 0; at < scores.length; row++) {
    const weight = w[row];
    const share = row * K;
    for (let column = 0; column < columns; column += K, at += K) {
      let mean = 0;
      for (let c = 0; c < K; c++) mean += p[share + c] * (scores[at + c] += intercepts[column + c]);
      for (let c = 0; c < K; c++) {
        const curved = weight * p[share + c] * (scores[at + c] - mean);
        scores[at + c] = curved;
        totals[column + c] += curved;
      }
    }
  }
}
