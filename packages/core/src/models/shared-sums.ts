/**
 * Passes over rows on several threads, where all that is asked of rows are products of x itself: each thread takes stretches of a block
 * that have sums of their own, so that the digits do not depend on who was faster. Two blocks are under way at a time, so that nobody
 * waits for the last stretch of one, nor for the losses of the next.
 */
import { blas } from "../linalg/backend.js";
import type { BegunParts } from "../linalg/blas.js";
import { growingBuffer, type Store } from "../linalg/buffers.js";
import { Matrix } from "../linalg/matrix.js";
import { type GramShape, gramJob, gramSums, type RowFolds } from "../linalg/parts/gram-rows.js";
import { scoresJob } from "../linalg/parts/row-products.js";
import { beginParts, doParts, SHARED_WORK, sharedFolds, sharedNumbers } from "../linalg/parts/share.js";
import { type FeatureMap, type RowProducts, startWithIntercepts } from "./feature-map.js";

/** Blocks are larger than elsewhere, so that handing over is rare: so much for each thread. */
const BLOCK_BYTES = 1 << 22;
/** Parts of a block for each thread, the last ones the smallest, so that threads end together; fewer where sums take more room (numbers). */
const PARTS = 2;
const ROOM = 1 << 22;
/** Where two blocks' sums would take more room than this, products are large enough to have all threads each. */
const MOST_ROOM = 1 << 23;

/** What a pass asks of its rows. */
interface Asked {
  /** d×K */
  readonly theta?: Matrix | null;
  /** J, the columns of Ω. */
  readonly pull?: number;
  readonly grams?: number;
}

/** What threads are handed, kept from pass to pass. */
const [thetaBuffer, scoreBuffer] = [0, 1].map(() => growingBuffer(sharedNumbers));
/** Of passes that are over, since passes may run side by side: memory costs more to have than to clear. */
const idle: Buffers[] = [];
const MOST_IDLE = 4;

interface Buffers {
  readonly sums: Store;
  readonly vectors: Store;
}

/** Every second block. */
interface Turn extends Buffers {
  begun: BegunParts | null;
  /** What its blocks add to, from the first one on. */
  readonly total: Float64Array;
  isNew: boolean;
}

/** Until nothing runs beside this thread any more. */
function end(turn: Turn): void {
  const { begun } = turn;
  turn.begun = null;
  begun?.end();
}

/** Rows of a block, or their features. */
interface Rows {
  readonly x: Matrix;
  readonly lasting: boolean;
  readonly firstRow: number;
}

export class SharedSums {
  /** Rows a block should have. */
  readonly rowsPerBlock: number;
  private readonly parts: number;
  private readonly turns: readonly [Turn, Turn];
  /** Fold by fold Σω of each weight and column of Ω. */
  private readonly totals: readonly Float64Array[];
  private blocks = 0;

  private constructor(
    private readonly map: FeatureMap,
    private readonly products: RowProducts,
    private readonly shape: GramShape,
    threads: number,
    private readonly folds: RowFolds | null = null,
  ) {
    const { features, grams, pulls } = shape;
    this.rowsPerBlock = Math.max(64, Math.floor((BLOCK_BYTES * threads) / 8 / features));
    const size = this.count * gramSums(shape);
    this.parts = Math.max(threads, Math.min(PARTS * threads, Math.floor(ROOM / (2 * size))));
    const turn = (): Turn => {
      const buffers = idle.pop() ?? { sums: growingBuffer(sharedNumbers), vectors: growingBuffer(sharedNumbers) };
      return { ...buffers, begun: null, total: buffers.sums(this.parts * size), isNew: true };
    };
    this.turns = [turn(), turn()];
    this.totals = Array.from({ length: this.count }, () => new Float64Array(grams + pulls));
  }

  private get count(): number {
    return this.folds?.count ?? 1;
  }

  /** Null where there is no thread to spare, no product of the rows themselves, or too little to do. @param rows n */
  static for(map: FeatureMap, rows: number, { theta, pull = 0, grams = 0 }: Asked): SharedSums | null {
    const { shareParts, threads } = blas();
    const { inputs: features, rowProducts } = map;
    if (!shareParts || !rowProducts || features === 0 || (!theta && pull + grams === 0)) return null;
    const shape = { features, grams, pulls: pull, borders: rowProducts.borders };
    const { work } = gramJob({ ...NOTHING, ...shape, rows });
    if (work < SHARED_WORK || !hasRoom(shape, threads)) return null;
    return new SharedSums(map, rowProducts, shape, threads);
  }

