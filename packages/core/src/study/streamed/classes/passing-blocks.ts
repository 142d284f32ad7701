import type { Block, Dataset } from "../../../data/dataset.js";
import type { StreamedBlock, StreamedDataset } from "../../../data/streamed-dataset.js";
import { Matrix } from "../../../linalg/matrix.js";
import type { Ranks } from "../../../parallel/ranks.js";

/** Some of the rows that pass by. */
export interface Chosen {
  /** How many over all ranks, and how many are before the first of this rank. */
  readonly rows: number;
  readonly firstRow: number;
  /** Their part of the weight of all rows, which is that of none of them beside the others. */
  readonly weight: number;
  /** By the fold of a row. */
  keeps(fold: number): boolean;
}

/** A block, and where its rows stand among all rows, of which some may have been left out. */
export interface PassingBlock extends StreamedBlock {
  /** r */
  readonly places: Float64Array;
}

/** Rows that pass by, as a model's sums over its rows ask for them; weights of chosen rows sum to 1. */
export class PassingBlocks implements Dataset {
  readonly y = new Float64Array(0);
  readonly weights = new Float64Array(0);
  readonly rows: number;
  readonly firstRow: number;
  readonly features: readonly string[];

  constructor(
    private readonly stream: StreamedDataset,
    readonly ranks: Ranks,
    private readonly chosen: Chosen | null = null,
  ) {
    const { rows, firstRow } = chosen ?? stream;
    this.rows = rows;
    this.firstRow = firstRow;
    this.features = stream.features;
  }

  /** @param from of the rows here: those before are left out. */
  *blocks(rowsPerBlock?: number, from = 0): Generator<PassingBlock> {
    let at = 0;
    for (const block of this.stream.blocks(rowsPerBlock)) {
      const found = this.chosen ? chosenRows(block, this.chosen) : withPlaces(block);
      const rows = found.y.length;
      if (rows > 0 && at >= from) yield { ...found, firstRow: this.firstRow + at };
      at += rows;
    }
  }

  select(): Dataset {
    throw new RangeError("These rows pass by block by block: none can be chosen by number.");
  }
}

const withPlaces = (block: StreamedBlock): PassingBlock => ({
  ...block,
  places: Float64Array.from(block.y, (_, i) => block.firstRow + i),
});

function chosenRows(block: StreamedBlock, { weight, keeps }: Chosen): PassingBlock {
  const foldOf = block.foldOf ?? new Uint16Array(block.y.length);
  const kept = Int32Array.from([...foldOf.keys()].filter((i) => keeps(foldOf[i])));
  const { w, ...rest } = rowsOf(withPlaces(block), kept);
  return { ...rest, w: w.map((value) => value / weight) };
}

/** A copy of some rows of a block. */
export function rowsOf(block: PassingBlock, kept: Int32Array): PassingBlock {
  const pick = (values: Float64Array): Float64Array => Float64Array.from(kept, (i) => values[i]);
  const { columns } = block.x;
  const x = Matrix.zeros(kept.length, columns);
  kept.forEach((i, at) => {
    x.data.set(block.x.row(i), at * columns);
  });
  return {
    firstRow: block.firstRow,
    x,
    y: pick(block.y),
    w: pick(block.w),
    evaluationWeights: pick(block.evaluationWeights),
    rawWeights: pick(block.rawWeights),
    sourceRows: pick(block.sourceRows),
    foldOf: block.foldOf && Uint16Array.from(kept, (i) => block.foldOf?.[i] ?? 0),
    places: pick(block.places),
  };
}

/** The block with the weights with which rows count in an evaluation. */
export const judgedBlock = (block: PassingBlock): Block => ({ ...block, w: block.evaluationWeights });
