import type { Block, Dataset } from "../../../data/dataset.js";
import { gathered, gatheredCodes } from "../../../data/gather.js";
import type { StreamedBlock, StreamedDataset } from "../../../data/streamed-dataset.js";
import { Matrix } from "../../../linalg/matrix.js";
import type { Pass } from "../../../parallel/passes.js";
import type { Ranks } from "../../../parallel/ranks.js";
import type { RowsView } from "../rows-view.js";

/** Some of the rows that pass by. */
export interface Chosen {
  /** How many over all ranks, and how many are before the first of this rank. */
  readonly rows: number;
  readonly firstRow: number;
  /** Whether several ask for them in one pass: a copy of them is then kept while a block passes. */
  readonly shared?: boolean;
  /** Those of a block, by their places in it, and their weights, which sum to 1 over all that are chosen. */
  of(block: StreamedBlock): { readonly kept: Int32Array; readonly w: Float64Array };
}

/** The rows of some folds. @param weight their part of the weight of all rows */
export const ofFolds =
  (keeps: (fold: number) => boolean, weight: number): Chosen["of"] =>
  ({ foldOf, y, w }) => {
    const kept = Int32Array.from(y.keys()).filter((i) => keeps(foldOf ? foldOf[i] : 0));
    return { kept, w: Float64Array.from(kept, (i) => w[i] / weight) };
  };

/** A block, and where its rows stand among all rows, of which some may have been left out. */
export interface PassingBlock extends StreamedBlock {
  /** r */
  readonly places: Float64Array;
}

/** Bytes that all askers together may keep of the rows and of what is made of them. */
export const KEPT_BYTES = 2 ** 28;

/** Rows that pass by, as a model's sums over its rows ask for them; weights of chosen rows sum to 1. */
export class PassingBlocks implements Dataset {
  readonly y = new Float64Array(0);
  readonly weights = new Float64Array(0);
  readonly rows: number;
  readonly firstRow: number;
  readonly features: readonly string[];

  constructor(
    private readonly stream: Pick<StreamedDataset, "rows" | "firstRow" | "features">,
    readonly ranks: Ranks,
    private readonly views: Pass<RowsView>,
    readonly keptBytes = KEPT_BYTES,
    private readonly chosen: Chosen | null = null,
    private readonly ends = new BlockEnds(),
  ) {
    const { rows, firstRow } = chosen ?? stream;
    this.rows = rows;
    this.firstRow = firstRow;
    this.features = stream.features;
  }

  /** The same rows, asked for by somebody else. @param share of what may be kept */
  on(views: Pass<RowsView>, share = 1): PassingBlocks {
    return new PassingBlocks(this.stream, this.ranks, views, this.keptBytes * share, this.chosen, this.ends);
  }

  /** Some of the rows. */
  choose(chosen: Chosen): PassingBlocks {
    return new PassingBlocks(this.stream, this.ranks, this.views, this.keptBytes, chosen);
  }

  /** The same rows with the weights with which they count in an evaluation. */
  asJudged(): Dataset {
    const { rows, firstRow, features, y, weights, ranks, keptBytes, blocks, select } = this;
    const pass: Pass<Block> = ({ sums, seen, visit }) =>
      this.pass({ sums, ...(seen !== undefined && { seen }), visit: (block) => visit(judgedBlock(block)) });
    return { rows, firstRow, features, y, weights, ranks, keptBytes, pass, blocks, select };
  }

  /** Rows that have been seen may be left out, or be shown again with the others. */
  readonly pass: Pass<PassingBlock> = ({ sums, seen = 0, visit }) => {
    const { chosen, ends, firstRow } = this;
    let at: number | null = null;
    return this.views({
      sums,
      seen: ends.allAt(seen),
      visit: async (view) => {
        const { block } = view;
        const all = block.firstRow - this.stream.firstRow;
        at ??= ends.chosenAt(all);
        const make = (): PassingBlock => (chosen ? chosenRows(block, chosen) : withPlaces(block));
        const found = chosen && !chosen.shared ? make() : view.once(chosen ?? this.stream, make);
        const own = at;
        at += found.y.length;
        ends.see(at, all + block.y.length);
        if (found.y.length > 0) await visit({ ...found, firstRow: firstRow + own });
      },
    });
  };

  blocks(): Iterable<Block> {
    throw new RangeError("These rows pass by block by block: ask for them with a pass.");
  }

  select(): Dataset {
    throw new RangeError("These rows pass by block by block: none can be chosen by number.");
  }
}

/** How many of the rows here had passed at the end of each block: of those chosen, and of all. */
class BlockEnds {
  private readonly all = new Map<number, number>([[0, 0]]);
  private readonly chosen = new Map<number, number>([[0, 0]]);

  see(chosen: number, all: number): void {
    this.all.set(chosen, all);
    this.chosen.set(all, chosen);
  }

  allAt = (chosen: number): number => this.all.get(chosen) ?? 0;
  chosenAt = (all: number): number => this.chosen.get(all) ?? 0;
}

const withPlaces = (block: StreamedBlock): PassingBlock => ({
  ...block,
  places: block.y.map((_, i) => block.firstRow + i),
});

function chosenRows(block: StreamedBlock, chosen: Chosen): PassingBlock {
  const { kept, w } = chosen.of(block);
  return { ...rowsOf(withPlaces(block), kept), w };
}

/** A copy of some rows of a block. */
export function rowsOf(block: PassingBlock, kept: Int32Array): PassingBlock {
  const pick = (values: Float64Array): Float64Array => gathered(values, kept);
  const { data, columns } = block.x;
  const x = Matrix.zeros(kept.length, columns);
  // Runs of rows next to each other are copied at once.
  for (let from = 0; from < kept.length; ) {
    let to = from + 1;
    while (to < kept.length && kept[to] === kept[to - 1] + 1) to++;
    x.data.set(data.subarray(kept[from] * columns, (kept[to - 1] + 1) * columns), from * columns);
    from = to;
  }
  return {
    firstRow: block.firstRow,
    x,
    y: pick(block.y),
    w: pick(block.w),
    evaluationWeights: pick(block.evaluationWeights),
    rawWeights: pick(block.rawWeights),
    sourceRows: pick(block.sourceRows),
    foldOf: null,
    groupOf: block.groupOf ? gatheredCodes(block.groupOf, kept) : null,
    clusterOf: block.clusterOf ? gatheredCodes(block.clusterOf, kept) : null,
    places: pick(block.places),
  };
}

/** The block with the weights with which rows count in an evaluation. */
export const judgedBlock = (block: PassingBlock): Block => ({ ...block, w: block.evaluationWeights });
