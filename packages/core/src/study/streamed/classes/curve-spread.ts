import type { ClassSums } from "../../../influence/class-metrics.js";
import { changesBetween, countedChanges, isCounted, type MetricChange } from "../../../influence/metric-changes.js";
import type { Sampling } from "../../../influence/sampling.js";
import { rowCounts } from "../../../influence/sandwich.js";
import { reachFactor } from "../../curve.js";
import { sidesOf } from "../class-sides.js";
import { type Moments, type MovingRows, momentsOf } from "../moments.js";
import type { CurveTally, PassingCurve } from "./curve-tally.js";
import type { PassingBlock } from "./passing-blocks.js";

/** How far what is said at one size varies with the rows. */
export interface SpreadSize {
  /** Standard errors over the rows. */
  readonly cost: number;
  readonly benefit: number;
  /** Of the metrics, without attack and under it. */
  readonly natural: Readonly<Record<string, MetricChange>>;
  readonly robust: Readonly<Record<string, MetricChange>>;
}

type Classified = ReturnType<ClassSums["add"]>;

/** Places among the moments of one pair of predictions: the loss, the log loss, then whether a row of each class becomes right. */
const [LOSS, LOG_LOSS, CLASSES] = [0, 1, 2];

/**
 * What intervals given the fits are made of, collected in the pass that sums the curve itself: moments of the rows' paired differences,
 * and of not too many rows which of them are classified rightly.
 */
export class CurveSpread {
  private readonly moments: Moments;
  private readonly width: number;
  private readonly sides: readonly [ReturnType<typeof sidesOf>, ReturnType<typeof sidesOf>];
  /** The rows at hand: all, and those that are attacked. */
  private rows: { readonly passing: PassingBlock; readonly moving: MovingRows }[] = [];
  private right: Uint8Array = new Uint8Array(0);
  private logLosses: Float64Array = new Float64Array(0);

  /** @param drawn the place among those drawn of every row that is attacked; null: all are */
  constructor(
    private readonly curve: PassingCurve,
    private readonly sizes: number,
    private readonly drawn: ReadonlyMap<number, number> | null,
  ) {
    const { classes, rows, ranks, clusters } = curve;
    this.width = CLASSES + classes;
    this.moments = momentsOf(ranks, 2 * sizes * this.width, clusters);
    const kept = (n: number): number => (isCounted(n) ? n : 0);
    const clustered = clusters !== null;
    this.sides = [sidesOf(kept(rows), 1 + sizes, clustered), sidesOf(kept(drawn?.size ?? rows), 2 * sizes, clustered)];
  }

  /** Of the pass. */
  get sums(): Float64Array[] {
    return [...this.moments.sums, ...this.sides.flatMap(({ sums }) => sums)];
  }

  /** Rows as they are classified by θ̃. */
  begin(all: PassingBlock, attacked: PassingBlock, now: Classified): void {
    const { sampling } = this.curve;
    this.rows = [all, attacked].map((passing) => {
      const { evaluationWeights: w, clusterOf = null } = passing;
      return { passing, moving: { w, omega: rowCounts(w, sampling), clusterOf } };
    });
    [this.right, this.logLosses] = [now.right, now.losses];
    this.see(0, [{ prediction: 0, rows: now.right }]);
  }

  /** The same rows under θ̃ + εI, at size e. @param losses of the model */
  natural(e: number, losses: { readonly before: Float64Array; readonly after: Float64Array }, after: Classified): void {
    this.pair(
      0,
      e,
      { losses: losses.before, classified: { right: this.right, losses: this.logLosses } },
      {
        losses: losses.after,
        classified: after,
      },
    );
    this.see(0, [{ prediction: 1 + e, rows: after.right }]);
  }

  /** The rows that are attacked, under θ̃ and under θ̃ + εI. */
  attacked(e: number, now: Predicted, then: Predicted): void {
    // What is gained under attack.
    this.pair(1, e, now, then, -1);
    this.see(1, [
      { prediction: e, rows: now.classified.right },
      { prediction: this.sizes + e, rows: then.classified.right },
    ]);
  }

  private see(which: 0 | 1, right: Parameters<ReturnType<typeof sidesOf>["see"]>[2]): void {
    const { y, evaluationWeights: w, places, clusterOf = null } = this.rows[which].passing;
    const { drawn } = this;
    const place = which === 1 && drawn ? (i: number) => drawn.get(places[i]) ?? 0 : (i: number) => places[i];
    this.sides[which].see(place, { y, w, clusterOf }, right);
  }

