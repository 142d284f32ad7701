import type { Ranks } from "../parallel/ranks.js";
import type { ByGroups } from "./by-groups.js";
import type { Block, RowBlocks } from "./dataset.js";
import type { Encoding } from "./encoding.js";
import type { Note } from "./notes.js";
import type { FileRows } from "./row-place.js";

/** A block with what an evaluation needs of its rows. */
export interface StreamedBlock extends Block {
  /** r: the weights with which rows count in an evaluation, summing to 1 over all rows (without the factors of classes). */
  readonly evaluationWeights: Float64Array;
  /** r: the weights as the file has them, without the factors of the classes; 1 without a column of weights. */
  readonly rawWeights: Float64Array;
  /** r: 1-based data row in the files, counted through all of them. */
  readonly sourceRows: Float64Array;
  /** r: the fold that the row is held out in; null where nothing is held out in folds. */
  readonly foldOf: Uint16Array | null;
  /** r: the place of each row's group among `groups.names`; absent where results are not repeated for groups. */
  readonly groupOf?: Int32Array | null;
}

/** Rows too many for memory, or spread over processes: what they hold passes by block by block, as often as asked. */
export interface StreamedDataset extends RowBlocks {
  /** n over all ranks. */
  readonly rows: number;
  /** Those of this rank: `firstRow` … `firstRow + ownRows − 1`; may be none. */
  readonly ownRows: number;
  readonly firstRow: number;
  readonly ranks: Ranks;
  readonly encoding: Encoding;
  /** The files that were read together (default: one). */
  readonly files?: readonly FileRows[];
  /** The groups that results are repeated for, under `by`; absent or null: none. */
  readonly groups?: Pick<ByGroups, "column" | "names"> | null;
  /** How many clusters the rows fall into, numbered in the order of their labels; absent or null: rows are drawn by themselves. */
  readonly clusters?: number | null;
  /** What was decided about rows and columns without asking. */
  readonly notes: readonly Note[];
  /** Σ of the rows' weights as the files have them; n without weights. */
  readonly weightTotal: number;
  /** This rank's rows in order, without the first `from`. `firstRow` of a block counts over all ranks. */
  blocks(rowsPerBlock?: number, from?: number): Iterable<StreamedBlock>;
  /** This rank's rows around so many places, evenly spread over those of all ranks; absent where that is no quicker than all rows. */
  sample?(places: number, rowsPerBlock?: number): Iterable<StreamedBlock>;
}
