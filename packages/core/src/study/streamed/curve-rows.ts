import type { StreamedDataset } from "../../data/streamed-dataset.js";
import type { EvaluatedRows } from "../../influence/evaluated-rows.js";
import { kinkFraction, kinkRadii, residualFraction } from "../../influence/kink-radius.js";
import { changesBetween, countedChanges, isCounted, type MetricChange } from "../../influence/metric-changes.js";
import { METRIC_RULES } from "../../influence/metrics.js";
import { localSensitivity, lossChanges, naturalLoss, predictedChange } from "../../influence/moving-rows.js";
import { attackedLosses, attackedRows, attackedScoresOf, robustLossMethod } from "../../influence/robust-losses.js";
import type { Sampling } from "../../influence/sampling.js";
import { rowCounts } from "../../influence/sandwich.js";
import type { SecondOrder } from "../../influence/second-order.js";
import { bentChange } from "../../influence/second-order-change.js";
import type { Pass } from "../../parallel/passes.js";
import type { Ranks } from "../../parallel/ranks.js";
import { dot } from "../../solvers/inverse-hessian.js";
import { reachFactor } from "../curve.js";
import type { StudySettings } from "../settings.js";
import { add, onView, type StreamedAttack, shiftsOf } from "./attack-rows.js";
import { sidesOf } from "./class-sides.js";
import type { EvaluatedOn } from "./evaluated-view.js";
import type { Trusted } from "./ground-rows.js";
import { GroupSums } from "./group-sums.js";
import type { RowsView } from "./rows-view.js";
import { Variances } from "./variances.js";

/** What a curve by passes needs to know beside the rows. */
export interface CurveRows {
  readonly attacked: StreamedAttack;
  readonly trusted: Trusted;
  readonly evaluatedOn: EvaluatedOn;
  /** What the path bends by; null where it is not asked for. */
  readonly bend: SecondOrder | null;
  /** Whether the evaluated rows are others than the training rows. */
  readonly heldOut: boolean;
  /** How many rows are evaluated, over all ranks, and their Σ w y. */
  readonly rows: number;
  readonly mean: number;
  readonly sampling: Sampling;
  /** Those that results are repeated for; null: none. */
  readonly groups: NonNullable<StreamedDataset["groups"]> | null;
  /** G of the evaluated rows; null: they are drawn by themselves. */
  readonly clusters: number | null;
  readonly ranks: Ranks;
  readonly settings: StudySettings;
}

/** Sums over the training rows at each size: the change of the loss, and the shares of kinks. */
export interface TrainingSums {
  readonly predicted: Float64Array;
  readonly kinks: Float64Array;
  readonly residuals: Float64Array;
  /** The change of the loss to second order; null where there is none. */
  readonly bent: Float64Array | null;
}

export async function trainingCurve(
  pass: Pass<RowsView>,
  { attacked, trusted: { epsilons }, bend }: Pick<CurveRows, "attacked" | "trusted" | "bend">,
): Promise<TrainingSums> {
  const { attack } = attacked;
  const { model } = attack.fit;
  const [predicted, kinks, residuals] = [0, 1, 2].map(() => new Float64Array(epsilons.length));
  const response = bend?.response ?? null;
  const bent = response && new Float64Array(epsilons.length);
  await pass({
    sums: [predicted, kinks, residuals, ...(bent ? [bent] : [])],
    async visit(view) {
      const [own, shifts] = [await onView(view, attacked), shiftsOf(view, attacked)];
      const { y, weights } = view.data;
      const rows = { loss: model.loss, y, w: weights, scores: own.fit.scores, shifts };
      const radii = await kinkRadii(own, shifts);
      const change = response && (await bentChange(own, shifts, response));
      if (bent && change) {
        epsilons.forEach((epsilon, e) => {
          bent[e] += change(epsilon);
        });
      }
      epsilons.forEach((epsilon, e) => {
        predicted[e] += predictedChange(rows, epsilon);
        kinks[e] += kinkFraction({ ...radii, shared: Number.POSITIVE_INFINITY }, weights, epsilon);
        residuals[e] += residualFraction(radii, weights, epsilon);
      });
    },
  });
  const shared = model.map.sharedGradient ? (await kinkRadii(attack, new Float64Array(0))).shared : Infinity;
  return {
    predicted,
    kinks: kinks.map((share, e) => (shared < epsilons[e] ? 1 : Math.min(1, share))),
    residuals: residuals.map((share) => Math.min(1, share)),
    bent,
  };
}

/** Sums over the evaluated rows. */
export interface EvaluatedSums {
  /** Σ w, natural loss, slope, curvature */
  readonly local: Float64Array;
  /** At each size: cost, benefit, robust loss of the fit as it is and of the robust one, cost and robust loss of the mixed one. */
  readonly sizes: readonly Float64Array[];
  /** Of the metrics: now; after at each size; under attack now and after at each size (none without a closed form). */
  readonly metrics: PredictionSums<Float64Array>;
  readonly groups: GroupSums | null;
}

