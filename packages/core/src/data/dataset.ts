import type { Matrix } from "../linalg/matrix.js";
import type { Pass } from "../parallel/passes.js";
import type { Ranks } from "../parallel/ranks.js";

/** Rows of a data set. Weights sum to 1 over ALL rows, so that block sums just add. */
export interface Block {
  /** r×m, the features as the model sees them (encoded, standardised). Valid until the next block is asked for. */
  readonly x: Matrix;
  /** r×m: the rows that relative sizes of attacks are measured on, where they are not x itself (rows without their noise). */
  readonly measured?: Matrix;
  /** r, the target as the model sees it (two classes: −1 and +1). */
  readonly y: Float64Array;
  /** r, the rows' weights. */
  readonly w: Float64Array;
  /** Index of the block's first row in the data set. */
  readonly firstRow: number;
  /** r: the place of each row's cluster, 0 … G − 1, of rows that pass by; absent or null: rows are drawn by themselves. */
  readonly clusterOf?: Int32Array | null;
  /** Whether x stays as it is for as long as the data set does. */
  readonly lasting?: boolean;
}

/** Rows that can be passed over, block by block, as often as needed. */
export interface RowBlocks {
  /** n, over all ranks. */
  readonly rows: number;
  /** m names. */
  readonly features: readonly string[];
  /** Whose rows these are a share of; absent: this process has all. Sums over blocks are then added over the ranks. */
  readonly ranks?: Ranks;
  /** Index of the first row here (default 0). */
  readonly firstRow?: number;
  /** Asks all rows of all ranks, where they pass by: whoever shares passes with others asks here. Absent: they lie in memory. */
  readonly pass?: Pass<Block>;
  /** Bytes that may be kept of rows that pass by, and of what is made of them (default: as many as whoever keeps them has). */
  readonly keptBytes?: number;
  /** The rows here in order from the one at `from` (default 0) on, each block at most `rowsPerBlock` long (default: as many as fit a cache). */
  blocks(rowsPerBlock?: number, from?: number): Iterable<Block>;
}

/** Rows in memory, read block by block: n rows of m features, never copied whole. */
export interface Dataset extends RowBlocks {
  /** How many rows next to each other are noisy copies of one (default 1). */
  readonly copies?: number;
  /** n, as in the blocks. */
  readonly y: Float64Array;
  /** n, summing to 1. */
  readonly weights: Float64Array;
  /** The same rows in another choice and order, weights rescaled to sum to 1. Row indices may not repeat. */
  select(rows: Int32Array): Dataset;
  /** Looks through all entries, for data that were taken on trust. @throws input: naming the first that is not finite. */
  check?(): void;
}
