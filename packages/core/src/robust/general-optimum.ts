import { numericalError, usageError } from "../errors.js";
import { ensureBlas } from "../linalg/backend.js";
import { QuadraticMap } from "../models/quadratic-map.js";
import type { Work } from "../parallel/work.js";
import { type Fit, fitFree } from "../solvers/fit.js";
import { dot, invertHessian } from "../solvers/inverse-hessian.js";
import type { Threat } from "../threats/threat.js";
import { type AnyThreat, threatOn } from "../threats/threat-on.js";
import { adversarialTraining } from "./adversarial-training.js";
import { attack, hasExactAttack } from "./attack.js";
import type { AttackMethod, AttackSearch } from "./attack-result.js";
import { featureSizes, relativeGradient } from "./attacked-risk.js";
import { quadraticRobustHessian } from "./quadratic-robust-hessian.js";
import { quadraticRobustRisk, type SmoothedRisk } from "./quadratic-robust-risk.js";

export interface GeneralOptimumOptions extends Work {
  /** d: where the search begins (default: the fit). */
  readonly start?: Float64Array;
  /** The relative gradient to stop at (default 1e-9; 1e-8 where inner maxima are searched). */
  readonly tolerance?: number;
  /** The inner search where there is no exact inner maximum (default 50 steps, 1 random start). */
  readonly search?: Pick<AttackSearch, "steps" | "stepSize" | "restarts" | "seed">;
}

/**
 * The robust optimum θ_ρ of a model whose inner maxima have no closed form in x, or of rows within bounds, and the
 * evidence for it.
 */
export interface GeneralOptimum {
  /** θ_ρ (d) */
  readonly parameters: Float64Array;
  readonly radius: number;
  /** How the inner maxima were computed. */
  readonly method: AttackMethod;
  /** Whether they are exact; else `robustLoss` and `objective` are lower bounds, and θ the optimum of such a bound. */
  readonly exact: boolean;
  /** Σ w max_δ l, without the ridge. */
  readonly robustLoss: number;
  /** With it: R_ρ(θ_ρ). */
  readonly objective: number;
  /** Σ w l on the rows as they are. */
  readonly naturalLoss: number;
  /** max_j |∇R_j| relative to the size of its terms; rows whose two ends are equally bad count with the shares that balance them. */
  readonly gradientNorm: number;
  /** Where Newton's method converged: R(θ) − min R is at most about this. Else null. */
  readonly gap: number | null;
  readonly iterations: number;
  readonly converged: boolean;
}

const TOLERANCE = 1e-9;
/** Where rows are stuck between their ends, rounding keeps the gradient up; a Newton step that wins nothing decides. */
const SETTLED_GRADIENT = 1e-6;
const SETTLED_DECREMENT = 1e-11;
const FIRST_WIDTH = 1e-2;
const LAST_WIDTH = 1e-9;
const STAGES = 12;
/** A stage has led far enough where Newton's step would win this share of its width: the next step is then a good one. */
const STAGE_DECREMENT = 1e-4;
const MAXIMUM_STEPS = 60;
const CORNER_STEPS = 300;

/**
 * The optimum θ_ρ of the robust risk for scores that are not linear in x (MATH 10a, 13). R is convex in θ whatever the basis.
 * Scores quadratic in x, p = 2, no box: exactly, by Newton's method on R with the two ends of every row joined smoothly
 * (√((l⁺−l⁻)²/4 + width²), width down to 1e-9 of the loss); at other corners of R by descent, and then not `converged`. Otherwise L-BFGS with inner maxima in closed form (scores linear in
 * x) or by projected gradient (lower bounds).
 * @param radius ρ = ε·c, in units of δ ⊘ b; c is `influence.scale` or `radiusScale(data, threat)`. @throws usage: a radius or start that makes no sense. numerical: the Newton system is not finite.
 */
export async function generalRobustOptimum(
  fit: Fit,
  threat: AnyThreat,
  radius: number,
  options: GeneralOptimumOptions = {},
): Promise<GeneralOptimum> {
  const adversary = threatOn(threat, fit.model.map.inputs);
  await ensureBlas();
  if (!(radius >= 0 && radius < Number.POSITIVE_INFINITY))
    throw usageError(`The radius must be a number ≥ 0, got ${radius}.`);
  if (options.start && options.start.length !== fit.parameters.length)
    throw usageError(`The start needs ${fit.parameters.length} parameters, got ${options.start.length}.`);
  const byNewton = fit.model.map instanceof QuadraticMap && hasExactAttack(fit.model, adversary);
  return (byNewton ? newtonOptimum : descendedOptimum)(fit, adversary, radius, options);
}

