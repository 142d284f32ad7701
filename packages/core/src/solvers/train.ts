import type { Block, Dataset } from "../data/dataset.js";
import { usageError } from "../errors.js";
import { ensureBlas } from "../linalg/backend.js";
import type { Model } from "../models/model.js";
import type { Work } from "../parallel/work.js";
import { shuffled } from "../stats/shuffle.js";
import { minimiseAdam } from "./adam.js";
import { gradientTerms, relativeSize } from "./gradient-terms.js";
import {
  kroneckerCost,
  kroneckerPreconditioner,
  sharedRidge,
  sharedShape,
  withoutCommon,
} from "./kronecker-preconditioner.js";
import { minimiseLbfgs } from "./lbfgs.js";
import { meanLoss, type RiskProblem, ridgeOf, riskAt } from "./model-risk.js";
import { minimiseNewton, type RentedPreconditioner } from "./newton-cg.js";
import type { SymmetricOperator } from "./operator.js";
import {
  evaluatedInUnits,
  inUnits,
  operatorInUnits,
  parameterUnits,
  preconditionerInUnits,
} from "./parameter-units.js";
import { NO_PRECONDITIONER, type Preconditioner } from "./preconditioner.js";
import { riskOperator } from "./risk-operator.js";
import { scorePreconditioner, scoreSample, scoresAreWorth } from "./score-preconditioner.js";
import type { MinimiserPoint } from "./wolfe-search.js";

export type TrainingMethod = "newton" | "lbfgs" | "adam";

/** How `trainModel` minimises Σ w l + ½λ‖θ‖². */
export interface TrainingOptions {
  /** Default 0. */
  readonly l2?: number;
  /** P (d) itself, in place of the one that l2 makes. */
  readonly ridge?: Float64Array | undefined;
  /** θ to begin at; default the model's own start for the seed. */
  readonly start?: Float64Array;
  /**
   * Newton's method: M⁻¹ of the Hessian of the same model at a minimum nearby, as that on nearly the same rows, which is taken instead of
   * making another.
   */
  readonly preconditioner?: Preconditioner | undefined;
  /** Of the start and of Adam's batches. Default 0. */
  readonly seed?: number;
  /** Default "auto": Newton's method for a convex model, L-BFGS for any other. */
  readonly method?: TrainingMethod | "auto";
  /** Of the gradient beside the size of its terms (MATH 12); not asked of Adam. Default 1e-8. */
  readonly tolerance?: number;
  /** Steps of Newton's method (default 100) or L-BFGS (default 5000). */
  readonly maximumIterations?: number;
  /** Adam: rows a step. Default 128. */
  readonly batchRows?: number;
  /** Adam: passes over the data. Default 20. */
  readonly epochs?: number;
  /** Adam: default 1e-3. */
  readonly learningRate?: number;
  /** Rows that are not trained on: their loss is reported, and Adam keeps the epoch with the lowest. */
  readonly validation?: Dataset;
  /** Adam: epochs without a new lowest loss on `validation` after which to stop. Default: none. */
  readonly patience?: number;
}

/** A model trained by `trainModel`, and how close to a minimum it ended. */
export interface Training {
  readonly parameters: Float64Array;
  readonly method: TrainingMethod;
  /** Σ w l on the training rows, without ridge. */
  readonly trainingLoss: number;
  /** d: ∇L, ridge included. */
  readonly gradient: Float64Array;
  /** max_j |∇L_j| beside the size of its terms. */
  readonly gradientNorm: number;
  /** Steps: of Newton's method, of L-BFGS, of Adam. */
  readonly iterations: number;
  /** "stopped": the loss on `validation` did not fall any more; "stalled": rounding is all that is left. */
  readonly end: "converged" | "iteration-limit" | "stalled" | "epochs-done" | "stopped";
  /** Whether `gradientNorm` is at most the tolerance: a minimum of L, or a point that looks like one. */
  readonly converged: boolean;
  /** Σ w l on `validation`; null without. */
  readonly validationLoss: number | null;
}

/** What a method leaves: θ and how it ended. */
type Found = Pick<Training, "parameters" | "iterations" | "end">;

interface Task {
  readonly problem: RiskProblem;
  readonly start: Float64Array;
  readonly tolerance: number;
  readonly options: TrainingOptions;
  readonly work: Work;
}

const METHODS: Readonly<Record<TrainingMethod, (task: Task) => Promise<Found>>> = {
  newton: byNewton,
  lbfgs: byLbfgs,
  adam: byAdam,
};

