import { EachRank } from "../../parallel/passes.js";
import type { Ranks } from "../../parallel/ranks.js";

/** Centre a, Σ ω, Σ ω(z − a), Σ ω(z − a)². */
const WIDTH = 4;

/**
 * Variances of numbers z about means that are known only when all rows have passed: every rank counts from a centre of its own, the
 * mean of its first rows with weight, so that nothing is lost where the mean is large beside the spread.
 */
export class RankMoments {
  private readonly each: EachRank;
  private readonly size: number;

  /** @param count of different z */
  constructor(ranks: Ranks, count: number) {
    this.each = new EachRank(ranks, WIDTH * count);
    this.size = ranks.size;
  }

  /** Of a pass. */
  get sums(): Float64Array[] {
    return [this.each.all];
  }

  /** Adds rows to number k. @param omega r: w² each, or w/N for counts. */
  add(k: number, z: Float64Array, omega: Float64Array): void {
    const { own } = this.each;
    const at = WIDTH * k;
    const weight = omega.reduce((sum, value) => sum + value, 0);
    if (own[at + 1] === 0 && weight > 0) own[at] = z.reduce((sum, value, i) => sum + (omega[i] / weight) * value, 0);
    for (let i = 0; i < z.length; i++) {
      const off = z[i] - own[at];
      own[at + 1] += omega[i];
      own[at + 2] += omega[i] * off;
      own[at + 3] += omega[i] * off * off;
    }
  }

  /** Adds one row; of numbers that only come so, the first with weight is the centre. */
  addOne(k: number, z: number, omega: number): void {
    const { own } = this.each;
    const at = WIDTH * k;
    if (own[at + 1] === 0) own[at] = z;
    const off = z - own[at];
    own[at + 1] += omega;
    own[at + 2] += omega * off;
    own[at + 3] += omega * off * off;
  }

  /** Σ ω(z − mean)² of number k over all ranks. */
  about(k: number, mean: number): number {
    let sum = 0;
    for (let rank = 0; rank < this.size; rank++) {
      const [centre, weight, first, second] = this.each.ofRank(rank).subarray(WIDTH * k, WIDTH * (k + 1));
      const by = centre - mean;
      sum += second + 2 * by * first + by * by * weight;
    }
    return Math.max(0, sum);
  }
}
