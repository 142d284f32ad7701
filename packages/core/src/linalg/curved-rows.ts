/**
 * Σ_i q_i ⊗ (1, x_i) with q_i = w_i (diag(p_i) − p_ip_i') (b + Bx_i) for several b and B at once: what the curvature of softmax regression
 * does to a direction. Blocks of rows are dealt out in parts that have sums of their own, so that the digits depend on neither how many
 * threads take them nor who is faster.
 */

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

/** Products of r rows of a block from row `from` on. */
export interface RowProducts<X> {
  /** scores (r×kK) ← X B' */
  scores(job: CurvedJob<X>, x: X, from: number, r: number, scores: Float64Array): void;
  /** out (kK×m) += Q'X */
  pull(job: CurvedJob<X>, x: X, from: number, r: number, q: Float64Array, out: Float64Array): void;
}

/** Blocks that one thread takes at a time: some milliseconds of large ones. */
const BLOCKS_A_PART = 4;
/** Products of at most so many multiply-adds BLAS takes without packing, and on one thread. */
const SMALL_PRODUCT = 1e6;
/** Features that stay in the cache from their scores to their sums. */
const STRETCH_NUMBERS = 40_000;

export const partsOf = (blocks: number): number => Math.ceil(blocks / BLOCKS_A_PART);

/** Numbers of a part's sums. */
export const sumsOfPart = (features: number, columns: number): number => columns * (features + 1);

/** Sums the rows of one part. */
export function addPart<X>(job: CurvedJob<X>, part: number, products: RowProducts<X>): void {
  const { features: m, columns, blocks } = job;
  const size = sumsOfPart(m, columns);
  const totals = job.sums.subarray(part * size, part * size + columns);
  const slopes = job.sums.subarray(part * size + columns, (part + 1) * size);
  const most = Math.max(1, Math.floor(Math.min(SMALL_PRODUCT / columns, STRETCH_NUMBERS) / m));
  const scratch = new Float64Array(most * columns);
  for (const block of blocks.slice(part * BLOCKS_A_PART, (part + 1) * BLOCKS_A_PART)) {
    for (let from = 0; from < block.rows; from += most) {
      const r = Math.min(most, block.rows - from);
      const scores = scratch.subarray(0, r * columns);
      products.scores(job, block.x, from, r, scores);
      curve(job, block, from, scores, totals);
      products.pull(job, block.x, from, r, scores, slopes);
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