  /** One Gram matrix and one pullback of each fold, on this thread where there is no other; null as in `for`. @param of n */
  static forFolds(map: FeatureMap, of: Uint16Array, count: number): SharedSums | null {
    const { inputs: features, rowProducts } = map;
    if (!rowProducts) return null;
    const { shareParts, threads: all } = blas();
    const threads = shareParts ? all : 1;
    const shape = { features, grams: 1, pulls: 1, borders: rowProducts.borders };
    if (!hasRoom(shape, threads * count)) return null;
    return new SharedSums(map, rowProducts, shape, threads, { of: sharedFolds(of), count });
  }

  /** Vθ, r×K, until the next ones are asked for. */
  scores(theta: Matrix, x: Matrix): Matrix {
    const { rows, columns: features } = x;
    const found = startWithIntercepts(theta, rows, this.map.intercept, scoreBuffer);
    const slopes = theta.data.subarray(theta.data.length - features * theta.columns);
    if (slopes.every((value) => value === 0)) return found; // fits begin so
    const weights = thetaBuffer(slopes.length);
    weights.set(slopes);
    doParts(scoresJob({ x: x.data, rows, features, columns: theta.columns, weights, scores: found.data }));
    return found;
  }

  /**
   * Adds a block's V'diag(ω)V and V'Ω. @param lasting whether x stays as it is to the end of the pass; else it is free at once
   * @param weights r each @param omega r×J
   */
  add({ x, lasting, firstRow }: Rows, weights: readonly Float64Array[], omega: Matrix): void {
    if (weights.length + omega.columns === 0) return; // a pass for scores alone
    const [turn, other] = this.blocks++ % 2 === 0 ? this.turns : [this.turns[1], this.turns[0]];
    other.begun?.help();
    end(turn);
    const { rows } = x;
    const { shape, folds } = this;
    const vectors = turn.vectors(rows * (shape.grams + shape.pulls));
    weights.forEach((weight, g) => vectors.set(weight, g * rows));
    omega.writeTransposed(vectors.subarray(weights.length * rows));
    const of = folds?.of.subarray(firstRow, firstRow + rows);
    if (shape.borders) addTotals(vectors, rows, of, this.totals);
    const own = folds && of ? { of, count: folds.count } : null;
    const job = { ...shape, x: x.data, rows, starts: this.starts(rows), folds: own, vectors };
    turn.begun = beginParts(gramJob({ ...job, sums: turn.total, first: turn.isNew }));
    turn.isNew = false;
    if (!lasting) end(turn);
  }

  /** Where the parts of a block begin, and the end of the last. Folds have few rows of a part, and none should be small. */
  private starts(rows: number): number[] {
    const { parts, folds } = this;
    const left = (part: number): number => ((parts - part) * (parts - part + 1)) / (parts * (parts + 1));
    const share = (part: number): number => (folds ? part / parts : 1 - left(part));
    return Array.from({ length: parts + 1 }, (_, part) => Math.floor(rows * share(part)));
  }

  /** Until nothing runs beside this thread any more. */
  settle(): void {
    const [one, other] = this.turns;
    try {
      end(one);
    } finally {
      end(other);
    }
  }

  /** Adds all that was summed, of one fold where there are some, when it has been: grams (d×d, lower triangle) and pulled (d×J). */
  addTo(grams: readonly Matrix[], pulled: Matrix, fold = 0): void {
    this.settle();
    const size = gramSums(this.shape);
    for (const { total } of this.turns.filter(({ isNew }) => !isNew))
      for (let from = fold * size; from < total.length; from += this.count * size)
        this.products.addSums(total.subarray(from, from + size), grams, pulled);
    this.products.addTotals(this.totals[fold], grams, pulled);
  }

  /** What it has kept is free for the next pass. */
  giveBack(): void {
    idle.push(...this.turns.slice(0, MOST_IDLE - idle.length));
  }
}

/** @param sums of each of two blocks */
const hasRoom = (shape: GramShape, sums: number): boolean => 2 * sums * gramSums(shape) <= MOST_ROOM;

/** A job without rows. */
const NOTHING = {
  x: null,
  starts: [0],
  folds: null,
  vectors: new Float64Array(0),
  sums: new Float64Array(0),
  first: true,
};

/** Fold by fold the sums of vectors that lie one behind the other. */
function addTotals(
  vectors: Float64Array,
  rows: number,
  of: Uint16Array | undefined,
  totals: readonly Float64Array[],
): void {
  for (let v = 0; v < totals[0].length; v++) {
    const vector = vectors.subarray(v * rows, (v + 1) * rows);
    if (!of) totals[0][v] += sum(vector);
    else for (let i = 0; i < rows; i++) totals[of[i]][v] += vector[i];
  }
}

function sum(numbers: Float64Array): number {
  let [a, b, c, d, i] = [0, 0, 0, 0, 0];
  for (; i + 3 < numbers.length; i += 4) {
    a += numbers[i];
    b += numbers[i + 1];
    c += numbers[i + 2];
    d += numbers[i + 3];
  }
  for (; i < numbers.length; i++) a += numbers[i];
  return a + b + (c + d);
}
