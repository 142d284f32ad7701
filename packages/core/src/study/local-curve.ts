import { rowsShare } from "../influence/estimation-loss.js";
import type { LocalInfluence } from "../influence/local/influence.js";
import type { JudgedPair } from "../influence/metric-changes.js";
import { independentRows, meanStandardError, type Sampling } from "../influence/sampling.js";
import type { Work } from "../parallel/work.js";
import { dot } from "../solvers/inverse-hessian.js";
import { normalQuantile } from "../stats/distributions.js";
import type { AttackSample } from "./attack-sample.js";
import { around, breakEvenRate, changesOf, judgedFor, mixedOf, populationPoint, worstOf } from "./curve.js";
import { type Groups, groupPoints } from "./groups.js";
import {
  type AttackedPrediction,
  attackedPrediction,
  type EvaluatedLocal,
  hasIntervals,
  type Judged,
  naturalPrediction,
  type ObservedAttacks,
  type Prediction,
} from "./local-evaluation.js";
import type { CurvePoint, MixedTraining, ThreatSection } from "./result.js";
import type { StudySettings } from "./settings.js";

/** What a threat is judged by. */
export interface LocalJudgement {
  readonly local: Judged;
  readonly attack: Pick<LocalInfluence, "threat" | "scale">;
  /** Of ReLU units, in ε; null: there are none. */
  readonly flippedUnits: ((epsilon: number, work: Work) => Promise<number>) | null;
  readonly evaluated: EvaluatedLocal;
  /** The training rows under θ̃ itself. */
  readonly trainingRows: EvaluatedLocal;
  /** Whether the rows evaluated on were not trained on. */
  readonly heldOut: boolean;
  readonly sampling: Sampling;
  readonly groups: Groups | null;
  /** In ε; null: not known. */
  readonly trust: number | null;
  /** S in the population; null: not known. */
  readonly population: ThreatSection["sensitivity"]["population"];
  /** T of `estimationLoss`, or null. */
  readonly estimationLoss: number | null;
  /** Attacks that have been made on these rows for κ. */
  readonly observed?: ObservedAttacks | null;
  /** The rows that are attacked; absent: all. */
  readonly sample?: AttackSample | null;
  /** κ at each of the sizes. */
  readonly stationarity: ReadonlyMap<number, number>;
}

/** Everything that is said at each size ε (MATH 14.4), losses under attack by search. */
export async function localCurve(
  judgement: LocalJudgement,
  epsilons: readonly number[],
  settings: StudySettings,
  work: Work,
): Promise<CurvePoint[]> {
  const {
    local,
    attack,
    evaluated,
    trainingRows,
    heldOut,
    sampling,
    groups,
    trust,
    flippedUnits,
    stationarity,
    population,
    estimationLoss,
    observed,
    sample = null,
  } = judgement;
  const attacked = sample?.evaluated ?? evaluated;
  const { w } = evaluated;
  const z = hasIntervals(settings) ? normalQuantile(0.5 + settings.confidence / 2) : null;
  const quiet = work.signal ? { signal: work.signal } : {};
  const now = await naturalPrediction(evaluated, local, 0, quiet);
  const at = { attack, natural: dot(w, now.losses), heldOut, population, estimationLoss, trust, stationarity, z };
  const trainingNow = heldOut ? await naturalPrediction(trainingRows, local, 0, quiet) : now;
  const drafts: { point: Omit<CurvePoint, "metrics">; natural: JudgedPair; robust: JudgedPair | null }[] = [];
  for (const [k, epsilon] of epsilons.entries()) {
    work.onProgress?.({ phase: "losses under attack", done: k, total: epsilons.length });
    const then = await naturalPrediction(evaluated, local, epsilon, quiet);
    const trainingThen = heldOut ? await naturalPrediction(trainingRows, local, epsilon, quiet) : then;
    const under = async (moved: number): Promise<AttackedPrediction> =>
      observed?.prediction({ epsilon, moved }) ??
      attackedPrediction(attacked, local, attack, { epsilon, moved }, settings.seed, quiet);
    const attackedNow = await under(0);
    const attackedThen = await under(epsilon);
    const costs = difference(then.losses, now.losses);
    const benefits = difference(attackedNow.losses, attackedThen.losses);
    const benefitTerms = difference(attackedNow.terms, attackedThen.terms);
    const cost = dot(w, costs);
    const [lossNow, lossThen] = [robustLoss(judgement, attackedNow, now), robustLoss(judgement, attackedThen, then)];
    const benefit = sample ? lossNow.mean - lossThen.mean : dot(w, benefits);
    const inGroups = groups && groupPoints(groups, { costs, benefits }, w, sampling, z);
    const error = (rows: Float64Array, of = { w, sampling }): number =>
      z === null ? 0 : meanStandardError(rows, of.w, of.sampling);
    drafts.push({
      natural: judgedFor({ before: now.metrics, after: then.metrics }, evaluated, sampling, settings),
      robust:
        attackedNow.metrics &&
        attackedThen.metrics &&
        judgedFor(
          { before: attackedNow.metrics, after: attackedThen.metrics },
          attacked,
          sample?.sampling ?? sampling,
          settings,
        ),
      point: localPoint(at, {
        epsilon,
        predicted: dot(trainingRows.w, difference(trainingThen.losses, trainingNow.losses)),
        cost,
        costError: error(costs),
        benefit,
        benefitError: error(benefitTerms, sample ? { w: attacked.w, sampling: sample.sampling } : undefined),
        mixed: await mixed(judgement, epsilon, { now, lossNow: lossNow.mean, cost, benefit }, settings, quiet),
        groups: inGroups,
        robustLoss: lossThen.mean,
        robustLossNatural: lossNow.mean,
        attackedSample: sample && { rows: sample.rows.length, standardError: lossThen.standardError },
        flippedUnits: flippedUnits && (await flippedUnits(epsilon, quiet)),
      }),
    });
  }
  const naturals = drafts.map((draft) => draft.natural);
  const robusts = drafts.flatMap(({ robust }) => robust ?? []);
  const changes = sample
    ? new Map([
        ...changesOf(naturals, evaluated, sampling, settings),
        ...changesOf(robusts, attacked, sample.sampling, settings),
      ])
    : changesOf([...naturals, ...robusts], evaluated, sampling, settings);
  return drafts.map(({ point, natural: unattacked, robust }) => ({
    ...point,
    metrics: {
      natural: unattacked.after.values,
      robust: robust?.after.values ?? {},
      naturalNow: unattacked.before.values,
      robustNow: robust?.before.values ?? {},
      changes: { natural: changes.get(unattacked) ?? {}, robust: (robust && changes.get(robust)) ?? {} },
    },
  }));
}