  private pair(which: 0 | 1, e: number, before: Predicted, after: Predicted, sign = 1): void {
    const { moving, passing } = this.rows[which];
    const first = this.first(which, e);
    const difference = (a: Float64Array, b: Float64Array, by = 1): Float64Array =>
      a.map((value, i) => by * (value - b[i]));
    this.moments.add(first + LOSS, difference(after.losses, before.losses, sign), moving);
    this.moments.add(first + LOG_LOSS, difference(after.classified.losses, before.classified.losses), moving);
    passing.y.forEach((k, i) => {
      const turn = after.classified.right[i] - before.classified.right[i];
      this.moments.addOne(first + CLASSES + k, turn, i, moving);
    });
  }

  private first(which: 0 | 1, e: number): number {
    return (2 * e + which) * this.width;
  }

  /** @param sums of the same pass */
  finish({ now, costs, after, attacked }: CurveTally): SpreadSize[] {
    const { drawn } = this;
    const natural = after.map((sums) => [now, sums] as const);
    const robust = attacked.map(([one, two]) => [one.metrics, two.metrics] as const);
    const total = drawn === null ? 1 : (attacked[0]?.[0].scalars[0] ?? 1);
    const changes = [this.changes(0, natural, 1), this.changes(1, robust, total)];
    return costs.map(([cost], e) => {
      const [one, two] = attacked[e].map(({ scalars }) => scalars[1] + scalars[5]);
      return {
        cost: this.error(this.first(0, e) + LOSS, cost, 1),
        benefit: this.error(this.first(1, e) + LOSS, one - two, total),
        natural: changes[0][e],
        robust: changes[1][e],
      };
    });
  }

  /** Standard error of a mean. @param sum Σ w z */
  private error(k: number, sum: number, total: number): number {
    return Math.sqrt(this.moments.about([{ k, mean: sum / total }])) / total;
  }

  /** @param total weight of the rows */
  private changes(which: 0 | 1, pairs: readonly (readonly [ClassSums, ClassSums])[], total: number) {
    const { settings, sampling } = this.curve;
    const sides = this.sides[which];
    const right = sides.right();
    const values = pairs.map((pair) => pair.map((sums) => sums.values(total)));
    const own: Sampling = { ...sampling, totalWeight: sampling.totalWeight * total, clusters: sides.clusters() };
    const counted = right
      ? countedChanges(
          pairs.map((_, e) => ({
            before: { values: values[e][0], right: right(which === 0 ? 0 : e) },
            after: { values: values[e][1], right: right(which === 0 ? 1 + e : this.sizes + e) },
          })),
          {
            y: sides.y,
            w: sides.w.map((w) => w / total),
            sampling: own,
            level: settings.confidence,
            seed: settings.seed,
          },
        )
      : pairs.map(() => null);
    const z = reachFactor(settings) ?? 0;
    return pairs.map((pair, e) => {
      const errors = this.errors(which, e, pair, total);
      return changesBetween(values[e][0], values[e][1], counted[e], (name) => z * errors[name as keyof typeof errors]);
    });
  }

  /** Standard errors of the changes of accuracy, balanced accuracy and log loss. */
  private errors(which: 0 | 1, e: number, [before, after]: readonly [ClassSums, ClassSums], total: number) {
    const { moments } = this;
    const first = this.first(which, e);
    const change = (name: "accuracy" | "logLoss"): number => after.values(total)[name] - before.values(total)[name];
    const { share, recall, present } = before.ofClasses();
    const recalled = after.ofClasses().recall;
    const classes = [...share.keys()].filter((k) => share[k] > 0);
    const accuracy = moments.about(classes.map((k) => ({ k: first + CLASSES + k, mean: change("accuracy") })));
    const balanced = moments.about(
      // Weights here are not relative to those of the rows.
      classes.map((k) => ({
        k: first + CLASSES + k,
        mean: recalled[k] - recall[k],
        factor: total / share[k] / present,
      })),
    );
    return {
      accuracy: Math.sqrt(accuracy) / total,
      balancedAccuracy: Math.sqrt(balanced) / total,
      logLoss: this.error(first + LOG_LOSS, change("logLoss") * total, total),
    };
  }
}

/** The losses of the rows at hand, and how they are classified. */
export interface Predicted {
  readonly losses: Float64Array;
  readonly classified: Classified;
}
