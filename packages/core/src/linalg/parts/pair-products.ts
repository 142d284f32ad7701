/** Products of two variables of every row, the factors of fourth moments. */
import type { MomentBlock, MomentCut } from "./moment-blocks.js";
import { writeMultiples } from "./multiples.js";
import type { Need } from "./products.js";

/** A stretch of rows whose factors are formed. */
export interface PairJob {
  readonly kind: "pairs";
  readonly parts: number;
  readonly work: number;
  readonly cut: MomentCut;
  readonly rows: number;
  /** r×M: z */
  readonly z: Float64Array;
  /** r: ω */
  readonly omega: Float64Array;
  /** r×pairs: z_k z_l; null where they are formed already. */
  readonly pairs: Float64Array | null;
  /** Block by block r×width: ω z_i z_j */
  readonly weighted: Float64Array;
}

/** Rows of a part. */
const PART_ROWS = 16;
/** A product that is written takes as long as so many multiply-adds of matrices. */
const WRITTEN = 20;

export const pairJob = (factors: Pick<PairJob, "cut" | "rows" | "z" | "omega" | "pairs" | "weighted">): PairJob => {
  const { cut, rows, pairs } = factors;
  const work = (pairs ? 2 : 1) * WRITTEN * rows * cut.pairs;
  return { kind: "pairs", parts: Math.ceil(rows / PART_ROWS), work, ...factors };
};

export function writePairRows({ cut, rows, z, omega, pairs, weighted }: PairJob, part: number): void {
  const [from, to] = [part * PART_ROWS, Math.min(rows, (part + 1) * PART_ROWS)];
  const all: Rows = { data: z, rows, columns: cut.variables };
  if (pairs) writePairs(all, from, to, pairs);
  writeWeightedPairs(all, cut.blocks, omega, from, to, weighted);
}

export const pairNeeds = ({ cut, rows, z, omega, pairs, weighted }: PairJob): Need[] => [
  ["z", z, rows * cut.variables],
  ["the weights", omega, rows],
  ["the weighted pairs", weighted, rows * cut.pairs],
  ...(pairs ? [["the pairs", pairs, rows * cut.pairs] as const] : []),
];

interface Rows {
  readonly data: Float64Array;
  readonly rows: number;
  readonly columns: number;
}

/** Of rows [from, to): z_k z_l for k ≤ l in the order (0,0), (0,1), … (1,1), …; a row's lie behind each other. */
function writePairs({ data, columns }: Rows, from: number, to: number, out: Float64Array): void {
  let at = from * ((columns * (columns + 1)) / 2);
  for (let i = from; i < to; i++) {
    const end = (i + 1) * columns;
    for (let k = i * columns; k < end; k++) {
      writeMultiples(data, k, end, data[k], out, at);
      at += end - k;
    }
  }
}

/** Of rows [from, to): ω z_i z_j for i ≤ j, in the order (0,0), (0,1), (1,1), …; block by block of j, a row's behind each other. */
function writeWeightedPairs(
  z: Rows,
  blocks: readonly MomentBlock[],
  omega: Float64Array,
  from: number,
  to: number,
  out: Float64Array,
): void {
  const { data, columns } = z;
  for (const block of blocks) {
    let at = block.before * z.rows + block.width * from;
    for (let i = from; i < to; i++) {
      const start = i * columns;
      for (let j = block.from; j < block.to; j++) {
        writeMultiples(data, start, start + j + 1, omega[i] * data[start + j], out, at);
        at += j + 1;
      }
    }
  }
}
