/**
 * Gram matrices on several threads: each thread beside this one (a lane) sums a fixed share of every block's rows into matrices of
 * its own, while this thread goes on with the rest of the pass. Which rows are whose is decided by sizes alone, and the lanes are
 * added in order, so that the digits do not depend on who was faster.
 */
import { blas } from "../linalg/backend.js";
import type { Blas } from "../linalg/blas.js";
import { Matrix } from "../linalg/matrix.js";
import { RowScaler } from "../linalg/row-scaler.js";
import type { FeatureMap } from "./feature-map.js";

/** Calls beside this thread are worked off by the engine's own pool, which has four threads. */
const MOST_LANES = 4;
/** Multiply-adds of a block's Gram matrix from which handing a share over costs little beside it: some 0.6 ms. */
const LEAST_WORK = 2e7;
/** Blocks are larger than elsewhere, so that handing over is rare; a lane's share still fits a second- or third-level cache. */
const LANE_BYTES = 1 << 22;

/** Nanoseconds: a multiply-add of a Gram matrix, a number read by a product with a vector, one scaled, and all else of a row. */
const NANOSECONDS = { gram: 1 / 30, vector: 0.2, scaled: 0.3, row: 15 } as const;

/** What of a block is left to this thread, and the end of the work beside it. */
export class GramLanes {
  /** Rows a block should have. */
  readonly rowsPerBlock: number;
  private readonly sums: Matrix[][];
  private readonly scalers: RowScaler[][];
  private pending: Promise<void>[] = [];

  private constructor(
    private readonly map: FeatureMap,
    private readonly grams: number,
    private readonly lanes: number,
    private readonly syrkBeside: NonNullable<Blas["syrkBeside"]>,
    /** Products of x with a vector that this thread has to do for every row. */
    private readonly vectorProducts: number,
  ) {
    const each = <T>(make: () => T): T[][] =>
      Array.from({ length: lanes }, () => Array.from({ length: grams }, () => make()));
    this.sums = each(() => Matrix.zeros(map.count, map.count));
    this.scalers = each(() => new RowScaler());
    this.rowsPerBlock = Math.max(64, Math.floor((LANE_BYTES * (lanes + 1)) / 8 / map.inputs));
  }

  /** Null where there is no thread to spare, no product to hand over, or too little to do. @param rows n */
  static for(map: FeatureMap, grams: number, rows: number, vectorProducts: number): GramLanes | null {
    const { syrkBeside, threads } = blas();
    if (!syrkBeside || !map.addGramBeside || grams === 0 || map.inputs === 0) return null;
    if (rows * map.inputs ** 2 < LEAST_WORK) return null;
    return new GramLanes(map, grams, Math.min(threads - 1, MOST_LANES), syrkBeside, vectorProducts);
  }

  /** Waits for the block before, hands this one's first rows over, and returns how many they are. */
  async start(x: Matrix, weights: readonly Float64Array[], lasting: boolean): Promise<number> {
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
        const done = this.map.addGramBeside?.(rows, omega, sum, beside);
        if (done) this.pending.push(done);
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

  /** Adds what the lanes have summed. */
  async addTo(out: readonly Matrix[]): Promise<void> {
    await this.settle();
    for (const sums of this.sums) {
      sums.forEach((sum, k) => {
        for (let at = 0; at < sum.data.length; at++) out[k].data[at] += sum.data[at];
      });
    }
  }

  /** The share of a block's rows that makes a lane and this thread finish together. */
  private laneShare(weights: readonly Float64Array[]): number {
    const { lanes, grams } = this;
    const m = this.map.inputs;
    const gram = grams * m * m * NANOSECONDS.gram;
    const scaling = weights.reduce((sum, w) => sum + (w[0] === w[w.length - 1] ? 0 : m * NANOSECONDS.scaled), 0);
    const own = (this.vectorProducts + grams) * m * NANOSECONDS.vector + scaling + NANOSECONDS.row;
    return Math.min(1 / lanes, (1 + own / gram) / (lanes + 1));
  }
}