/**
 * Minimises L(θ) = Σ w_i l_i + ½ Σ P_j θ_j² over the rows of `data` for any differentiable model. The same options give the
 * same θ. What does not converge is returned and says so.
 * @throws usage: settings that make no sense, a loss that is not finite at the start; numerical: training that diverges; cancelled.
 */
export async function trainModel(
  model: Model,
  data: Dataset,
  options: TrainingOptions = {},
  work: Work = {},
): Promise<Training> {
  const { tolerance = 1e-8, seed = 0, validation } = options;
  if (!(tolerance > 0)) throw usageError(`The tolerance of a training must be above 0, got ${tolerance}.`);
  const method = methodOf(model, options.method ?? "auto");
  const problem = { model, data, ridge: options.ridge ?? ridgeOf(model, options.l2 ?? 0) };
  await ensureBlas();
  const start = startOf(model, options.start, seed);
  const found = await METHODS[method]({ problem, start, tolerance, options, work });
  const shared = method === "adam" ? null : sharedShape(problem, found.parameters);
  if (shared) {
    const { ridge } = problem;
    withoutCommon(
      found.parameters,
      shared.parameters,
      ([j, ...rest]) => ridge[j] > 0 && rest.every((i) => ridge[i] === ridge[j]),
    );
  }
  const { risk, gradient } = await riskAt(problem, found.parameters, work);
  const gradientNorm = relativeSize(gradient, await gradientTerms(problem, found.parameters, work));
  return {
    ...found,
    method,
    trainingLoss: risk,
    gradient,
    gradientNorm,
    converged: gradientNorm <= tolerance,
    validationLoss: validation ? await meanLoss(model, validation, found.parameters, work) : null,
  };
}

function methodOf(model: Model, asked: TrainingMethod | "auto"): TrainingMethod {
  if (asked === "auto") return model.convex === true ? "newton" : "lbfgs";
  if (!Object.hasOwn(METHODS, asked)) {
    throw usageError(`Unknown training method "${asked}": use one of auto, ${Object.keys(METHODS).join(", ")}.`);
  }
  return asked;
}

function startOf(model: Model, given: Float64Array | undefined, seed: number): Float64Array {
  const start = given ?? model.initialParameters?.(seed);
  const d = model.parameterNames.length;
  if (!start) throw usageError(`The model names no parameters to begin at: give "start", ${d} numbers.`);
  if (start.length !== d) throw usageError(`The model has ${d} parameters, but "start" has ${start.length} numbers.`);
  return start;
}

/** Terms are sized anew when the gradient has fallen by this much: residuals, and with them the terms, fall as well. */
const FIRST_STAGE = 1e-3;
const MOST_STAGES = 6;

/** In raw units columns may be far from 0 beside their spread: what an intercept nearly undoes takes a smaller gradient to tell. */
const RAW_TOLERANCE = 1e-11;

/** What an exact minimiser gives, and what it is asked for. */
interface Minimised extends MinimiserPoint {
  readonly end: "converged" | "iteration-limit" | "stalled";
  readonly iterations: number;
}
type Relative = { relativeGradient: (point: MinimiserPoint) => number; tolerance: number; maximumIterations: number };

/**
 * Runs a minimiser until its gradient is small beside terms sized where it ended, on θ' = θ/u where the features' units are far apart
 * (`parameterUnits`).
 */
async function inStages(
  { problem, start, tolerance, work }: Task,
  maximumIterations: number,
  minimise: (start: Float64Array, relative: Relative, units: Float64Array | null) => Promise<Minimised>,
): Promise<Found> {
  let parameters = start;
  let iterations = 0;
  let units: Float64Array | null = null;
  let last = tolerance;
  let target = Math.max(FIRST_STAGE, tolerance);
  for (let stage = 1; ; stage++) {
    const terms = await gradientTerms(problem, parameters, work);
    if (stage === 1) units = parameterUnits(problem.model, terms, problem.ridge);
    if (units) last = Math.min(tolerance, RAW_TOLERANCE);
    const sizes = units ? inUnits(units, terms) : terms;
    const relativeGradient = ({ gradient }: MinimiserPoint): number => relativeSize(gradient, sizes);
    const left = maximumIterations - iterations;
    const asked = { relativeGradient, tolerance: target, maximumIterations: left };
    const at = units ? parameters.map((value, j) => value / (units?.[j] ?? 1)) : parameters;
    const found = await minimise(at, asked, units);
    const result = units ? { ...found, theta: inUnits(units, found.theta) } : found;
    iterations += result.iterations;
    const still = result.iterations === 0 && target === last;
    if (result.end !== "converged" || still || stage === MOST_STAGES) {
      return { parameters: result.theta, iterations, end: result.end };
    }
    parameters = result.theta;
    target = last;
  }
}

