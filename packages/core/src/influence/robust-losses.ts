import type { Work } from "../parallel/work.js";
import {
  dualNormOf,
  expandedRobustLoss,
  hasClosedForm,
  type RobustLossMethod,
  worstLoss,
} from "../robust/robust-loss.js";
import type { Influence } from "./aif.js";
import type { EvaluatedRows } from "./evaluated-rows.js";
import { attackedScores, type Metrics, metricsOf } from "./metrics.js";

/** One number for each ε asked for. */
export interface RobustLosses {
  readonly method: RobustLossMethod;
  /** At θ̂. */
  readonly natural: readonly number[];
  /** At θ̂ + εI. */
  readonly robust: readonly number[];
}

/** Robust losses at θ̂ and at θ̂ + εI for every ε, each row under its own fit. */
export async function robustLosses(
  { fit: { model }, threat }: Influence,
  evaluated: EvaluatedRows,
  epsilons: readonly number[],
  work?: Work,
): Promise<RobustLosses> {
  if (!hasClosedForm(model, threat)) return expandedLosses(model, threat, evaluated, epsilons, work);
  const { rows, fitOf, fits } = evaluated;
  const mean = (epsilon: number, moved: number): number => {
    const reach = fits.map(({ parameters, influence, scale }) => {
      const theta = parameters.map((value, j) => value + moved * influence[j]);
      return epsilon * scale * dualNormOf(model, threat, theta).norm;
    });
    let sum = 0;
    for (let i = 0; i < rows.y.length; i++) {
      const f = rows.scores[i] + moved * rows.shifts[i];
      sum += rows.w[i] * worstLoss(model.loss, f, rows.y[i], reach[fitOf ? fitOf[i] : 0]);
    }
    return sum;
  };
  return {
    method: "closed-form",
    natural: epsilons.map((epsilon) => mean(epsilon, 0)),
    robust: epsilons.map((epsilon) => mean(epsilon, epsilon)),
  };
}

async function expandedLosses(
  model: Influence["fit"]["model"],
  threat: Influence["threat"],
  { data, rows, fitOf, fits }: EvaluatedRows,
  epsilons: readonly number[],
  work?: Work,
): Promise<RobustLosses> {
  const natural = epsilons.map(() => 0);
  const robust = epsilons.map(() => 0);
  for (const [k, { parameters, influence, scale }] of fits.entries()) {
    const own = fitOf ? Int32Array.from([...fitOf.keys()].filter((i) => fitOf[i] === k)) : null;
    if (own?.length === 0) continue;
    const part = own ? data.select(own) : data;
    const weight = own ? own.reduce((sum, i) => sum + rows.w[i], 0) : 1;
    for (const [e, epsilon] of epsilons.entries()) {
      const moved = parameters.map((value, j) => value + epsilon * influence[j]);
      natural[e] += weight * (await expandedRobustLoss(model, threat, part, parameters, epsilon * scale, work));
      robust[e] += weight * (await expandedRobustLoss(model, threat, part, moved, epsilon * scale, work));
    }
  }
  return { method: "expansion", natural, robust };
}

/** Metrics of the natural and the attacked predictions at θ̂ and at θ̂ + εI; attacked ones only where the worst case is in closed form. */
export interface EvaluatedMetrics {
  readonly natural: Metrics;
  readonly robust: Metrics;
  readonly naturalNow: Metrics;
  readonly robustNow: Metrics;
}

export function evaluatedMetrics(
  { fit: { model }, threat }: Influence,
  evaluated: EvaluatedRows,
  epsilon: number,
): EvaluatedMetrics {
  const { rows, fitOf, fits } = evaluated;
  const { loss } = model;
  const at = (moved: number): { natural: Metrics; robust: Metrics } => {
    const scores = rows.scores.map((f, i) => f + moved * rows.shifts[i]);
    const natural = metricsOf(loss, rows.y, rows.w, scores);
    if (!hasClosedForm(model, threat)) return { natural, robust: {} };
    const reach = fits.map(({ parameters, influence, scale }) => {
      const theta = parameters.map((value, j) => value + moved * influence[j]);
      return epsilon * scale * dualNormOf(model, threat, theta).norm;
    });
    const attacked = attackedScores(loss, rows.y, scores, (i) => reach[fitOf ? fitOf[i] : 0]);
    return { natural, robust: metricsOf(loss, rows.y, rows.w, attacked) };
  };
  const [now, then] = [at(0), at(epsilon)];
  return { natural: then.natural, robust: then.robust, naturalNow: now.natural, robustNow: now.robust };
}
