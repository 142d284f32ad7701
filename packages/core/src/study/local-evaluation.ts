import type { EncodedDataset } from "../data/encoded-dataset.js";
import { assignFolds } from "../data/splits.js";
import { AifError, numericalError } from "../errors.js";
import { lossSlopes, rowLosses } from "../influence/local/changes.js";
import type { LocalInfluence } from "../influence/local/influence.js";
import { pointAt } from "../influence/local/point.js";
import type { MetricRows } from "../influence/metrics.js";
import type { LocalSensitivity } from "../influence/moving-rows.js";
import { meanStandardError, type Sampling } from "../influence/sampling.js";
import { Matrix } from "../linalg/matrix.js";
import type { Model, Predictor } from "../models/model.js";
import { asColumn } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { jointModelAttack, movedBlock } from "../robust/joint-model-attack.js";
import { isJoint } from "../robust/joint-worst-case.js";
import { modelAttack } from "../robust/model-attack.js";
import type { AttackObserver } from "../robust/model-training.js";
import { dot } from "../solvers/inverse-hessian.js";
import { riskOperator } from "../solvers/risk-operator.js";
import type { Threat } from "../threats/threat.js";
import { refuseLostClass } from "./fold-classes.js";
import { type JudgedLoss, localMetrics, outputsOf } from "./local-metrics.js";
import type { LocalModel } from "./local-model.js";
import type { PreparedLocal } from "./local-prepare.js";
import { influencesAt, preconditionerOf } from "./local-response.js";
import { trainConvex } from "./local-separation.js";
import { judgedRows } from "./noise.js";
import { hasAbsoluteSizes, type StudySettings } from "./settings.js";

/** Rows under parameters and a response that have not seen them. */
export interface EvaluatedPart {
  readonly data: EncodedDataset;
  readonly model: Model & Predictor;
  /** Where the rows stand among all; null: these are all. */
  readonly rows: Int32Array | null;
  /** θ̃ (d) */
  readonly parameters: Float64Array;
  /** I (d), per unit of ε, and c. */
  readonly influence: Float64Array;
  readonly scale: number;
}

/** The rows that one threat is judged on: all at once, or fold by fold. */
export interface EvaluatedLocal {
  readonly parts: readonly EvaluatedPart[];
  readonly y: Float64Array;
  /** n, summing to 1. */
  readonly w: Float64Array;
}

/** Evaluation rows of every threat: rows apart, folds under fits of their own, or the training rows. */
export async function evaluateLocal(prepared: PreparedLocal, work: Work): Promise<EvaluatedLocal[]> {
  const { training, evaluation, influences, point, input, local } = prepared;
  const plan = input.settings.evaluation;
  if (plan.kind === "cv") return evaluateFolds(prepared, plan.folds, work);
  const data = (evaluation ?? training).asJudged();
  const model = local.judged ?? local.model;
  return influences.map(({ influence, scale }) => ({
    y: data.y,
    w: data.weights,
    parts: [{ data, model, rows: null, parameters: point.parameters, influence, scale }],
  }));
}

/** Convex models only: every fold's fit begins at θ̂ and ends at a minimum of its own. */
async function evaluateFolds(prepared: PreparedLocal, folds: number, work: Work): Promise<EvaluatedLocal[]> {
  const { training, influences, point, local, l2, reach, damping, input } = prepared;
  const { settings } = input;
  const { original, copies } = training;
  const strata = original.encoding.target.task === "regression" ? undefined : original.y;
  const ofRows = assignFolds(original.sourceRows, folds, settings.seed, { strata, groups: original.groups });
  const foldOf = Uint16Array.from({ length: training.rows }, (_, i) => ofRows[Math.floor(i / copies)]);
  const { classes } = original;
  if (classes && original.encoding.intercept) {
    const counts = new Float64Array(folds * classes.length);
    for (let i = 0; i < original.rows; i++)
      if (original.weights[i] > 0) counts[ofRows[i] * classes.length + original.y[i]]++;
    refuseLostClass({ counts, classes });
  }
  const judged = judgedRows(training, settings).asJudged();
  const parts: EvaluatedPart[][] = influences.map(() => []);
  const preconditioner = await preconditionerOf(influences[0], work);
  for (let fold = 0; fold < folds; fold++) {
    work.onProgress?.({ phase: "held-out folds", done: fold, total: folds });
    const quiet = work.signal ? { signal: work.signal } : {};
    const [inside, outside] = rowsOfFold(foldOf, fold);
    const rest = training.select(outside);
    const model = (await local.relearn?.(rest)) ?? local.model;
    const found = await trainConvex(
      { ...local, model },
      rest,
      { l2, start: point.parameters, near: true, preconditioner },
      quiet,
    ).catch(foldAdvice(fold, folds));
    const there = await pointAt(model, rest, found.parameters, { l2 }, quiet);
    const responses = await influencesAt(there, damping, reach, settings, quiet, {
      eigenvalues: false,
      preconditioner,
    }).catch(foldAdvice(fold, folds));
    const data = judged.select(inside);
    responses.forEach(({ influence, scale }, t) => {
      // An absolute size is the same for every fold, whatever the mean norm of its rows.
      const whole = hasAbsoluteSizes(settings) ? influences[t].scale : scale;
      const factor = whole / scale;
      parts[t].push({
        data,
        model: local.judged ?? model,
        rows: inside,
        parameters: found.parameters,
        influence: influence.map((value) => factor * value),
        scale: whole,
      });
    });
  }
  return parts.map((list) => ({ parts: list, y: training.y, w: training.evaluationWeights }));
}