/** Of a model whose scores share their inputs. */
function preconditionerOf({ problem, start }: Task, work: Work): RentedPreconditioner | null {
  const shared = sharedShape(problem, start);
  if (!shared) return null;
  const { outer, inner, parameters } = shared;
  const worth = scoresAreWorth(problem.data.rows, outer.rows, inner.rows);
  const ridge = sharedRidge(problem.ridge, parameters);
  return {
    cost: kroneckerCost(outer.rows, inner.rows),
    at: async (theta) =>
      kroneckerPreconditioner(problem, theta, 0, work, worth ? await scoreSample(problem, theta, work) : null),
    ...(worth && {
      meanwhile: async (theta: Float64Array) => {
        const sample = await scoreSample(problem, theta, work);
        return sample ? scorePreconditioner(sample, parameters, ridge) : NO_PRECONDITIONER;
      },
    }),
  };
}

function byNewton(task: Task): Promise<Found> {
  const { problem, options } = task;
  const work = task.work.signal ? { signal: task.work.signal } : {};
  const evaluate = reporting(task);
  const given = options.preconditioner;
  const preconditioner = given
    ? { cost: Infinity, at: async () => given, meanwhile: async () => given }
    : preconditionerOf(task, work);
  const hessian = (theta: Float64Array): SymmetricOperator =>
    riskOperator({ ...problem, parameters: theta }, { curvature: "hessian", withRidge: true }, task.work);
  return inStages(task, options.maximumIterations ?? 100, (start, relative, u) =>
    minimiseNewton(u ? evaluatedInUnits(u, evaluate) : evaluate, start, {
      ...relative,
      ...work,
      preconditioner: preconditioner && u ? rentedInUnits(u, preconditioner) : preconditioner,
      hessian: u ? (theta) => operatorInUnits(u, hessian(inUnits(u, theta))) : hessian,
    }),
  );
}

function rentedInUnits(u: Float64Array, { cost, at, meanwhile }: RentedPreconditioner): RentedPreconditioner {
  return {
    cost,
    at: async (theta) => preconditionerInUnits(u, await at(inUnits(u, theta))),
    ...(meanwhile && { meanwhile: async (theta) => preconditionerInUnits(u, await meanwhile(inUnits(u, theta))) }),
  };
}

function byLbfgs(task: Task): Promise<Found> {
  const work = task.work.signal ? { signal: task.work.signal } : {};
  const evaluate = reporting(task);
  return inStages(task, task.options.maximumIterations ?? 5000, (start, relative, u) =>
    minimiseLbfgs(u ? evaluatedInUnits(u, evaluate) : evaluate, start, { ...relative, ...work, memory: 20 }),
  );
}

/** L and ∇L, told to whoever watches. */
function reporting({ problem, work }: Task) {
  let evaluations = 0;
  return async (theta: Float64Array) => {
    const point = await riskAt(problem, theta, work);
    evaluations++;
    const size = point.gradient.reduce((largest, g) => Math.max(largest, Math.abs(g)), 0);
    const state = `loss ${point.value.toPrecision(7)}, gradient ${size.toExponential(1)}`;
    work.onProgress?.({ phase: `training: ${state}`, done: evaluations, total: evaluations });
    return point;
  };
}

/** Random streams of epochs begin here, apart from those of the start. */
const EPOCH_STREAM = 1_000_000;

/** A batch's weighted sum, scaled up to all rows, is the gradient in expectation. */
async function byAdam({ problem, start, options, work }: Task): Promise<Found> {
  const { model, data, ridge } = problem;
  const { validation, epochs = 20, batchRows = 128, learningRate, patience, seed = 0 } = options;
  let last = "";
  const result = await minimiseAdam<Block>(start, {
    epochs,
    ...(work.signal && { signal: work.signal }),
    onProgress: ({ done, total }) => work.onProgress?.({ phase: `training${last}`, done, total }),
    ...(learningRate !== undefined && { learningRate }),
    ...(patience !== undefined && { patience }),
    batches: (epoch) => data.select(shuffled(data.rows, seed, EPOCH_STREAM + epoch)).blocks(batchRows),
    gradient: async (theta, batch) => {
      const slopes = model.gradient(theta, batch);
      const whole = data.rows / batch.x.rows;
      return slopes.map((slope, j) => whole * slope + ridge[j] * theta[j]);
    },
    ...(validation && {
      validate: async (theta: Float64Array) => {
        const loss = await meanLoss(model, validation, theta, work);
        last = `: loss ${loss.toPrecision(7)} on rows held out`;
        return loss;
      },
    }),
  });
  return { parameters: result.theta, iterations: result.steps, end: result.end };
}
