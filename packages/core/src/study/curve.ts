import { rowsShare } from "../influence/estimation-loss.js";
import { type EvaluatedRows, trainingRows } from "../influence/evaluated-rows.js";
import { kinkFraction, residualFraction } from "../influence/kink-radius.js";
import {
  type JudgedPair,
  judgedChanges,
  judgedPair,
  type MetricPair,
  withoutRows,
} from "../influence/metric-changes.js";
import type { MetricRows } from "../influence/metrics.js";
import { changeStandardError, lossChanges, naturalLoss, predictedChange } from "../influence/moving-rows.js";
import {
  attackedLosses,
  attackedMetrics,
  attackedRows,
  naturalMetrics,
  robustLossMethod,
} from "../influence/robust-losses.js";
import { meanStandardError, type Sampling } from "../influence/sampling.js";
import { secondOrder } from "../influence/second-order.js";
import { bentChange } from "../influence/second-order-change.js";
import type { Validity } from "../influence/validity.js";
import type { Matrix } from "../linalg/matrix.js";
import type { Work } from "../parallel/work.js";
import { isJoint } from "../robust/joint-worst-case.js";
import { dot } from "../solvers/inverse-hessian.js";
import { normalQuantile } from "../stats/distributions.js";
import { exactChange } from "./exact-change.js";
import { type Groups, groupPoints } from "./groups.js";
import type { ExactPoints } from "./quick-optima.js";
import type { CurvePoint, MetricChangeValue, MixedTraining, ThreatSection } from "./result.js";
import type { StudySettings } from "./settings.js";
import type { ThreatGround } from "./threat-section.js";

/** The rows that a threat is judged on, and what is known of how they came to be. */
export interface Judgement {
  /** null: the training rows. */
  readonly evaluated: EvaluatedRows | null;
  readonly sampling: Sampling;
  /** How the rows came to be that the model is fitted on. */
  readonly fittedSampling: Sampling;
  readonly groups: Groups | null;
  /** T of `estimationLoss`, or null. */
  readonly estimationLoss: number | null;
  /** Cov θ̂, or null. */
  readonly covariance: Matrix | null;
}

type Population = ThreatSection["sensitivity"]["population"];

/** Everything that is said at each size ε. */
export async function curvePoints(
  { attack, shifts, kinks, validity, epsilons }: ThreatGround,
  judgement: Judgement,
  { population, exact }: { readonly population: Population; readonly exact: ExactPoints },
  settings: StudySettings,
  work: Work,
): Promise<{ points: CurvePoint[]; missingSecondOrder: string | null }> {
  const training = trainingRows(attack, shifts);
  const evaluated = judgement.evaluated ?? training;
  const { rows } = evaluated;
  const positive = epsilons.filter((epsilon) => epsilon > 0);
  const checks = new Map((await validity.at(positive, work)).map((check) => [check.epsilon, check]));
  const z = reachFactor(settings);
  const at: CurveGround = {
    scale: attack.scale,
    natural: naturalLoss(rows, 0),
    loss: rows.loss.name,
    heldOut: judgement.evaluated !== null,
    population,
    estimationLoss: judgement.estimationLoss,
    method: robustLossMethod(attack),
    trust: validity.trust.radius,
    z,
  };
  const bend = await secondOrderOf({ attack, shifts }, settings, judgement.fittedSampling, work);
  const naturalNow = naturalMetrics(evaluated, 0);
  const drafts: { point: Omit<CurvePoint, "metrics">; natural: JudgedPair; robust: JudgedPair | null }[] = [];
  const judged = (pair: MetricPair): JudgedPair => judgedFor(pair, rows, judgement.sampling, settings);
  for (const epsilon of epsilons) {
    const now = await attackedRows(attack, evaluated, { epsilon, moved: 0 }, work);
    const then = await attackedRows(attack, evaluated, { epsilon, moved: epsilon }, work);
    const [attackedNow, attackedThen] = [now.losses, then.losses];
    const costs = lossChanges(rows, epsilon);
    const benefits = attackedNow.map((loss, i) => loss - attackedThen[i]);
    const benefitTerms = now.terms.map((term, i) => term - then.terms[i]);
    const cost = predictedChange(rows, epsilon);
    const benefit = dot(rows.w, benefits);
    const inGroups =
      judgement.groups && groupPoints(judgement.groups, { costs, benefits }, rows.w, judgement.sampling, z);
    const known = exact.get(epsilon);
    const robustNow = attackedMetrics(attack, evaluated, { epsilon, moved: 0 });
    const robustThen = attackedMetrics(attack, evaluated, { epsilon, moved: epsilon });
    drafts.push({
      natural: judged({ before: naturalNow, after: naturalMetrics(evaluated, epsilon) }),
      robust: robustNow && robustThen && judged({ before: robustNow, after: robustThen }),
      point: pointAt(at, {
        epsilon,
        predicted: predictedChange(training.rows, epsilon),
        secondOrder: bend?.change?.(epsilon) ?? null,
        exact: known ? exactChange(attack.fit, known) : null,
        cost,
        costError: z === null ? 0 : changeStandardError(rows, epsilon, judgement.sampling),
        benefit,
        benefitError: z === null ? 0 : meanStandardError(benefitTerms, rows.w, judgement.sampling),
        mixed: await mixedTraining(attack, evaluated, epsilon, { attackedNow, cost, benefit }, settings, work),
        groups: inGroups,
        robustLoss: dot(rows.w, attackedThen),
        robustLossNatural: dot(rows.w, attackedNow),
        kinkFraction: kinkFraction(kinks, attack.fit.data.weights, epsilon),
        residualFraction: residualFraction(kinks, attack.fit.data.weights, epsilon),
        check: checks.get(epsilon),
      }),
    });
  }
  const changes = changesOf(
    drafts.flatMap((draft) => (draft.robust ? [draft.natural, draft.robust] : [draft.natural])),
    rows,
    judgement.sampling,
    settings,
  );
  const points = drafts.map(({ point, natural: unattacked, robust }) => ({
    ...point,
    metrics: metricsAt(unattacked, changes.get(unattacked), robust, robust ? changes.get(robust) : undefined),
  }));
  return { points, missingSecondOrder: bend?.reason ?? null };
}

