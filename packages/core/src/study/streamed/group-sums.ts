import type { StreamedDataset } from "../../data/streamed-dataset.js";
import type { Ranks } from "../../parallel/ranks.js";
import type { DataSection, GroupPoint } from "../result.js";
import { type Moments, type MovingRows, momentsOf } from "./moments.js";

/** Rows of a block by the groups that results are repeated for. */
interface GroupedRows extends MovingRows {
  /** r: places among the names. */
  readonly groupOf: Int32Array;
}

/** What is said of groups, from sums over the rows of each. */
export class GroupSums {
  private readonly rows: Float64Array;
  /** Σ w, and Σ w l without any attack. */
  private readonly weights: Float64Array;
  private readonly natural: Float64Array;
  /** Size by size: Σ w of what each row loses, and of what it gains. */
  private readonly costs: Float64Array;
  private readonly benefits: Float64Array;
  private readonly moments: Moments;

  /** @param clusters G; null: rows are drawn by themselves */
  constructor(
    private readonly groups: NonNullable<StreamedDataset["groups"]>,
    ranks: Ranks,
    sizes: number,
    clusters: number | null = null,
  ) {
    const count = groups.names.length;
    const none = (length: number): Float64Array => new Float64Array(length);
    [this.rows, this.weights, this.natural] = [none(count), none(count), none(count)];
    [this.costs, this.benefits] = [none(count * sizes), none(count * sizes)];
    this.moments = momentsOf(ranks, count * sizes, clusters);
  }

  /** Of a pass. */
  get sums(): Float64Array[] {
    const { rows, weights, natural, costs, benefits, moments } = this;
    return [rows, weights, natural, costs, benefits, ...moments.sums];
  }

  /** @param losses l_i without any attack */
  begin({ groupOf, w }: GroupedRows, losses: Float64Array): void {
    for (let i = 0; i < w.length; i++) {
      const g = groupOf[i];
      this.rows[g]++;
      this.weights[g] += w[i];
      this.natural[g] += w[i] * losses[i];
    }
  }

  /** What the same rows lose and gain at size e. */
  add(e: number, rows: GroupedRows, costs: Float64Array, benefits: Float64Array): void {
    const { groupOf, w } = rows;
    const first = e * this.groups.names.length;
    for (let i = 0; i < w.length; i++) {
      const at = first + groupOf[i];
      this.costs[at] += w[i] * costs[i];
      this.benefits[at] += w[i] * benefits[i];
      this.moments.addOne(at, costs[i], i, rows);
    }
  }

  /** What the result says of the groups before any attack. */
  section(): NonNullable<DataSection["groups"]> {
    const { column, names } = this.groups;
    return {
      column,
      names,
      rows: [...this.rows],
      naturalLoss: names.map((_, g) => this.mean(this.natural[g], g)),
    };
  }

  /** Cost and benefit of each group at size e. @param z half width of an interval in standard errors; null: none */
  points(e: number, z: number | null): GroupPoint[] {
    const { names } = this.groups;
    return names.map((name, g) => {
      const at = e * names.length + g;
      const cost = this.mean(this.costs[at], g);
      const reach = (z ?? 0) * (Math.sqrt(this.moments.about([{ k: at, mean: cost ?? 0 }])) / this.weights[g]);
      return {
        name,
        cost,
        costInterval: cost === null || z === null || this.rows[g] < 2 ? null : [cost - reach, cost + reach],
        benefit: this.mean(this.benefits[at], g),
      };
    });
  }

  private mean(sum: number, g: number): number | null {
    return this.weights[g] > 0 ? sum / this.weights[g] : null;
  }
}