/** What all points of a curve share. */
export interface LocalCurveGround
  extends Pick<LocalJudgement, "attack" | "heldOut" | "population" | "estimationLoss" | "trust" | "stationarity"> {
  /** The natural loss on the evaluated rows. */
  readonly natural: number;
  /** Of the intervals; null: none. */
  readonly z: number | null;
}

/** What is computed at one size. */
export interface LocalPointNumbers
  extends Pick<
    CurvePoint,
    "epsilon" | "cost" | "benefit" | "mixed" | "groups" | "robustLossNatural" | "attackedSample" | "flippedUnits"
  > {
  /** Change of the loss on the training rows. */
  readonly predicted: number;
  readonly costError: number;
  readonly benefitError: number;
  readonly robustLoss: number;
}

/** One size as the result says it. */
export function localPoint(
  { attack, natural, heldOut, population, estimationLoss, trust, stationarity, z }: LocalCurveGround,
  { predicted, costError, benefitError, ...numbers }: LocalPointNumbers,
): Omit<CurvePoint, "metrics"> {
  const { epsilon, cost, benefit, groups } = numbers;
  const share = (value: number): number | null => (natural > 0 ? value / natural : null);
  const interval = (centre: number, error: number) => (z === null ? null : around(centre, z * error));
  return {
    epsilon,
    radius: epsilon * attack.scale,
    thisData: { predicted, secondOrder: null, exact: null },
    heldOut: heldOut ? { predicted: cost, interval: interval(cost, costError) } : null,
    population: populationPoint(population, epsilon),
    cost,
    costShare: share(cost),
    rowsShare: estimationLoss === null ? null : rowsShare(estimationLoss, cost),
    benefit,
    benefitInterval: interval(benefit, benefitError),
    benefitShare: share(benefit),
    mixed: numbers.mixed,
    groups,
    worstGroup: groups && worstOf(groups),
    breakEvenRate: breakEvenRate(cost, benefit),
    robustLoss: numbers.robustLoss,
    robustLossNatural: numbers.robustLossNatural,
    robustLossMethod: attack.threat.tilt ? "reweighting" : "projected-gradient",
    attackedSample: numbers.attackedSample,
    kinkFraction: null,
    residualFraction: null,
    flippedUnits: numbers.flippedUnits,
    stationarity: epsilon === 0 ? 0 : (stationarity.get(epsilon) ?? null),
    errorBound: epsilon === 0 ? 0 : null,
    extrapolated: epsilon > 0 && !(trust !== null && epsilon <= trust * (1 + 1e-9)),
  };
}

const difference = (a: Float64Array, b: Float64Array): Float64Array => a.map((value, i) => value - b[i]);

/**
 * The mean loss under attack, and the standard error that drawing rows leaves in it. The rows drawn tell how much an attack adds to
 * the natural losses, which are known of all rows.
 */
function robustLoss(
  { evaluated, sample }: Pick<LocalJudgement, "evaluated" | "sample">,
  attacked: Pick<AttackedPrediction, "losses">,
  natural: Pick<Prediction, "losses">,
): { mean: number; standardError: number } {
  const { w } = evaluated;
  if (!sample) return { mean: dot(w, attacked.losses), standardError: 0 };
  const { rows } = sample;
  const added = attacked.losses.map((loss, i) => loss - natural.losses[rows[i]]);
  const left = Math.sqrt(1 - rows.length / w.length);
  return {
    mean: dot(w, natural.losses) + dot(sample.evaluated.w, added),
    standardError: left * meanStandardError(added, sample.evaluated.w, independentRows(rows.length)),
  };
}

/** Training on (1−π)L + πR_ε moves θ̃ by πεI (MATH 14.4). */
async function mixed(
  judgement: LocalJudgement,
  epsilon: number,
  full: {
    readonly now: Prediction;
    readonly lossNow: number;
    readonly cost: number;
    readonly benefit: number;
  },
  { attackRate, seed }: StudySettings,
  work: Work,
): Promise<MixedTraining | null> {
  if (attackRate === null) return null;
  const { local, attack, evaluated, sample } = judgement;
  const moved = attackRate * epsilon;
  const natural = await naturalPrediction(evaluated, local, moved, work);
  const attacked = await attackedPrediction(
    sample?.evaluated ?? evaluated,
    local,
    attack,
    { epsilon, moved },
    seed,
    work,
  );
  const cost = dot(evaluated.w, difference(natural.losses, full.now.losses));
  const benefit = full.lossNow - robustLoss(judgement, attacked, natural).mean;
  return mixedOf(attackRate, { cost, benefit }, full);
}
