import { BlockRows } from "../../data/block-rows.js";
import type { Block, Dataset, RowBlocks } from "../../data/dataset.js";
import type { StreamedBlock, StreamedDataset } from "../../data/streamed-dataset.js";
import type { ScoreModel } from "../../models/score-model.js";
import { asColumn } from "../../models/sweep.js";
import { type Checkpoint, decodeNumbers, encodeNumbers } from "../../parallel/checkpoint.js";
import type { Pass } from "../../parallel/passes.js";
import type { Ranks } from "../../parallel/ranks.js";
import { timeSlices, type Work } from "../../parallel/work.js";
import type { Fit } from "../../solvers/fit.js";

/** A block while it passes by: its rows as a data set of their own, and what several askers want to know of them, computed once. */
export class RowsView {
  readonly data: BlockRows;
  private readonly known = new Map<object, unknown>();

  constructor(
    readonly block: StreamedBlock,
    private readonly features: readonly string[],
  ) {
    this.data = new BlockRows(block.x, block, features);
  }

  /** What was made for this key, or is made now. */
  once<T>(key: object, make: () => T): T {
    if (!this.known.has(key)) this.known.set(key, make());
    return this.known.get(key) as T;
  }

  /** r: θ'v of each row. The same θ is the same array. */
  scores({ map }: ScoreModel, theta: Float64Array): Float64Array {
    return this.once(theta, () => map.scores(asColumn(theta), this.data.x).data);
  }

  /** A fit on these rows alone. */
  fit(fit: Fit): Fit {
    return this.once(fit, () => ({ ...fit, data: this.data, scores: this.scores(fit.model, fit.parameters) }));
  }

  /** r: the fold of each row. */
  get foldOf(): Uint16Array {
    return this.block.foldOf ?? new Uint16Array(this.data.rows);
  }

  /** r: the place of each row's cluster; null: rows are drawn by themselves. */
  get clusterOf(): Int32Array | null {
    return this.block.clusterOf ?? null;
  }

  /** The rows outside fold k, their weights relative to that of all such rows. */
  withoutFold(k: number, outside: number): RowsView {
    const { foldOf } = this;
    const kept = Int32Array.from([...foldOf.keys()].filter((i) => foldOf[i] !== k));
    return this.chosen(
      kept,
      Float64Array.from(kept, (i) => this.data.weights[i] / outside),
    );
  }

  /** Some rows, under these weights. */
  chosen(kept: Int32Array, w: Float64Array): RowsView {
    const { block } = this;
    const rest = this.data.select(kept);
    const pick = (values: Float64Array): Float64Array => Float64Array.from(kept, (i) => values[i]);
    return new RowsView(
      {
        ...block,
        x: rest.x,
        y: rest.y,
        w,
        evaluationWeights: pick(block.evaluationWeights),
        rawWeights: pick(block.rawWeights),
        sourceRows: pick(block.sourceRows),
        foldOf: null,
        groupOf: null,
        clusterOf: null,
      },
      this.features,
    );
  }
}

/** Stands where rows are expected that pass by elsewhere: it knows how many there are, and gives none. */
export class PassingRows implements Dataset {
  readonly y = new Float64Array(0);
  readonly weights = new Float64Array(0);

  constructor(
    readonly rows: number,
    readonly features: readonly string[],
  ) {}

  blocks(): Iterable<Block> {
    throw new RangeError("These rows pass by block by block: ask for them with a pass.");
  }

  select(): Dataset {
    throw new RangeError("These rows pass by block by block: none can be chosen.");
  }
}

/** The same rows as whoever learns from them asks for them. */
export const blocksOf = (
  pass: Pass<RowsView>,
  { rows, features }: { readonly rows: number; readonly features: readonly string[] },
): RowBlocks => ({
  rows,
  features,
  pass: ({ sums, visit }) => pass({ sums, visit: ({ block }) => visit(block) }),
  blocks: () => new PassingRows(rows, features).blocks(),
});

/** Counts passes, and says what the present one is for. */
export interface PassCount {
  passes: number;
  phase: string;
}

/** About this many bytes of features a block, and rows enough that d×d matrices cost little beside them. */
const BLOCK_BYTES = 1 << 20;

export const gramBlockRows = (features: number, parameters: number): number =>
  Math.min(65_536, Math.max(64, 2 * parameters, Math.min(8192, Math.floor(BLOCK_BYTES / 8 / Math.max(1, features)))));

export interface PassOptions extends Work {
  /** Names the rows among those of one analysis. */
  readonly name: string;
  /** Of a view, at most. */
  readonly rowsPerBlock: number;
  readonly ranks: Ranks;
  readonly count: PassCount;
  readonly checkpoint?: Checkpoint | undefined;
}

/** Passes over the rows of a streamed data set, added over its ranks; those that a checkpoint remembers are not made again. */
export function passesOver(data: StreamedDataset, options: PassOptions): Pass<RowsView> {
  const { name, rowsPerBlock, ranks, count, checkpoint } = options;
  let passes = 0;
  return async ({ sums, seen = 0, visit }) => {
    passes++;
    // Where all that is asked was kept, nothing passes by: the sums are only added over the ranks.
    const idle = seen > 0 && seen >= data.ownRows;
    if (!idle) count.passes++;
    const stage = `${name}, pass ${passes}`;
    if (restored(checkpoint?.load(stage), sums)) return;
    const slices = timeSlices(options);
    const begun = performance.now();
    let done = seen;
    for (const block of idle ? [] : data.blocks(rowsPerBlock, seen)) {
      await visit(new RowsView(block, data.features));
      done += block.y.length;
      if (slices.due()) {
        const rate = (1000 * (done - seen)) / (performance.now() - begun);
        await slices.pause({ phase: `${count.phase}, pass ${count.passes}`, done, total: data.ownRows, rate });
      }
    }
    await ranks.add(...sums);
    await checkpoint?.save(stage, sums.map(encodeNumbers));
  };
}

/** Takes over all sums or none: the rows are added to those that are not restored. */
function restored(saved: readonly string[] | null | undefined, sums: readonly Float64Array[]): boolean {
  if (!saved || saved.length !== sums.length) return false;
  const found = sums.map(({ length }) => new Float64Array(length));
  if (!found.every((numbers, k) => decodeNumbers(saved[k], numbers))) return false;
  sums.forEach((sum, k) => {
    sum.set(found[k]);
  });
  return true;
}

/** The same rows without a fold. */
export const withoutFold =
  (pass: Pass<RowsView>, k: number, outside: number): Pass<RowsView> =>
  ({ sums, visit }) =>
    pass({ sums, visit: (view) => visit(view.withoutFold(k, outside)) });
