import { lossValues } from "../models/loss-rows.js";
import type { Work } from "../parallel/work.js";
import { hasJointWorstCase, isJoint, type JointWorstCase, jointWorstCase } from "../robust/joint-worst-case.js";
import { dualNormOf, expandedRobustLosses, hasClosedForm, type RobustLossMethod } from "../robust/robust-loss.js";
import { dot } from "../solvers/inverse-hessian.js";
import type { Influence } from "./aif.js";
import type { EvaluatedRows } from "./evaluated-rows.js";
import { attackedScores, type MetricRows, metricRows } from "./metrics.js";

/** A model on the way from θ̂ to robust training, θ̂ + moved·I, under an attack of size ε. */
export interface AttackedPoint {
  readonly epsilon: number;
  readonly moved: number;
}

export function robustLossMethod({ fit: { model }, threat }: Influence): RobustLossMethod {
  if (threat.tilt) return "reweighting";
  if (!hasClosedForm(model, threat)) return "expansion";
  return threat.shares ? "shared-budget" : "closed-form";
}

/** The evaluated rows under the worst attack, each under its own fit. */
export interface AttackedRows {
  /** n: the loss of every row. Rows attacked together count as the adversary leaves them; Σ w losses is the robust loss. */
  readonly losses: Float64Array;
  /** n: what standard errors of the robust loss are made of: the losses themselves, or V + the rows' influences on it. */
  readonly terms: Float64Array;
}

/**
 * Where rows are attacked together, those of each fit (each fold) are a set of their own, with a budget or a ball of its own: the
 * robust loss is the mean of the folds' worst cases.
 */
export async function attackedRows(
  attack: Influence,
  evaluated: EvaluatedRows,
  { epsilon, moved }: AttackedPoint,
  work?: Work,
): Promise<AttackedRows> {
  const { fit, threat } = attack;
  if (hasJointWorstCase(fit.model.map.sharedGradient, threat)) {
    const { losses, terms } = jointRows(attack, evaluated, { epsilon, moved });
    return { losses, terms };
  }
  const losses = hasClosedForm(fit.model, threat)
    ? closedLosses(attack, evaluated, { epsilon, moved })
    : await expandedLosses(attack, evaluated, { epsilon, moved }, work);
  return { losses, terms: losses };
}

/** n: the loss of every evaluated row under the worst attack, each row under its own fit. */
export const attackedLosses = async (
  attack: Influence,
  evaluated: EvaluatedRows,
  point: AttackedPoint,
  work?: Work,
): Promise<Float64Array> => (await attackedRows(attack, evaluated, point, work)).losses;

function closedLosses(attack: Influence, evaluated: EvaluatedRows, point: AttackedPoint): Float64Array {
  const { y } = evaluated.rows;
  const losses = new Float64Array(y.length);
  lossValues(attack.fit.model.loss, worstScores(attack, evaluated, point), y, losses);
  return losses;
}

/** n: the scores of rows that are attacked one by one, under the worst attack. */
function worstScores(attack: Influence, evaluated: EvaluatedRows, { epsilon, moved }: AttackedPoint): Float64Array {
  const { rows, fitOf } = evaluated;
  const reach = reaches(attack, evaluated, { epsilon, moved });
  const reachOf = fitOf ? (row: number): number => reach[fitOf[row]] : (): number => reach[0];
  return attackedScores(rows.loss, rows.y, movedScores(rows, moved), reachOf);
}

/** n: the scores at θ̂ + moved·I. */
function movedScores({ scores, shifts }: EvaluatedRows["rows"], moved: number): Float64Array {
  const out = new Float64Array(scores.length);
  for (let i = 0; i < out.length; i++) out[i] = scores[i] + moved * shifts[i];
  return out;
}

type JointRows = Pick<JointWorstCase, "losses" | "terms" | "scores">;

/** The joint worst case of the rows of each fit. */
function jointRows(
  { fit: { model }, threat }: Influence,
  { rows, fits, fitOf }: EvaluatedRows,
  { epsilon, moved }: AttackedPoint,
): JointRows {
  const n = rows.y.length;
  const out = { losses: new Float64Array(n), terms: new Float64Array(n), scores: new Float64Array(n) };
  fits.forEach(({ parameters, influence, scale }, k) => {
    const own = Int32Array.from(fitOf ? [...fitOf.keys()].filter((i) => fitOf[i] === k) : rows.y.keys());
    const total = own.reduce((sum, i) => sum + rows.w[i], 0);
    if (!(total > 0)) return;
    const pick = (value: (row: number) => number): Float64Array => Float64Array.from(own, value);
    const theta = parameters.map((value, j) => value + moved * influence[j]);
    const found = jointWorstCase(
      model.loss,
      threat,
      {
        scores: pick((i) => rows.scores[i] + moved * rows.shifts[i]),
        y: pick((i) => rows.y[i]),
        w: pick((i) => rows.w[i] / total),
      },
      epsilon * scale,
      threat.tilt ? 0 : dualNormOf(model, threat, theta).norm,
    );
    own.forEach((row, i) => {
      out.losses[row] = found.losses[i];
      out.terms[row] = found.terms[i];
      out.scores[row] = found.scores[i];
    });
  });
  return out;
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
export const naturalMetrics = ({ rows }: EvaluatedRows, moved: number): MetricRows =>
  metricRows(rows.loss, rows.y, rows.w, movedScores(rows, moved));

/** The same under the worst attack; null where it has no closed form, and where rows are not moved but reweighted. */
export function attackedMetrics(attack: Influence, evaluated: EvaluatedRows, point: AttackedPoint): MetricRows | null {
  const { rows } = evaluated;
  const scores = attackedScoresOf(attack, evaluated, point);
  return scores && metricRows(rows.loss, rows.y, rows.w, scores);
}

/** n: scores under the worst attack; null where there are none to speak of. */
export function attackedScoresOf(
  attack: Influence,
  evaluated: EvaluatedRows,
  { epsilon, moved }: AttackedPoint,
): Float64Array | null {
  if (attack.threat.tilt || !hasClosedForm(attack.fit.model, attack.threat)) return null;
  return isJoint(attack.threat)
    ? jointRows(attack, evaluated, { epsilon, moved }).scores
    : worstScores(attack, evaluated, { epsilon, moved });
}
