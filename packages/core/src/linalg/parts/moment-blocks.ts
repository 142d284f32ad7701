/**
 * How the distinct moments Σ ω z_i z_j z_k z_l (i ≤ j ≤ k ≤ l) of M variables are cut into matrix products. The block of the
 * variables [from, to) multiplies the columns z_i z_j (from ≤ j < to, i ≤ j) by the columns z_k z_l (from ≤ k ≤ l). It holds every
 * moment whose second variable is there, and some twice, where k < j: wide blocks waste, narrow ones leave BLAS little to reuse.
 */
export interface MomentBlock {
  readonly from: number;
  readonly to: number;
  /** Columns z_i z_j, and how many all blocks before have. */
  readonly width: number;
  readonly before: number;
  /** Columns z_k z_l: all from this place of the list (0,0), (0,1), … (1,1), … on. */
  readonly first: number;
  readonly length: number;
  /** Moments of all blocks before. */
  readonly place: number;
}

export interface MomentCut {
  /** M */
  readonly variables: number;
  /** M(M+1)/2 */
  readonly pairs: number;
  readonly blocks: readonly MomentBlock[];
  /** The blocks, largest first, so that threads that take one after the other end together. */
  readonly pieces: readonly number[];
  /** Multiply-adds a row, and moments in all. */
  readonly work: number;
  /** Rows whose pairs are formed at a time. */
  readonly stretch: number;
}

/** Reading a number of either side for a product costs as much as so many multiply-adds with it (measured, OpenBLAS). */
const READ_LONG = 10;
const READ_WIDE = 40;

/** From so many rows on BLAS multiplies at full speed. */
const LEAST_STRETCH = 256;
/** Pairs of a stretch: few variables have longer ones. */
const STRETCH_PAIRS = 1 << 20;

/** Place of (k, k) in the list (0,0), (0,1), … (1,1), … of M variables. */
export const pairStart = (variables: number, k: number): number => k * variables - (k * (k - 1)) / 2;

/** Pairs (i, j) with i ≤ j < k. */
const pairsBelow = (k: number): number => (k * (k + 1)) / 2;

/** The cut with the least work. @param variables M */
export function momentCut(variables: number): MomentCut {
  const pairs = pairsBelow(variables);
  const block = (from: number, to: number): Omit<MomentBlock, "place"> => {
    const first = pairStart(variables, from);
    const before = pairsBelow(from);
    return { from, to, width: pairsBelow(to) - before, before, first, length: pairs - first };
  };
  const least = new Float64Array(variables + 1).fill(Number.POSITIVE_INFINITY);
  least[0] = 0;
  const cuts = new Int32Array(variables + 1);
  for (let to = 1; to <= variables; to++) {
    for (let from = 0; from < to; from++) {
      const { width, length } = block(from, to);
      const work = least[from] + (width + READ_LONG) * (length + READ_WIDE);
      if (work < least[to]) [least[to], cuts[to]] = [work, from];
    }
  }
  const found: Omit<MomentBlock, "place">[] = [];
  for (let to = variables; to > 0; to = cuts[to]) found.unshift(block(cuts[to], to));
  const works = found.map(({ width, length }) => width * length);
  let place = 0;
  const blocks = found.map((one, b): MomentBlock => {
    place += works[b];
    return { ...one, place: place - works[b] };
  });
  return {
    variables,
    pairs,
    blocks,
    pieces: [...works.keys()].toSorted((a, b) => works[b] - works[a]),
    work: place,
    stretch: Math.max(LEAST_STRETCH, Math.floor(STRETCH_PAIRS / pairs)),
  };
}
