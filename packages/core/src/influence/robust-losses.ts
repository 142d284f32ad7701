import type { Work } from "../parallel/work.js";
import {
  dualNormOf,
  expandedRobustLosses,
  hasClosedForm,
  type RobustLossMethod,
  worstLoss,
} from "../robust/robust-loss.js";
import { dot } from "../solvers/inverse-hessian.js";
import { requirePointwise } from "../threats/pointwise-only.js";
import type { Influence } from "./aif.js";
import type { EvaluatedRows } from "./evaluated-rows.js";
import { attackedScores, type MetricRows, metricRows } from "./metrics.js";

/** A model on the way from θ̂ to robust training, θ̂ + moved·I, under an attack of size ε. */
export interface AttackedPoint {
  readonly epsilon: number;
  readonly moved: number;
}

export const robustLossMethod = ({ fit: { model }, threat }: Influence): RobustLossMethod =>
  hasClosedForm(model, threat) ? "closed-form" : "expansion";

/** n: the loss of every evaluated row under the worst attack, each row under its own fit. */
export async function attackedLosses(
  attack: Influence,
  evaluated: EvaluatedRows,
  { epsilon, moved }: AttackedPoint,
  work?: Work,
): Promise<Float64Array> {
  requirePointwise(attack.threat, "Robust losses are");
  const { model } = attack.fit;
  if (!hasClosedForm(model, attack.threat)) return expandedLosses(attack, evaluated, { epsilon, moved }, work);
  const { rows, fitOf } = evaluated;
  const reach = reaches(attack, evaluated, { epsilon, moved });
  return rows.scores.map((f, i) =>
    worstLoss(model.loss, f + moved * rows.shifts[i], rows.y[i], reach[fitOf ? fitOf[i] : 0]),
  );
}

/** How far the adversary moves a score under each of the fits: ρ_k ‖b⊙β‖_q, for scores linear in x. */
function reaches({ threat }: Influence, { fits }: EvaluatedRows, { epsilon, moved }: AttackedPoint) {
  return fits.map(({ model, parameters, influence, scale }) => {
    const theta = parameters.map((value, j) => value + moved * influence[j]);
    return epsilon * scale * dualNormOf(model, threat, theta).norm;
  });
}

async function expandedLosses(
  { threat }: Influence,
  { data, fitOf, fits }: EvaluatedRows,
  { epsilon, moved }: AttackedPoint,
  work?: Work,
): Promise<Float64Array> {
  const losses = new Float64Array(data.rows);
  for (const [k, { model, parameters, influence, scale }] of fits.entries()) {
    const own = fitOf ? Int32Array.from([...fitOf.keys()].filter((i) => fitOf[i] === k)) : null;
    if (own?.length === 0) continue;
    const theta = parameters.map((value, j) => value + moved * influence[j]);
    const part = await expandedRobustLosses(model, threat, own ? data.select(own) : data, theta, epsilon * scale, work);
    if (own) own.forEach((row, i) => (losses[row] = part[i]));
    else losses.set(part);
  }
  return losses;
}

/** Robust losses at θ̂ and at θ̂ + εI on the evaluated rows, for every ε. */
export interface RobustLosses {
  readonly method: RobustLossMethod;
  readonly natural: readonly number[];
  readonly robust: readonly number[];
}

export async function robustLosses(
  attack: Influence,
  evaluated: EvaluatedRows,
  epsilons: readonly number[],
  work?: Work,
): Promise<RobustLosses> {
  const natural: number[] = [];
  const robust: number[] = [];
  for (const epsilon of epsilons) {
    natural.push(dot(evaluated.rows.w, await attackedLosses(attack, evaluated, { epsilon, moved: 0 }, work)));
    robust.push(dot(evaluated.rows.w, await attackedLosses(attack, evaluated, { epsilon, moved: epsilon }, work)));
  }
  return { method: robustLossMethod(attack), natural, robust };
}

/** Metrics of the predictions at θ̂ + moved·I, without attack. */
export function naturalMetrics({ rows: { loss, y, w, scores, shifts } }: EvaluatedRows, moved: number): MetricRows {
  return metricRows(
    loss,
    y,
    w,
    scores.map((f, i) => f + moved * shifts[i]),
  );
}

/** The same under the worst attack; null where it has no closed form. */
export function attackedMetrics(
  attack: Influence,
  evaluated: EvaluatedRows,
  { epsilon, moved }: AttackedPoint,
): MetricRows | null {
  const { rows, fitOf } = evaluated;
  if (!hasClosedForm(attack.fit.model, attack.threat)) return null;
  const reach = reaches(attack, evaluated, { epsilon, moved });
  const scores = rows.scores.map((f, i) => f + moved * rows.shifts[i]);
  const attacked = attackedScores(rows.loss, rows.y, scores, (i) => reach[fitOf ? fitOf[i] : 0]);
  return metricRows(rows.loss, rows.y, rows.w, attacked);
}