/** z of the intervals; null where none are asked for. */
export const reachFactor = ({ inference, confidence }: StudySettings): number | null =>
  inference === "none" ? null : normalQuantile(0.5 + confidence / 2);

/** What all points of a curve share. */
export interface CurveGround {
  readonly scale: number;
  /** The natural loss on the evaluated rows, and the name of the loss. */
  readonly natural: number;
  readonly loss: string;
  /** Whether the evaluated rows are others than the training rows. */
  readonly heldOut: boolean;
  readonly population: Population;
  /** T, or null. */
  readonly estimationLoss: number | null;
  readonly method: CurvePoint["robustLossMethod"];
  readonly trust: number | null;
  /** Of the intervals; null: none. */
  readonly z: number | null;
}

/** What is computed at one size. */
export interface PointNumbers {
  readonly epsilon: number;
  /** Change of the loss on the training rows. */
  readonly predicted: number;
  readonly secondOrder: number | null;
  readonly exact: number | null;
  readonly cost: number;
  readonly costError: number;
  readonly benefit: number;
  readonly benefitError: number;
  readonly mixed: MixedTraining | null;
  readonly groups: CurvePoint["groups"];
  readonly robustLoss: number;
  readonly robustLossNatural: number;
  readonly kinkFraction: number;
  readonly residualFraction: number;
  readonly check: Validity | undefined;
}

/** One size as the result says it. */
export function pointAt(at: CurveGround, numbers: PointNumbers): Omit<CurvePoint, "metrics"> {
  const { epsilon, cost, costError, benefit, benefitError, groups, check } = numbers;
  const { z, trust, natural } = at;
  const share = (value: number): number | null => (hasScale(at.loss) && natural > 0 ? value / natural : null);
  return {
    epsilon,
    radius: epsilon * at.scale,
    thisData: { predicted: numbers.predicted, secondOrder: numbers.secondOrder, exact: numbers.exact },
    heldOut: at.heldOut ? { predicted: cost, interval: z === null ? null : around(cost, z * costError) } : null,
    population: populationPoint(at.population, epsilon),
    cost,
    costShare: share(cost),
    rowsShare: at.estimationLoss === null ? null : rowsShare(at.estimationLoss, cost),
    benefit,
    benefitInterval: z === null ? null : around(benefit, z * benefitError),
    benefitShare: share(benefit),
    mixed: numbers.mixed,
    groups,
    worstGroup: groups && worstOf(groups),
    breakEvenRate: breakEvenRate(cost, benefit),
    robustLoss: numbers.robustLoss,
    robustLossNatural: numbers.robustLossNatural,
    robustLossMethod: at.method,
    attackedSample: null,
    kinkFraction: numbers.kinkFraction,
    residualFraction: numbers.residualFraction,
    flippedUnits: null,
    stationarity: check && Number.isFinite(check.stationarity) ? check.stationarity : epsilon === 0 ? 0 : null,
    errorBound: epsilon === 0 ? 0 : (check?.errorBound ?? null),
    extrapolated: epsilon > 0 && !(trust !== null && epsilon <= trust * (1 + 1e-9)),
  };
}

type ValuesOf = { readonly before: Pick<MetricRows, "values">; readonly after: Pick<MetricRows, "values"> };
type Changes = Readonly<Record<string, MetricChangeValue>> | undefined;

