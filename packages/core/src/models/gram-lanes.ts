/**
 * Gram matrices on several threads: each thread beside this one (a lane) sums a fixed share of every block's rows into matrices of
 * its own, while this thread goes on with the rest of the pass. Which rows are whose is decided by sizes alone, and the lanes are
 * added in order, so that the digits do not depend on who was faster.
 */
import type { Block } from "../data/dataset.js";
import { blas } from "../linalg/backend.js";
import type { Blas } from "../linalg/blas.js";
import { Matrix } from "../linalg/matrix.js";
import { giveBack, type RowScaler, takeScaler } from "../linalg/row-scaler.js";
import type { FeatureMap, GramParts } from "./feature-map.js";

/** Calls beside this thread are worked off by the engine's own pool, which has four threads. */
const MOST_LANES = 4;
/** Multiply-adds of a block's Gram matrix from which handing a share over costs little beside it: some 0.6 ms. */
const LEAST_WORK = 2e7;
/** Blocks are larger than elsewhere, so that handing over is rare; a lane's share still fits a second- or third-level cache. */
const LANE_BYTES = 1 << 22;

/** Nanoseconds: a multiply-add of a Gram matrix, a number read for products with vectors, one scaled, and all else of a row. */
const NANOSECONDS = { gram: 1 / 36, read: 0.5, scaled: 0.3, row: 15 } as const;

export class GramLanes {
  /** Rows a block should have. */
  readonly rowsPerBlock: number;
  private readonly sums: Matrix[][];
  private readonly scalers: RowScaler[][];
  private pending: Promise<void>[] = [];

  private constructor(
    private readonly parts: GramParts,
    /** d and m */
    count: number,
    private readonly inputs: number,
    private readonly grams: number,
    private readonly lanes: number,
    private readonly syrkBeside: NonNullable<Blas["syrkBeside"]>,
    /** How often this thread has to read x for products with vectors. */
    private readonly readings: number,
  ) {
    const each = <T>(make: () => T): T[][] =>
      Array.from({ length: lanes }, () => Array.from({ length: grams }, () => make()));
    this.sums = each(() => Matrix.zeros(count, count));
    this.scalers = each(takeScaler);
    this.rowsPerBlock = Math.max(64, Math.floor((LANE_BYTES * (lanes + 1)) / 8 / inputs));
  }

  /** Null where there is no thread to spare, no product to hand over, or too little to do. @param rows n */
  static for(map: FeatureMap, grams: number, rows: number, theta: Matrix | null): GramLanes | null {
    const { syrkBeside, threads } = blas();
    const { inputs, gramParts, count } = map;
    if (!syrkBeside || !gramParts || grams === 0 || inputs === 0) return null;
    if (rows * inputs ** 2 < LEAST_WORK) return null;
    const lanes = Math.min(threads - 1, MOST_LANES);
    return new GramLanes(gramParts, count, inputs, grams, lanes, syrkBeside, 1 + scoreReadings(map, theta));
  }

  /** Adds a block's Gram matrices, of the lanes' rows until `addTo`, and its V'Ω to `pulled`. */
  async add(
    { x, lasting }: Pick<Block, "x" | "lasting">,
    weights: readonly Float64Array[],
    out: readonly Matrix[],
    omega: Matrix,
    pulled: Matrix,
  ): Promise<void> {
    const from = await this.start(x, weights, lasting === true);
    const own = x.rowRange(from, x.rows);
    out.forEach((gram, k) => this.parts.addSquare(own, weights[k].subarray(from), gram));
    // Last, when the squares have brought all rows into the cache that the threads share.
    this.parts.addVectors(x, weights, out, omega, pulled);
  }

  /** Waits for the block before, hands this one's first rows over, and returns how many they are. */
  private async start(x: Matrix, weights: readonly Float64Array[], lasting: boolean): Promise<number> {
    await this.settle();
    const r = x.rows;
    const m = x.columns;
    if (r * m * m < LEAST_WORK) return 0;
    const share = Math.floor(r * this.laneShare(weights));
    this.sums.forEach((sums, lane) => {
      const [from, to] = [lane * share, (lane + 1) * share];
      const rows = x.rowRange(from, to);
      sums.forEach((sum, k) => {
        const omega = weights[k].subarray(from, to);
        const beside = { syrkBeside: this.syrkBeside, scaler: this.scalers[lane][k], lasting };
        this.pending.push(this.parts.addSquareBeside(rows, omega, sum, beside));
      });
    });
    return share * this.lanes;
  }

  /** Until nothing runs beside this thread any more. */
  async settle(): Promise<void> {
    const { pending } = this;
    this.pending = [];
    await Promise.all(pending);
  }

  /** Adds what the lanes have summed, when all has been. */
  async addTo(out: readonly Matrix[]): Promise<void> {
    await this.settle();
    giveBack(this.scalers.flat());
    for (const sums of this.sums) {
      sums.forEach(({ data: sum, columns: d }, k) => {
        const { data } = out[k];
        for (let i = 0; i < d; i++) for (let at = i * d, end = at + i; at <= end; at++) data[at] += sum[at];
      });
    }
  }

  /** The share of a block's rows that makes a lane and this thread finish together. */
  private laneShare(weights: readonly Float64Array[]): number {
    const { lanes, grams, readings, inputs: m } = this;
    const gram = grams * m * m * NANOSECONDS.gram;
    const scaling = weights.reduce((sum, w) => sum + (w[0] === w[w.length - 1] ? 0 : m * NANOSECONDS.scaled), 0);
    const own = readings * m * NANOSECONDS.read + scaling + NANOSECONDS.row;
    return Math.min(1 / lanes, (1 + own / gram) / (lanes + 1));
  }
}

/** Columns of Θ that need x: a fit begins with intercepts alone. */
function scoreReadings({ intercept }: FeatureMap, theta: Matrix | null): number {
  if (theta === null) return 0;
  const slopes = theta.data.subarray(intercept ? theta.columns : 0);
  return slopes.some((value) => value !== 0) ? theta.columns : 0;
}