/** A model without a ridge may have a minimum on all rows and none on those of a fold, as where classes come apart there. */
export const foldAdvice =
  (fold: number, folds: number) =>
  (error: unknown): never => {
    if (!(error instanceof AifError && error.code === "numerical")) throw error;
    throw numericalError(
      `The model fitted without fold ${fold + 1} of ${folds}, to be judged on it, fails: ${error.message.replace(/\.$/, "")}; --evaluation training or a file of rows needs no folds.`,
    );
  };

function rowsOfFold(foldOf: Uint16Array, fold: number): [inside: Int32Array, outside: Int32Array] {
  const all = Int32Array.from(foldOf.keys());
  return [all.filter((i) => foldOf[i] === fold), all.filter((i) => foldOf[i] !== fold)];
}

/** θ̃ + εI */
export const movedTo = (
  { parameters, influence }: Pick<EvaluatedPart, "parameters" | "influence">,
  epsilon: number,
): Float64Array => parameters.map((value, j) => value + epsilon * influence[j]);

/** n numbers of all rows from those of each part. */
async function gathered(
  { parts, y }: EvaluatedLocal,
  values: (part: EvaluatedPart) => Promise<Float64Array>,
): Promise<Float64Array> {
  const out = new Float64Array(y.length);
  for (const part of parts) {
    const list = await values(part);
    if (part.rows === null) out.set(list);
    else part.rows.forEach((row, i) => (out[row] = list[i]));
  }
  return out;
}

/** l_i(θ̃ + εI) (n) */
export const naturalLosses = (evaluated: EvaluatedLocal, epsilon: number, work: Work): Promise<Float64Array> =>
  gathered(evaluated, (part) => rowLosses(part.model, movedTo(part, epsilon), part.data, work));

export interface Prediction {
  readonly losses: Float64Array;
  readonly metrics: MetricRows;
}

/** What predictions are judged by, and how long worst cases are searched. */
export interface Judged {
  readonly loss: JudgedLoss;
  /** Default 20. */
  readonly searchSteps?: number;
}

/** Losses and metrics without attack at θ̃ + εI. */
export async function naturalPrediction(
  evaluated: EvaluatedLocal,
  local: Judged,
  epsilon: number,
  work: Work,
): Promise<Prediction> {
  const losses = await naturalLosses(evaluated, epsilon, work);
  const { y, w, parts } = evaluated;
  let outputs = Matrix.zeros(0, 0);
  for (const part of parts) {
    outputs = scattered(outputs, outputsOf(part.model, movedTo(part, epsilon), part.data), part, y.length);
  }
  return { losses, metrics: localMetrics(local.loss, y, w, outputs) };
}

/** The search for the worst case, from the row itself: losses under attack are shown to a few digits. */
export const STUDY_SEARCH = { steps: 20, stepSize: 1, restarts: 0, firstOrderStarts: false, precision: 1e-3 } as const;

export interface AttackedPrediction {
  readonly losses: Float64Array;
  /** What standard errors of the mean loss are made of. */
  readonly terms: Float64Array;
  /** null where rows are not moved but reweighted. */
  readonly metrics: MetricRows | null;
}

/**
 * Losses and metrics under attacks of size ε at θ̃ + moved·I. Moved rows: found by search, lower bounds; rows that share a budget or are
 * reweighted are so in each part by themselves.
 */
export async function attackedPrediction(
  evaluated: EvaluatedLocal,
  local: Judged,
  { threat }: Pick<LocalInfluence, "threat">,
  { epsilon, moved }: { readonly epsilon: number; readonly moved: number },
  seed: number,
  work: Work,
): Promise<AttackedPrediction> {
  if (isJoint(threat)) return jointPrediction(evaluated, local, threat, { epsilon, moved }, work);
  const { y, w, parts } = evaluated;
  const losses = new Float64Array(y.length);
  let outputs = Matrix.zeros(0, 0);
  for (const part of parts) {
    const theta = movedTo(part, moved);
    const ends: { f: Matrix; firstRow: number }[] = [];
    const found = await modelAttack(part.model, theta, threat, part.data, epsilon * part.scale, {
      ...work,
      ...STUDY_SEARCH,
      ...(local.searchSteps && { steps: local.searchSteps }),
      seed,
      onMoved: (rows, firstRow) => ends.push({ f: part.model.outputs(theta, rows), firstRow }),
    });
    const all = Matrix.zeros(part.data.rows, ends[0].f.columns);
    for (const { f, firstRow } of ends) all.data.set(f.data, firstRow * f.columns);
    outputs = scattered(outputs, all, part, y.length);
    if (part.rows === null) losses.set(found.losses);
    else part.rows.forEach((row, i) => (losses[row] = found.losses[i]));
  }
  return { losses, terms: losses, metrics: localMetrics(local.loss, y, w, outputs) };
}