interface PredictionSums<T> {
  readonly now: T;
  readonly after: readonly T[];
  readonly attackedNow: readonly T[];
  readonly attackedAfter: readonly T[];
}

/** How many predictions a curve has, in the order of their list: now; after, under attack now and under attack after at each size. */
export const predictionCount = (curve: CurveRows): number => 1 + placesOf(curve).length;

/** The prediction at a place of that list of the rows of a block. */
export function predictionsAt(curve: CurveRows, evaluated: EvaluatedRows, k: number): Float64Array {
  const { scores, shifts, loss } = evaluated.rows;
  const rule = METRIC_RULES[loss.name];
  if (k === 0) return rule.predictions(scores);
  const { epsilon, moved, attacked } = placesOf(curve)[k - 1];
  if (!attacked) return rule.predictions(scores.map((f, i) => f + epsilon * shifts[i]));
  const found = attackedScoresOf(curve.attacked.attack, evaluated, { epsilon, moved });
  return rule.predictions(found ?? scores);
}

/** What each prediction behind the first one is at. */
function placesOf({ attacked, trusted: { epsilons } }: CurveRows) {
  const after = epsilons.map((epsilon) => ({ epsilon, moved: epsilon, attacked: false }));
  if (!hasWorst(attacked)) return after;
  const under = (by: (epsilon: number) => number) =>
    epsilons.map((epsilon) => ({ epsilon, moved: by(epsilon), attacked: true }));
  return [...after, ...under(() => 0), ...under((epsilon) => epsilon)];
}

/** Whether rows have a worst prediction in closed form. */
const hasWorst = ({ attack }: StreamedAttack): boolean => robustLossMethod(attack) !== "expansion";

/** The same made of each, with its place in the list. */
export function each<T, U>(of: PredictionSums<T>, make: (value: T, place: number) => U): PredictionSums<U> {
  let place = 0;
  const next = (value: T): U => make(value, place++);
  return {
    now: next(of.now),
    after: of.after.map(next),
    attackedNow: of.attackedNow.map(next),
    attackedAfter: of.attackedAfter.map(next),
  };
}

const listed = <T>({ now, after, attackedNow, attackedAfter }: PredictionSums<T>): T[] => [
  now,
  ...after,
  ...attackedNow,
  ...attackedAfter,
];

/** First of two passes over the evaluated rows: all means. */
export async function evaluatedSums(pass: Pass<RowsView>, curve: CurveRows): Promise<EvaluatedSums> {
  const { attacked, trusted, evaluatedOn, settings, mean, sampling } = curve;
  const { attack } = attacked;
  const { attackRate } = settings;
  const groups = curve.groups && new GroupSums(curve.groups, curve.ranks, trusted.epsilons.length, curve.clusters);
  const rule = METRIC_RULES[attack.fit.model.loss.name];
  const local = new Float64Array(4);
  const sizes = trusted.epsilons.map(() => new Float64Array(6));
  const none = (): Float64Array => new Float64Array(rule.width);
  const under = hasWorst(attacked) ? trusted.epsilons : [];
  const metrics: PredictionSums<Float64Array> = {
    now: none(),
    after: trusted.epsilons.map(none),
    attackedNow: under.map(none),
    attackedAfter: under.map(none),
  };
  await pass({
    sums: [local, ...sizes, ...listed(metrics), ...(groups?.sums ?? [])],
    async visit(view) {
      const evaluated = await evaluatedOn(view);
      const { rows } = evaluated;
      const { y, w } = rows;
      if (y.length === 0) return;
      const { slope, curvature } = localSensitivity(rows);
      const total = w.reduce((sum, weight) => sum + weight, 0);
      add(local, [total, naturalLoss(rows, 0), slope, curvature]);
      const { groupOf } = view.block;
      const grouped = groupOf && { groupOf, w, omega: rowCounts(w, sampling), clusterOf: view.clusterOf };
      if (grouped) {
        groups?.begin(
          grouped,
          y.map((target, i) => rows.loss.value(rows.scores[i], target)),
        );
      }
      for (const [e, epsilon] of trusted.epsilons.entries()) {
        const now = await attackedLosses(attack, evaluated, { epsilon, moved: 0 });
        const then = await attackedLosses(attack, evaluated, { epsilon, moved: epsilon });
        const benefits = now.map((loss, i) => loss - then[i]);
        const benefit = dot(w, benefits);
        if (grouped) groups?.add(e, grouped, lossChanges(rows, epsilon), benefits);
        add(sizes[e].subarray(0, 4), [predictedChange(rows, epsilon), benefit, dot(w, now), dot(w, then)]);
        if (attackRate === null) continue;
        const moved = attackRate * epsilon;
        const mixed = await attackedLosses(attack, evaluated, { epsilon, moved });
        add(sizes[e].subarray(4), [predictedChange(rows, moved), dot(w, mixed)]);
      }
      listed(metrics).forEach((sums, k) => {
        rule.add(sums, y, w, predictionsAt(curve, evaluated, k), mean);
      });
    },
  });
  return { local, sizes, metrics, groups };
}