async function newtonOptimum(
  fit: Fit,
  threat: Threat,
  radius: number,
  { start = fit.parameters, tolerance = TOLERANCE, signal, onProgress }: GeneralOptimumOptions,
): Promise<GeneralOptimum> {
  const sizes = featureSizes(fit);
  const evaluate = (theta: Float64Array, width: number): Promise<SmoothedRisk> =>
    quadraticRobustRisk(fit, { threat, radius, width }, theta, { signal });
  const relative = (point: SmoothedRisk): number => relativeGradient(point, point.theta, fit.ridge, sizes);
  const kinked = fit.data.y.some((y) => !Number.isNaN(fit.model.loss.kink(y)));
  let point = await evaluate(start, 0);
  const stages = kinked && radius > 0 ? STAGES : 0;
  let iterations = 0;
  let width = 0;
  let decrement = 0;
  for (let stage = 0; stage <= stages; stage++) {
    // Of the loss so far: that of a start far off may be thousands of times larger.
    width = stages > 0 ? Math.abs(point.loss) * FIRST_WIDTH * (LAST_WIDTH / FIRST_WIDTH) ** (stage / stages) : 0;
    point = await evaluate(point.theta, width);
    for (let step = 0; step < MAXIMUM_STEPS; step++) {
      const hessian = await quadraticRobustHessian(fit, { threat, radius, width }, point.theta, { signal });
      const direction = invertHessian(hessian).solve(point.gradient);
      if (!direction.every(Number.isFinite)) throw numericalError("The robust optimum's Newton step is not finite.");
      decrement = dot(direction, point.gradient);
      const led = stage < stages && decrement <= STAGE_DECREMENT * width;
      if (led || relative(point) <= 0.01 * tolerance) break;
      const next = await lowerPoint(point, direction, decrement, (theta) => evaluate(theta, width));
      if (next === null) break;
      point = next;
      iterations++;
      onProgress?.({ phase: "robust optimum", done: stage, total: stages + 1 });
    }
  }
  const gradientNorm = relative(point);
  const settled = gradientNorm <= SETTLED_GRADIENT && decrement <= SETTLED_DECREMENT * Math.abs(point.smoothed);
  const found: GeneralOptimum = {
    parameters: point.theta,
    radius,
    method: "trust-region",
    exact: true,
    robustLoss: point.loss,
    objective: point.objective,
    naturalLoss: (await attack(fit, point.theta, threat, fit.data, 0, { signal })).robustLoss,
    gradientNorm,
    gap: width + Math.max(0, decrement),
    iterations,
    converged: gradientNorm <= tolerance || settled,
  };
  return found.converged ? found : cornerOptimum(fit, threat, found, start, { signal, onProgress });
}

/**
 * What Newton's method cannot finish, because R has a corner at its optimum that the widths do not round off: rows with two worst
 * perturbations at one end, or a model that has shrunk to a constant. The lowest of L-BFGS from two starts and the constant model.
 */
async function cornerOptimum(
  fit: Fit,
  threat: Threat,
  found: GeneralOptimum,
  start: Float64Array,
  work: Work,
): Promise<GeneralOptimum> {
  const constant = new Float64Array(found.parameters.length);
  if (fit.model.map.intercept) {
    const free = constant.map((_, j) => (j === 0 ? 1 : 0));
    constant[0] = (await fitFree(fit, Uint8Array.from(free), work))[0];
  }
  let best: GeneralOptimum = { ...found, gap: null, converged: false };
  for (const [from, outerSteps] of [
    [found.parameters, CORNER_STEPS],
    [start, CORNER_STEPS],
    [constant, 0],
  ] as const) {
    const descended = await descendedOptimum(fit, threat, found.radius, { ...work, start: from, outerSteps });
    if (descended.objective < best.objective) {
      best = { ...descended, method: "trust-region", iterations: found.iterations + descended.iterations };
    }
  }
  return best;
}

/** The first of θ − t·direction, t = 1, ½, ¼, … that is lower enough (or, within rounding, has a smaller gradient); null if none. */
async function lowerPoint(
  from: SmoothedRisk,
  direction: Float64Array,
  decrement: number,
  evaluate: (theta: Float64Array) => Promise<SmoothedRisk>,
): Promise<SmoothedRisk | null> {
  const rounding = 1e-14 * Math.abs(from.smoothed);
  const size = ({ gradient }: SmoothedRisk): number => dot(gradient, gradient);
  for (let t = 1; t > 1e-9; t /= 2) {
    const next = await evaluate(from.theta.map((value, j) => value - t * direction[j]));
    if (next.smoothed <= from.smoothed - 1e-4 * t * decrement && decrement > rounding) return next;
    if (next.smoothed <= from.smoothed + rounding && size(next) < 0.5 * size(from)) return next;
    if (decrement <= rounding) return null;
  }
  return null;
}

/** L-BFGS with the inner maxima of `adversarialTraining`, exact where they can be. */
async function descendedOptimum(
  fit: Fit,
  threat: Threat,
  radius: number,
  {
    start = fit.parameters,
    tolerance = 1e-8,
    outerSteps = 500,
    search = {},
    ...work
  }: GeneralOptimumOptions & { readonly outerSteps?: number },
): Promise<GeneralOptimum> {
  const { steps = 50, stepSize = 0.5, restarts = 1, seed = 0 } = search;
  const inner = { innerSteps: steps, innerStepSize: stepSize, restarts, seed, exactInner: true };
  const found = await adversarialTraining(fit, threat, radius, { ...work, ...inner, start, tolerance, outerSteps });
  const { parameters, robustLoss, naturalLoss, gradientNorm, iterations, converged } = found;
  const exact = hasExactAttack(fit.model, threat);
  return {
    parameters,
    radius,
    method: exact ? "closed-form" : "projected-gradient",
    exact,
    robustLoss,
    objective: fit.ridge.reduce((sum, P, j) => sum + 0.5 * P * parameters[j] ** 2, robustLoss),
    naturalLoss,
    gradientNorm,
    gap: null,
    iterations,
    converged,
  };
}