async function jointPrediction(
  { y, w, parts }: EvaluatedLocal,
  { loss }: Judged,
  threat: Threat,
  { epsilon, moved }: { readonly epsilon: number; readonly moved: number },
  work: Work,
): Promise<AttackedPrediction> {
  const losses = new Float64Array(y.length);
  const terms = new Float64Array(y.length);
  let outputs = Matrix.zeros(0, 0);
  for (const part of parts) {
    const { model } = part;
    const theta = movedTo(part, moved);
    const found = await jointModelAttack(model, theta, threat, part.data, epsilon * part.scale, work);
    found.losses.forEach((loss, i) => {
      const row = part.rows ? part.rows[i] : i;
      losses[row] = loss;
      terms[row] = found.terms[i];
    });
    const { perturbations } = found;
    if (perturbations === null) continue;
    const ends: Matrix[] = [];
    for (const block of part.data.blocks()) ends.push(model.outputs(theta, movedBlock(block, perturbations, threat).x));
    outputs = scattered(outputs, stacked(ends), part, y.length);
  }
  return { losses, terms, metrics: threat.tilt ? null : localMetrics(loss, y, w, outputs) };
}

/** Matrices of as many columns below one another. */
function stacked(parts: readonly Matrix[]): Matrix {
  const columns = parts[0]?.columns ?? 0;
  const out = Matrix.zeros(
    parts.reduce((sum, { rows }) => sum + rows, 0),
    columns,
  );
  let at = 0;
  for (const { data, rows } of parts) {
    out.data.set(data.subarray(0, rows * columns), at);
    at += rows * columns;
  }
  return out;
}

/** Gathers the predictions under attacks that `localValidity` makes, where the rows judged are the training rows under θ̃. */
export class ObservedAttacks {
  private readonly found = new Map<string, { losses: Float64Array; outputs: Matrix }>();

  constructor(
    private readonly evaluated: EvaluatedLocal,
    private readonly local: LocalModel,
  ) {}

  observe = (at: { readonly epsilon: number; readonly moved: number }): AttackObserver => {
    const { y, parts } = this.evaluated;
    const theta = movedTo(parts[0], at.moved);
    const losses = new Float64Array(y.length);
    let outputs = Matrix.zeros(0, 0);
    return (some, moved, firstRow) => {
      const f = this.local.model.outputs(theta, moved);
      if (firstRow === 0) outputs = Matrix.zeros(y.length, f.columns);
      losses.set(some, firstRow);
      outputs.data.set(f.data, firstRow * f.columns);
      this.found.set(keyOf(at), { losses, outputs });
    };
  };

  prediction(at: { readonly epsilon: number; readonly moved: number }): AttackedPrediction | null {
    const known = this.found.get(keyOf(at));
    const { y, w } = this.evaluated;
    if (!known) return null;
    const { losses, outputs } = known;
    return { losses, terms: losses, metrics: localMetrics(this.local.loss, y, w, outputs) };
  }
}

const keyOf = ({ epsilon, moved }: { readonly epsilon: number; readonly moved: number }): string =>
  `${epsilon} ${moved}`;

function scattered(into: Matrix, from: Matrix, { rows }: EvaluatedPart, n: number): Matrix {
  if (rows === null) return from;
  const out = into.rows === 0 ? Matrix.zeros(n, from.columns) : into;
  rows.forEach((row, i) => out.row(row).set(from.row(i)));
  return out;
}

/** Slope and curvature of the natural loss on the evaluation rows, each under its own θ̃ and I (MATH 2). */
export async function evaluatedSensitivity(
  evaluated: EvaluatedLocal,
  curvature: LocalInfluence["curvature"],
  sampling: Sampling,
  work: Work,
): Promise<LocalSensitivity> {
  const { parts, w, y } = evaluated;
  const slopes = await gathered(evaluated, ({ model, parameters, influence, data }) =>
    lossSlopes(model, parameters, data, influence, work),
  );
  let bend = 0;
  for (const { data, model, rows, parameters, influence } of parts) {
    const share = rows === null ? 1 : rows.reduce((sum, row) => sum + w[row], 0);
    const ridge = new Float64Array(parameters.length);
    const operator = riskOperator({ model, data, ridge, parameters }, { curvature, withRidge: false }, work);
    bend += 0.5 * share * dot(influence, (await operator.product(asColumn(influence))).data);
  }
  const slope = y.reduce((sum, _, i) => sum + w[i] * slopes[i], 0);
  return { slope, slopeStandardError: meanStandardError(slopes, w, sampling), curvature: bend };
}

/** Whether the settings ask for intervals. */
export const hasIntervals = ({ inference }: StudySettings): boolean => inference !== "none";
