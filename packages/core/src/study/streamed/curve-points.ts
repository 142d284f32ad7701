import { METRIC_RULES, type Metrics } from "../../influence/metrics.js";
import { robustLossMethod } from "../../influence/robust-losses.js";
import type { Validity } from "../../influence/validity.js";
import { around, type CurveGround, metricsAt, mixedOf, plainChanges, pointAt, reachFactor } from "../curve.js";
import type { CurvePoint, ThreatSection } from "../result.js";
import { type CurveAucs, metricsWith, withAuc } from "./auc-rows.js";
import { type CurveRows, type EvaluatedSpread, type EvaluatedSums, each, type TrainingSums } from "./curve-rows.js";

/** What all points share that is known before the rows are evaluated. */
export interface PointGround extends Pick<CurveGround, "population" | "estimationLoss"> {
  /** Of the sizes above 0. */
  readonly checks: readonly Validity[];
}

type Changes = EvaluatedSpread["changes"][number];

/** The curve as the result says it. @param spread null without intervals @param aucs null: they are left out */
export function curveOf(
  { attacked: { attack }, trusted: { trust, epsilons }, heldOut, settings }: CurveRows,
  { checks, ...ground }: PointGround,
  training: TrainingSums,
  { local, sizes, metrics, groups }: EvaluatedSums,
  spread: EvaluatedSpread | null,
  aucs: CurveAucs | null,
): CurvePoint[] {
  const { loss } = attack.fit.model;
  const rule = METRIC_RULES[loss.name];
  const values = each(metrics, (sums, k) => ({ values: metricsWith(rule.values(sums), aucs?.areas[k]) }));
  const z = reachFactor(settings);
  const changesAt = (pair: Parameters<typeof plainChanges>[0], found: Changes | undefined, p: number) => {
    const plain = plainChanges(pair);
    if (found === undefined) return plain;
    if (aucs === null) return found;
    const { change } = plain["auc"];
    const reach = (z ?? 0) * aucs.errors[p];
    return withAuc(found, { change, interval: around(change, reach), method: "paired" as const });
  };
  const at: CurveGround = {
    ...ground,
    scale: attack.scale,
    natural: local[1],
    loss: loss.name,
    heldOut,
    method: robustLossMethod(attack),
    trust: trust.radius,
    z,
  };
  const checkAt = new Map(checks.map((check) => [check.epsilon, check]));
  return epsilons.map((epsilon, e) => {
    const [cost, benefit, robustLossNatural, robustLoss, mixedCost, mixedLoss] = sizes[e];
    const natural = { before: values.now, after: values.after[e] };
    const attackedAfter = values.attackedAfter[e];
    const robust = attackedAfter ? { before: values.attackedNow[e], after: attackedAfter } : null;
    const own = { cost: mixedCost, benefit: robustLossNatural - mixedLoss };
    return {
      ...pointAt(at, {
        epsilon,
        predicted: training.predicted[e],
        secondOrder: training.bent?.[e] ?? null,
        exact: null,
        cost,
        costError: spread?.costs[e] ?? 0,
        benefit,
        benefitError: spread?.benefits[e] ?? 0,
        mixed: settings.attackRate === null ? null : mixedOf(settings.attackRate, own, { cost, benefit }),
        groups: groups && groups.points(e, at.z),
        robustLoss,
        robustLossNatural,
        kinkFraction: training.kinks[e],
        residualFraction: training.residuals[e],
        check: checkAt.get(epsilon),
      }),
      metrics: metricsAt(
        natural,
        changesAt(natural, spread?.changes[e], e),
        robust,
        robust ? changesAt(robust, spread?.attackedChanges[e], epsilons.length + e) : undefined,
      ),
    };
  });
}

/** Slope and curvature on held-out rows; null on training rows. */
export const heldOutOf = (
  { heldOut }: Pick<CurveRows, "heldOut">,
  { local: [, , slope, curvature] }: EvaluatedSums,
  spread: { readonly slope: number } | null,
): ThreatSection["sensitivity"]["heldOut"] =>
  heldOut && spread ? { slope, slopeStandardError: spread.slope, curvature } : null;

/** Metrics of the fit as it is, on the evaluated rows. */
export const metricsNow = ({ attacked }: CurveRows, { metrics }: EvaluatedSums, aucs: CurveAucs | undefined): Metrics =>
  metricsWith(METRIC_RULES[attacked.attack.fit.model.loss.name].values(metrics.now), aucs?.areas[0]);
