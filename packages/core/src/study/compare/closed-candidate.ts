import { type Influence, influence, scoreShifts } from "../../influence/aif.js";
import { collapseRadius } from "../../influence/collapse-radius.js";
import { type EvaluatedRows, heldOutRows, otherRows, trainingRows } from "../../influence/evaluated-rows.js";
import { localSensitivity } from "../../influence/moving-rows.js";
import { inverseMatrix } from "../../influence/sandwich-inverse.js";
import { checkValidity } from "../../influence/trust-radius.js";
import type { Work } from "../../parallel/work.js";
import type { Fit } from "../../solvers/fit.js";
import { conditionFlags } from "../data-flags.js";
import { raise } from "../flags.js";
import { missingInference } from "../inference.js";
import { judgedRows } from "../noise.js";
import { projectName } from "../project-settings.js";
import type { Flag } from "../result.js";
import { columnOrder } from "./column-order.js";
import {
  type EvaluatedCandidate,
  type JudgedRows,
  lossesOf,
  naturalLosses,
  type ReadyCandidate,
  unattackable,
} from "./evaluated.js";
import type { Candidate } from "./family.js";
import { isSelection } from "./feature-rule.js";
import { evaluateFolds } from "./fold-candidate.js";
import { type ComparisonGround, sharedEquations } from "./ground.js";
import { populationOf } from "./population-cost.js";
import type { ComparedSizes } from "./sizes.js";
import { fitSubject, type Subject, subjectOf } from "./subject.js";

/** A model in closed form on the common rows: fit and AIF, and then held-out losses at both sizes and S in the population. */
export async function readyClosed(candidate: Candidate, ground: ComparisonGround, work: Work): Promise<ReadyCandidate> {
  const { settings } = candidate;
  const equations = await sharedEquations(ground, settings, work);
  const columns = await columnOrder(candidate, ground, equations, null, work);
  const subject = await subjectOf(ground, settings, columns, equations);
  const fit = await fitSubject(ground, subject, null, work);
  const attack = subject.threat && (await influence(fit, subject.threat, work));
  const shifts = attack && (await scoreShifts(attack, work));
  const response = attack && shifts && { attack, shifts };
  const trustRadius = response && (await trustOf(response, subject, work));
  return {
    scale: attack?.scale ?? 0,
    trustRadius,
    evaluate: (sizes, quiet) =>
      evaluateClosed({ candidate, ground, subject, fit, response, trustRadius }, sizes, quiet),
  };
}

interface Response {
  readonly attack: Influence;
  readonly shifts: Float64Array;
}

interface FittedClosed {
  readonly candidate: Candidate;
  readonly ground: ComparisonGround;
  readonly subject: Subject;
  readonly fit: Fit;
  /** null: nothing of it can be attacked. */
  readonly response: Response | null;
  readonly trustRadius: number | null;
}

async function evaluateClosed(fitted: FittedClosed, sizes: ComparedSizes, work: Work): Promise<EvaluatedCandidate> {
  const { candidate, ground, subject, fit, response, trustRadius } = fitted;
  const judged = await judgedOn(fitted, sizes, work);
  const { model } = fit;
  return {
    candidate,
    model: subject.model.name,
    loss: model.loss.name,
    lossLabel: model.loss.label,
    unit: model.loss.unit(ground.training.encoding.target.column),
    l2: subject.l2,
    l1: subject.l1,
    project: candidate.settings.project && projectName(candidate.settings.project),
    kernel: null,
    columns: subject.columns,
    stability: judged.stability,
    parameters: model.map.count,
    attacked: subject.attacked,
    scale: response?.attack.scale ?? 0,
    trainingLoss: fit.trainingLoss,
    losses: judged.losses,
    sensitivity: judged.sensitivity,
    population: response && (await populationOf(response, sizes, ground, subject.settings, work)),
    populationReason: response && missingInference(response.attack.threat, subject.settings),
    trustRadius,
    degreesOfFreedom: effectiveParameters(fit),
    seeds: null,
    flags: closedFlags(candidate.name, fit, judged.singularFolds),
  };
}

async function judgedOn(
  { candidate, ground, subject, fit, response }: FittedClosed,
  sizes: ComparedSizes,
  work: Work,
): Promise<JudgedRows> {
  const { training, evaluation, foldOf, folds, sampling } = ground;
  if (foldOf !== null && (isSelection(candidate.features) || response === null)) {
    return evaluateFolds(candidate, ground, subject, sizes, work);
  }
  const whole = { stability: null, singularFolds: 0 };
  if (response === null) {
    const rows = evaluation?.withFeatures(subject.features) ?? training.withFeatures(subject.features);
    return { ...whole, losses: unattackable(await naturalLosses(fit, rows, work)), sensitivity: null };
  }
  const { attack, shifts } = response;
  let singularFolds = 0;
  let evaluated: EvaluatedRows;
  if (foldOf !== null) {
    const known = subject.shared?.equations.sumsAt(subject.shared.chosen, fit.parameters);
    const judged = judgedRows(training, candidate.settings).withFeatures(subject.features);
    const found = await heldOutRows([attack], foldOf, folds, work, known, judged);
    singularFolds = found.singularFolds;
    evaluated = found.evaluated[0];
  } else if (evaluation === null) evaluated = trainingRows(attack, shifts);
  else evaluated = await otherRows(attack, evaluation.withFeatures(subject.features), work);
  const w = (evaluation ?? training).evaluationWeights;
  const reweighted = { ...evaluated, rows: { ...evaluated.rows, w } };
  return {
    stability: null,
    singularFolds,
    losses: await lossesOf(attack, reweighted, sizes, work),
    sensitivity: localSensitivity(reweighted.rows, sampling.evaluation),
  };
}

async function trustOf({ attack, shifts }: Response, { settings }: Subject, work: Work): Promise<number | null> {
  const quiet = work.signal ? { signal: work.signal } : {};
  const ceiling = await collapseRadius(attack, quiet);
  const { trust } = await checkValidity(attack, shifts, { ...quiet, tolerance: settings.trustTolerance, ceiling });
  return trust.radius;
}

/** tr(H_L H⁻¹) = d − tr(P H⁻¹): the number of parameters without a ridge, the effective number with one. */
function effectiveParameters(fit: Fit): number | null {
  const { ridge, inverse, l2, sparse } = fit;
  if (sparse) return null;
  if (l2 === 0) return inverse.rank;
  const { data, rows: d } = inverseMatrix(fit);
  return ridge.reduce((sum, P, j) => sum - P * data[j * (d + 1)], d);
}

function closedFlags(name: string, fit: Fit, singularFolds: number): Flag[] {
  const { inverse, parameters, data } = fit;
  const d = parameters.length;
  const rows = data.rows / (data.copies ?? 1);
  const perRow = d / rows;
  return [
    ...(inverse.method === "pseudo-inverse"
      ? [raise("rank-deficient", `${name}: the Hessian has rank ${inverse.rank} of ${d}; its pseudo-inverse is used.`)]
      : []),
    ...(fit.sparse ? [] : conditionFlags(fit, `${name}: `)),
    ...(singularFolds > 0
      ? [raise("singular-folds", `${name}: without ${singularFolds} of the folds the Hessian is singular.`)]
      : []),
    ...(perRow > 0.05
      ? [raise("few-rows", `${name}: ${d} parameters on ${rows} rows (${perRow.toPrecision(2)} a row).`)]
      : []),
  ];
}
