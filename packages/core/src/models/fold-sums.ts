import type { Block, Dataset } from "../data/dataset.js";
import { gathered } from "../data/gather.js";
import { Matrix } from "../linalg/matrix.js";
import { copyRow } from "../linalg/parts/copy-row.js";
import { timeSlices, type Work } from "../parallel/work.js";
import type { FeatureMap } from "./feature-map.js";
import { borrowBuffers } from "./idle-buffers.js";
import { SharedSums } from "./shared-sums.js";

/** Numbers of a block, more than elsewhere: a fold's part of one must still be worth a matrix product, and reading its Gram matrix. */
const BLOCK = 1 << 20;
const LARGE_BLOCK = 1 << 23;

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
  const shared = SharedSums.forFolds(map, foldOf, folds);
  const adder = shared ? new SideBySide(shared, grams, pulls) : new OneByOne(map, foldOf, grams, pulls);
  try {
    const m = Math.max(1, map.inputs);
    const rows = Math.max(64, Math.floor(BLOCK / m), shared ? 0 : Math.min(folds * m, Math.floor(LARGE_BLOCK / m)));
    for (const block of data.blocks(rows)) {
      const r = block.x.rows;
      const omega = new Float64Array(r);
      const pi = new Float64Array(r);
      weightsOf(block, omega, pi);
      adder.add(block, omega, pi);
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

/** Folds one after the other: each one's rows are put side by side in a copy. */
class OneByOne {
  private readonly buffers = borrowBuffers();
  private readonly rows = this.buffers.one();

  constructor(
    private readonly map: FeatureMap,
    private readonly foldOf: Uint16Array,
    private readonly grams: readonly Matrix[],
    private readonly pulls: readonly Matrix[],
  ) {}

  add({ x, firstRow }: Block, omega: Float64Array, pi: Float64Array): void {
    const m = x.columns;
    const { starts, order } = inFoldOrder(this.foldOf, firstRow, x.rows, this.grams.length);
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

/** Folds side by side, by all threads. */
class SideBySide {
  constructor(
    private readonly shared: SharedSums,
    private readonly grams: readonly Matrix[],
    private readonly pulls: readonly Matrix[],
  ) {}

  add({ x, lasting = false, firstRow }: Block, omega: Float64Array, pi: Float64Array): void {
    this.shared.add({ x, lasting, firstRow }, [omega], new Matrix(pi, pi.length, 1));
  }

  settle(): void {
    this.shared.settle();
  }

  end(): void {
    this.grams.forEach((gram, k) => this.shared.addTo([gram], this.pulls[k], k));
    this.shared.giveBack();
  }
}

/** The rows of a block in fold order, and folds + 1 places in it where the folds begin. */
function inFoldOrder(foldOf: Uint16Array, firstRow: number, rows: number, folds: number) {
  const starts = new Int32Array(folds + 1);
  for (let i = 0; i < rows; i++) starts[foldOf[firstRow + i] + 1]++;
  for (let k = 0; k < folds; k++) starts[k + 1] += starts[k];
  const next = starts.slice();
  const order = new Int32Array(rows);
  for (let i = 0; i < rows; i++) order[next[foldOf[firstRow + i]]++] = i;
  return { starts, order };
}
