import type { Block, Dataset } from "../data/dataset.js";
import { blas } from "../linalg/backend.js";
import type { Blas } from "../linalg/blas.js";
import { Matrix } from "../linalg/matrix.js";
import { giveBack, takeScaler } from "../linalg/row-scaler.js";
import { timeSlices, type Work } from "../parallel/work.js";
import type { FeatureMap, GramParts } from "./feature-map.js";
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
 * V'diag(ω)V and V'π for every fold in one pass: each block's rows are put in fold order in a scratch copy, so that a fold's
 * part is one stretch of rows. All folds together cost what one Gram matrix costs; leaving a fold out is then a subtraction.
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
  const buffers = borrowBuffers();
  const numbers = [0, 1].map(() => ({ x: buffers.one(), omega: buffers.one(), pi: buffers.one() }));
  const slices = timeSlices(work);
  const threads = new FoldThreads(map);
  let blocks = 0;
  for (const block of data.blocks(Math.max(64, Math.floor(BLOCK_BYTES / 8 / Math.max(1, map.inputs))))) {
    const { x, firstRow } = block;
    const [r, m] = [x.rows, x.columns];
    const omega = new Float64Array(r);
    const pi = new Float64Array(r);
    weightsOf(block, omega, pi);
    const { starts, order } = inFoldOrder(foldOf, firstRow, r, folds);
    const room = numbers[blocks++ % 2];
    const sorted = { x: new Matrix(room.x(r * m), r, m), omega: room.omega(r), pi: room.pi(r) };
    await threads.beginBlock();
    for (let k = 0; k < folds; k++) {
      const [from, to] = [starts[k], starts[k + 1]];
      if (from === to) continue;
      for (let at = from; at < to; at++) {
        const row = order[at];
        copyRow(x.data, row * m, sorted.x.data, at * m, m);
        sorted.omega[at] = omega[row];
        sorted.pi[at] = pi[row];
      }
      const part = { x: sorted.x.rowRange(from, to), omega: sorted.omega.subarray(from, to) };
      await threads.add(k, part, new Matrix(sorted.pi.subarray(from, to), to - from, 1), grams[k], pulls[k]);
    }
    if (slices.due()) await slices.pause({ phase: "held-out folds", done: firstRow + r, total: data.rows });
  }
  await threads.settle();
  buffers.giveBack();
  const side = Matrix.zeros(d, folds);
  pulls.forEach((pull, k) => {
    for (let j = 0; j < d; j++) side.data[j * folds + k] = pull.data[j];
  });
  return { grams, pulls: side };
}

/** Multiply-adds of a fold's Gram matrix from which handing it over costs little beside it: some 0.3 ms. */
const LEAST_WORK = 1e7;
/** Nanoseconds: a multiply-add of a Gram matrix, a number put in fold order and read for products with vectors. */
const NANOSECONDS = { gram: 1 / 36, number: 2.5 } as const;

/**
 * Adds the folds' parts of block after block: their Gram matrices here, or on a thread beside this one while this one puts the next
 * rows in order. Who takes which is decided by sizes alone, so that the digits do not depend on who was faster.
 */
class FoldThreads {
  private readonly syrkBeside = blas().syrkBeside;
  /** By what sizes tell: when this thread, and the one beside it, will have done what they were given. */
  private here = 0;
  private beside = 0;
  /** By fold what is still being added to its matrix; and all of the block before. */
  private readonly pending = new Map<number, Promise<void>>();
  private before: Promise<unknown> = Promise.resolve();

  constructor(private readonly map: FeatureMap) {}

  /** Until nothing is read any more of the rows of the block before the last. */
  async beginBlock(): Promise<void> {
    await this.before;
    this.before = Promise.all(this.pending.values());
  }

  async add(
    fold: number,
    { x, omega }: { readonly x: Matrix; readonly omega: Float64Array },
    pi: Matrix,
    gram: Matrix,
    pull: Matrix,
  ): Promise<void> {
    const { gramParts } = this.map;
    if (!gramParts) {
      this.map.addGram(x, omega, gram);
      this.map.addPullback(x, pi, pull);
      return;
    }
    await this.pending.get(fold);
    const size = x.rows * x.columns;
    const work = size * x.columns * NANOSECONDS.gram;
    this.here += size * NANOSECONDS.number;
    if (this.syrkBeside && size * x.columns >= LEAST_WORK && this.beside - this.here < work) {
      this.beside = Math.max(this.beside, this.here) + work;
      this.pending.set(fold, this.handOver(gramParts, x, omega, gram, this.syrkBeside));
    } else {
      this.here += work;
      gramParts.addSquare(x, omega, gram);
    }
    gramParts.addVectors(x, [omega], [gram], pi, pull);
  }

  private async handOver(
    parts: GramParts,
    x: Matrix,
    omega: Float64Array,
    gram: Matrix,
    syrkBeside: NonNullable<Blas["syrkBeside"]>,
  ): Promise<void> {
    const scaler = takeScaler();
    await parts.addSquareBeside(x, omega, gram, { syrkBeside, scaler, lasting: true });
    giveBack([scaler]);
  }

  async settle(): Promise<void> {
    await Promise.all(this.pending.values());
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

/** Rows are copied faster by a loop than through the engine's bulk copy, which takes an object for each, unless they are long. */
function copyRow(from: Float64Array, fromAt: number, to: Float64Array, toAt: number, length: number): void {
  if (length > 256) {
    to.set(from.subarray(fromAt, fromAt + length), toAt);
    return;
  }
  let k = 0;
  for (; k + 3 < length; k += 4) {
    to[toAt + k] = from[fromAt + k];
    to[toAt + k + 1] = from[fromAt + k + 1];
    to[toAt + k + 2] = from[fromAt + k + 2];
    to[toAt + k + 3] = from[fromAt + k + 3];
  }
  for (; k < length; k++) to[toAt + k] = from[fromAt + k];
}
