/**
 * Products of rows with one vector on several threads: they take as long as the rows take to come from memory, and two processors
 * get more of them at a time than one. Each thread beside this one (a lane) takes a fixed share of every block's rows, so that the
 * digits do not depend on who was faster.
 */
import { blas } from "../linalg/backend.js";
import type { Blas } from "../linalg/blas.js";
import type { Matrix } from "../linalg/matrix.js";
import {
  addColumnSums,
  addLinearPullback,
  addLinearScores,
  type FeatureMap,
  startWithIntercepts,
} from "./feature-map.js";

/** Calls beside this thread are worked off by the engine's own pool, which has four threads. */
const MOST_LANES = 4;
/** Numbers of each thread's share of a block (4 MB): reading them takes several times as long as handing them over. */
const SHARE_NUMBERS = 1 << 19;

/** What a pass asks of its rows. */
interface VectorPlan {
  /** d×K */
  readonly theta?: Matrix | null;
  /** J, the columns of Ω. */
  readonly pull?: number;
  /** Whether the visitor reads the rows as well. */
  readonly reads?: boolean;
}

export class VectorLanes {
  /** Rows a block should have. */
  readonly rowsPerBlock: number;
  /** The share of a block's rows in V'ω that each lane takes. */
  private readonly pullShare: number;
  private readonly sums: Float64Array[];
  private readonly first: number;
  private pending: Promise<void>[] = [];

  private constructor(
    private readonly map: FeatureMap,
    private readonly lanes: number,
    private readonly gemvBeside: NonNullable<Blas["gemvBeside"]>,
    { theta, reads }: VectorPlan,
  ) {
    const { inputs, intercept } = map;
    this.first = intercept ? 1 : 0;
    this.sums = Array.from({ length: lanes }, () => new Float64Array(inputs));
    this.rowsPerBlock = Math.max(64, Math.floor(((lanes + 1) * SHARE_NUMBERS) / inputs));
    // Where nothing else of the rows is asked, a visitor that reads them keeps this thread as busy as their product with a vector would.
    this.pullShare = reads && !theta ? 1 / lanes : 1 / (lanes + 1);
  }

  /** Null where there is no thread to spare, no product with one vector of the rows themselves, or too little to do. @param rows n */
  static for(map: FeatureMap, rows: number, plan: VectorPlan): VectorLanes | null {
    const { gemvBeside, threads } = blas();
    if (!gemvBeside || !map.ownCoefficients) return null;
    const columns = [plan.theta?.columns ?? 0, plan.pull ?? 0];
    if (Math.max(...columns) !== 1 || rows * map.inputs < 2 * SHARE_NUMBERS) return null;
    return new VectorLanes(map, Math.min(threads - 1, MOST_LANES), gemvBeside, plan);
  }

  /** Vθ, r×1. */
  async scores(theta: Matrix, x: Matrix): Promise<Matrix> {
    const { rows: r, columns: m } = x;
    const scores = startWithIntercepts(theta, r, this.map.intercept);
    const slopes = theta.data.subarray(this.first);
    const share = slopes.some((value) => value !== 0) ? Math.floor(r / (this.lanes + 1)) : 0;
    const beside = this.sums.map((_, lane) => {
      const [from, to] = [lane * share, (lane + 1) * share];
      return this.gemvBeside(
        false,
        share,
        m,
        1,
        x.rowRange(from, to).data,
        m,
        slopes,
        1,
        scores.data.subarray(from, to),
      );
    });
    const own = share * this.lanes;
    addLinearScores(x.rowRange(own, r), theta, this.first, scores.rowRange(own, r));
    await Promise.all(beside);
    return scores;
  }

  /**
   * out (d×1) += V'ω, of the lanes' rows at `addTo`. ω must stay as it is until the next call has begun.
   * @param lasting whether x does too; else it is free when this settles
   */
  async addPullback(x: Matrix, omega: Matrix, out: Matrix, lasting: boolean): Promise<void> {
    await this.settle();
    const { rows: r, columns: m } = x;
    const share = Math.floor(r * this.pullShare);
    this.pending = this.sums.map((sum, lane) => {
      const [from, to] = [lane * share, (lane + 1) * share];
      return this.gemvBeside(true, share, m, 1, x.rowRange(from, to).data, m, omega.data.subarray(from, to), 1, sum);
    });
    const own = share * this.lanes;
    if (this.map.intercept) addColumnSums(omega, out);
    addLinearPullback(x.rowRange(own, r), omega.rowRange(own, r), this.first, out);
    if (!lasting) await this.settle();
  }

  /** Adds what the lanes have summed, when all has been. */
  async addTo(out: Matrix): Promise<void> {
    await this.settle();
    for (const sum of this.sums) for (let j = 0; j < sum.length; j++) out.data[this.first + j] += sum[j];
  }

  private async settle(): Promise<void> {
    const { pending } = this;
    this.pending = [];
    await Promise.all(pending);
  }
}