/** Metrics at one size, without and under attack. */
export const metricsAt = (
  natural: ValuesOf,
  naturalChanges: Changes,
  robust: ValuesOf | null,
  robustChanges: Changes,
): CurvePoint["metrics"] => ({
  natural: natural.after.values,
  robust: robust?.after.values ?? {},
  naturalNow: natural.before.values,
  robustNow: robust?.before.values ?? {},
  changes: { natural: naturalChanges ?? {}, robust: robustChanges ?? {} },
});

const ONE_BY_ONE = "the second order is known for adversaries that attack every row by itself only";

/** The change of the training loss to second order, or why there is none; null where it is not asked for. */
async function secondOrderOf(
  { attack, shifts }: Pick<ThreatGround, "attack" | "shifts">,
  { secondOrder: wanted }: StudySettings,
  sampling: Sampling,
  work: Work,
): Promise<{ change: ((epsilon: number) => number) | null; reason: string | null } | null> {
  if (wanted === "none") return null;
  if (isJoint(attack.threat)) return { change: null, reason: ONE_BY_ONE };
  const { response, reason } = await secondOrder(attack, shifts, {
    ...work,
    ...sampling,
    density: wanted === "density",
  });
  return { change: response && (await bentChange(attack, shifts, response, work)), reason };
}

/** The change in the population at ε, from S there. */
export const populationPoint = (population: Population, epsilon: number): CurvePoint["population"] =>
  population && {
    predicted: epsilon ** 2 * population.debiased,
    interval: [epsilon ** 2 * population.interval[0], epsilon ** 2 * population.interval[1]],
    method: population.method,
  };

export const around = (centre: number, reach: number): readonly [number, number] => [centre - reach, centre + reach];

/** A Poisson loss lacks a constant, so that its size means nothing. */
const hasScale = (loss: string): boolean => loss !== "poisson";

/** With a share π of inputs attacked, full robust training changes the loss by (1 − π)C − πB (MATH 14.4). */
export function breakEvenRate(cost: number, benefit: number): number | null {
  if (cost <= 0) return benefit >= 0 ? 0 : null;
  return benefit > 0 ? cost / (cost + benefit) : null;
}

/** The best training for a share π of attacked inputs is on (1 − π)L + πR_ε, which moves θ̂ by πεI (MATH 14.4). */
async function mixedTraining(
  attack: ThreatGround["attack"],
  evaluated: EvaluatedRows,
  epsilon: number,
  full: { readonly attackedNow: Float64Array; readonly cost: number; readonly benefit: number },
  { attackRate }: StudySettings,
  work: Work,
): Promise<MixedTraining | null> {
  if (attackRate === null) return null;
  const { rows } = evaluated;
  const moved = attackRate * epsilon;
  const attackedThen = await attackedLosses(attack, evaluated, { epsilon, moved }, work);
  const own = {
    cost: predictedChange(rows, moved),
    benefit: dot(rows.w, full.attackedNow) - dot(rows.w, attackedThen),
  };
  return mixedOf(attackRate, own, full);
}

interface Exchange {
  readonly cost: number;
  readonly benefit: number;
}

export function mixedOf(attackRate: number, own: Exchange, full: Exchange): MixedTraining {
  const gain = ({ cost, benefit }: Exchange): number => attackRate * benefit - (1 - attackRate) * cost;
  const { cost, benefit } = own;
  return { attackRate, cost, benefit, expectedGain: gain(own), expectedGainFull: gain(full) };
}

/** The group that loses most. */
export function worstOf(groups: NonNullable<CurvePoint["groups"]>): string | null {
  const known = groups.filter(({ cost }) => cost !== null);
  return known.toSorted((a, b) => (b.cost ?? 0) - (a.cost ?? 0))[0]?.name ?? null;
}

/** A pair of predictions with what its intervals need, where there are to be any. */
export const judgedFor = (
  pair: MetricPair,
  { w }: { readonly w: Float64Array },
  sampling: Sampling,
  { inference }: StudySettings,
): JudgedPair => (inference === "none" ? { ...withoutRows(pair), errors: {} } : judgedPair(pair, { w, sampling }));

export function changesOf(
  pairs: readonly JudgedPair[],
  { y, w }: { readonly y: Float64Array; readonly w: Float64Array },
  sampling: Sampling,
  { inference, confidence: level, seed }: StudySettings,
): Map<JudgedPair, Readonly<Record<string, MetricChangeValue>>> {
  if (inference === "none") return new Map(pairs.map((pair) => [pair, plainChanges(pair)]));
  const changes = judgedChanges(pairs, { y, w, sampling, level, seed });
  return new Map(pairs.map((pair, k) => [pair, changes[k]]));
}

/** Changes without intervals. */
export const plainChanges = ({ before, after }: ValuesOf): Readonly<Record<string, MetricChangeValue>> =>
  Object.fromEntries(
    Object.entries(after.values).map(([name, value]) => [
      name,
      { change: value - before.values[name], interval: null, method: null },
    ]),
  );
