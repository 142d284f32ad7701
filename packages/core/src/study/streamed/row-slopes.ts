import { type SlopeExtent, slopeExtent } from "../../influence/aif.js";
import { EachRank } from "../../parallel/passes.js";
import type { Ranks } from "../../parallel/ranks.js";
import type { Fit } from "../../solvers/fit.js";

/** How large the slopes of all rows are at one θ, and Σ w ℓ'. */
export interface RowSlopes {
  readonly extent: SlopeExtent;
  readonly mean: number;
}

/** Collects them block by block. */
export class SlopeSums {
  private readonly largest: EachRank;
  private readonly added = new Float64Array(2);

  constructor(ranks: Ranks) {
    this.largest = new EachRank(ranks, 1);
  }

  /** Of a pass. */
  get sums(): Float64Array[] {
    return [this.largest.all, this.added];
  }

  see(rows: Pick<Fit, "model" | "data" | "scores">): void {
    const { largest, size } = slopeExtent(rows);
    this.largest.own[0] = Math.max(this.largest.own[0], largest);
    const { loss } = rows.model;
    const { y, weights } = rows.data;
    let mean = 0;
    for (let i = 0; i < y.length; i++) mean += weights[i] * loss.first(rows.scores[i], y[i]);
    this.added[0] += size;
    this.added[1] += mean;
  }

  /** Over all ranks. */
  found(): RowSlopes {
    const [size, mean] = this.added;
    return { extent: { largest: this.largest.largest(0), size }, mean };
  }
}