/** Second of two passes: variances about those means, and, of few rows, which of them are classified rightly. */
export interface EvaluatedSpread {
  /** Standard error of the slope, and at each size of cost and benefit. */
  readonly slope: number;
  readonly costs: Float64Array;
  readonly benefits: Float64Array;
  readonly changes: readonly Readonly<Record<string, MetricChange>>[];
  /** Under attack; empty without a closed form. */
  readonly attackedChanges: readonly Readonly<Record<string, MetricChange>>[];
}

export async function evaluatedSpread(
  pass: Pass<RowsView>,
  curve: CurveRows,
  { local, sizes, metrics }: EvaluatedSums,
): Promise<EvaluatedSpread> {
  const { attacked, trusted, evaluatedOn, sampling, settings, mean } = curve;
  const { attack } = attacked;
  const { epsilons } = trusted;
  const rule = METRIC_RULES[attack.fit.model.loss.name];
  const total = local[0];
  const values = each(metrics, (sums) => rule.values(sums));
  const names = Object.keys(values.now);
  const pairs = pairsOf(curve);
  const variances = new Variances(1 + 2 * epsilons.length, sampling, curve.clusters);
  const moves = new Variances(pairs.length * names.length, sampling, curve.clusters);
  const keepsSides = rule.right && isCounted(curve.rows) && settings.inference !== "none";
  const sides = sidesOf(keepsSides ? curve.rows : 0, listed(metrics).length, curve.clusters !== null);
  await pass({
    sums: [...variances.sums, ...moves.sums, ...sides.sums],
    async visit(view) {
      const evaluated = await evaluatedOn(view);
      const { rows } = evaluated;
      const { y, w, loss, scores, shifts } = rows;
      const varying = { w, clusterOf: view.clusterOf };
      const about = (k: number, centre: number, terms: Float64Array): void =>
        variances.add(k, centre / total, terms, varying);
      about(
        0,
        local[2],
        y.map((target, i) => loss.first(scores[i], target) * shifts[i]),
      );
      for (const [e, epsilon] of epsilons.entries()) {
        const now = await attackedRows(attack, evaluated, { epsilon, moved: 0 });
        const then = await attackedRows(attack, evaluated, { epsilon, moved: epsilon });
        about(1 + 2 * e, sizes[e][0], lossChanges(rows, epsilon));
        about(
          2 + 2 * e,
          sizes[e][1],
          now.terms.map((term, i) => term - then.terms[i]),
        );
      }
      const predictions = listed(metrics).map((_, k) => predictionsAt(curve, evaluated, k));
      const influences = predictions.map((f, k) => rule.rows(listed(metrics)[k], y, f, mean));
      pairs.forEach(([before, after], p) => {
        names.forEach((name, m) => {
          const from = influences[before][name];
          const change = influences[after][name].map((value, i) => value - from[i]);
          moves.add(p * names.length + m, 0, change, varying);
        });
      });
      const { right } = rule;
      const { firstRow } = view.block;
      if (right && keepsSides) {
        sides.see(
          (i) => firstRow + i,
          { y, w, clusterOf: view.clusterOf },
          predictions.map((f, prediction) => ({ prediction, rows: right(y, f) })),
        );
      }
    },
  });
  const all = listed(values);
  const z = reachFactor(settings) ?? 0;
  const rightOf = sides.right();
  const counted = rightOf
    ? countedChanges(
        pairs.map(([before, after]) => ({
          before: { values: all[before], right: rightOf(before) },
          after: { values: all[after], right: rightOf(after) },
        })),
        {
          y: sides.y,
          w: sides.w,
          sampling: { ...sampling, clusters: sides.clusters() },
          level: settings.confidence,
          seed: settings.seed,
        },
      )
    : pairs.map(() => null);
  const changes = pairs.map(([before, after], p) =>
    changesBetween(all[before], all[after], counted[p], (name) => {
      return (z * Math.sqrt(moves.of(p * names.length + names.indexOf(name)))) / total;
    }),
  );
  const error = (variance: number): number => Math.sqrt(variance) / total;
  return {
    slope: error(variances.of(0)),
    costs: Float64Array.from(epsilons, (_, e) => error(variances.of(1 + 2 * e))),
    benefits: Float64Array.from(epsilons, (_, e) => error(variances.of(2 + 2 * e))),
    changes: changes.slice(0, epsilons.length),
    attackedChanges: changes.slice(epsilons.length),
  };
}

/** Which predictions are compared, by their places in the list of all: without attack, then under attack. */
export function pairsOf({ attacked, trusted: { epsilons } }: CurveRows): (readonly [number, number])[] {
  const first = 1 + epsilons.length;
  return [
    ...epsilons.map((_, e) => [0, 1 + e] as const),
    ...(hasWorst(attacked) ? epsilons.map((_, e) => [first + e, first + epsilons.length + e] as const) : []),
  ];
}
