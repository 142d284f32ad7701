import type { Block, Dataset } from "../data/dataset.js";
import { gathered } from "../data/gather.js";
import type { BegunParts } from "../linalg/blas.js";
import { growingBuffer } from "../linalg/buffers.js";
import { Matrix } from "../linalg/matrix.js";
import { copyRow } from "../linalg/parts/copy-row.js";
import { gramJob, gramSumsOfPart } from "../linalg/parts/gram-rows.js";
import { beginParts, sharedIntegers, sharedNumbers } from "../linalg/parts/share.js";
import { timeSlices, type Work } from "../parallel/work.js";
import { type FeatureMap, type RowProducts } from "./feature-map.js";
import { borrowBuffers } from "./idle-buffers.js";

/** Blocks larger than elsewhere: a fold's part of one must still be worth a matrix product. */
const BLOCK_BYTES = 1 << 23;

/** Sums over the rows of each of K folds. */
export interface FoldSums {
  /** K × (d×d, lower triangle): Σ_{i in fold k} ω_i v_i v_i' */
  readonly grams: readonly Matrix[];
  /** d×K: Σ_{i in fold k} π_i v_i */
  readonly pulls: Matrix;
}

/**
 * V'diag(ω)V and V'π for every fold in one pass. All folds together cost what one Gram matrix costs; leaving a fold out is then a
 * subtraction.
 */
export async function foldSums(
  map: FeatureMap,
  data: Dataset,
  foldOf: Uint16Array,
  folds: number,
  weightsOf: (block: Block, omega: Float64Array, pi: Float64Array) => void,
  work?: Work,
): Promise<FoldSums> {
  const d = map.count;
  const grams = Array.from({ length: folds }, () => Matrix.zeros(d, d));
  const pulls = Array.from({ length: folds }, () => Matrix.zeros(d, 1));
  const slices = timeSlices(work);
  const adder = map.rowProducts ? new SharedFolds(map, map.rowProducts, grams, pulls) : new OneByOne(map, grams, pulls);
  try {
    for (const block of data.blocks(Math.max(64, Math.floor(BLOCK_BYTES / 8 / Math.max(1, map.inputs))))) {
      const r = block.x.rows;
      const omega = new Float64Array(r);
      const pi = new Float64Array(r);
      weightsOf(block, omega, pi);
      adder.add(block, inFoldOrder(foldOf, block.firstRow, r, folds), omega, pi);
      if (slices.due()) await slices.pause({ phase: "held-out folds", done: block.firstRow + r, total: data.rows });
    }
  } finally {
    adder.settle();
  }
  adder.end();
  const side = Matrix.zeros(d, folds);
  pulls.forEach((pull, k) => {
    for (let j = 0; j < d; j++) side.data[j * folds + k] = pull.data[j];
  });
  return { grams, pulls: side };
}

/** The rows of a block in fold order, and folds + 1 places in it where the folds begin. */
interface FoldOrder {
  readonly starts: Int32Array;
  readonly order: Int32Array;
}

/** Folds one after the other: each one's rows are put side by side in a copy. */
class OneByOne {
  private readonly buffers = borrowBuffers();
  private readonly rows = this.buffers.one();

  constructor(
    private readonly map: FeatureMap,
    private readonly grams: readonly Matrix[],
    private readonly pulls: readonly Matrix[],
  ) {}

  add({ x }: Block, { starts, order }: FoldOrder, omega: Float64Array, pi: Float64Array): void {
    const m = x.columns;
    this.grams.forEach((gram, k) => {
      const own = order.subarray(starts[k], starts[k + 1]);
      const rows = this.rows(own.length * m);
      own.forEach((row, at) => copyRow(x.data, row * m, rows, at * m, m));
      const part = new Matrix(rows, own.length, m);
      this.map.addGram(part, gathered(omega, own), gram);
      this.map.addPullback(part, new Matrix(gathered(pi, own), own.length, 1), this.pulls[k]);
    });
  }

  settle(): void {}

  end(): void {
    this.buffers.giveBack();
  }
}

/** Parts of a block's folds, so that threads have several each. */
const PARTS = 16;
/** Numbers that the sums of all parts may have, beyond one a fold. */
const ROOM = 1 << 22;

/** Pieces of folds on all threads, which put their rows in order themselves. */
class SharedFolds {
  private readonly pieces: number;
  private readonly sums: Float64Array;
  /** Fold by fold Σω and Σπ. */
  private readonly totals: readonly Float64Array[];
  private readonly vectors = growingBuffer(sharedNumbers);
  private begun: BegunParts | null = null;

  constructor(
    private readonly map: FeatureMap,
    private readonly products: RowProducts,
    private readonly grams: readonly Matrix[],
    private readonly pulls: readonly Matrix[],
  ) {
    const size = gramSumsOfPart(this.shape);
    const folds = grams.length;
    this.pieces = Math.max(1, Math.min(Math.ceil(PARTS / folds), Math.floor(ROOM / Math.max(1, folds * size))));
    this.sums = sharedNumbers(folds * this.pieces * size);
    this.totals = grams.map(() => new Float64Array(2));
  }

  private get shape() {
    return { features: this.map.inputs, grams: 1, pulls: 1, borders: this.products.borders };
  }

  add({ x, lasting }: Block, { starts: folds, order: places }: FoldOrder, omega: Float64Array, pi: Float64Array): void {
    this.settle();
    const { pieces, sums, shape } = this;
    const rows = x.rows;
    const vectors = this.vectors(2 * rows);
    vectors.set(gathered(omega, places));
    vectors.set(gathered(pi, places), rows);
    this.totals.forEach((totals, k) => {
      for (let at = folds[k]; at < folds[k + 1]; at++) {
        totals[0] += vectors[at];
        totals[1] += vectors[rows + at];
      }
    });
    const starts = Array.from({ length: pieces * this.grams.length + 1 }, (_, part) => {
      const [fold, piece] = [Math.floor(part / pieces), part % pieces];
      const [from, to] = [folds[fold], folds[Math.min(fold + 1, this.grams.length)]];
      return from + Math.floor((piece * (to - from)) / pieces);
    });
    const order = sharedIntegers(places);
    this.begun = beginParts(gramJob({ ...shape, x: x.data, rows, starts, order, vectors, sums, first: false }));
    if (!lasting) this.settle();
  }

  /** Until nothing runs beside this thread any more. */
  settle(): void {
    const { begun } = this;
    this.begun = null;
    begun?.end();
  }

  /** Adds all that was summed. */
  end(): void {
    const size = gramSumsOfPart(this.shape);
    this.grams.forEach((gram, k) => {
      for (let piece = 0; piece < this.pieces; piece++) {
        const from = (k * this.pieces + piece) * size;
        this.products.addSums(this.sums.subarray(from, from + size), [gram], this.pulls[k]);
      }
      this.products.addTotals(this.totals[k], [gram], this.pulls[k]);
    });
  }
}

function inFoldOrder(foldOf: Uint16Array, firstRow: number, rows: number, folds: number): FoldOrder {
  const starts = new Int32Array(folds + 1);
  for (let i = 0; i < rows; i++) starts[foldOf[firstRow + i] + 1]++;
  for (let k = 0; k < folds; k++) starts[k + 1] += starts[k];
  const next = starts.slice();
  const order = new Int32Array(rows);
  for (let i = 0; i < rows; i++) order[next[foldOf[firstRow + i]]++] = i;
  return { starts, order };
}
