import { usageError } from "../errors.js";
import { ensureBlas } from "../linalg/backend.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import { exponentName } from "../threats/norms.js";
import type { Threat } from "../threats/threat.js";
import { type AnyThreat, threatOn } from "../threats/threat-on.js";
import { attack, hasExactAttack, prepareAttack } from "./attack.js";
import { readParameters } from "./attack-checks.js";
import { type AttackedRisk, attackedRisk, featureSizes, relativeGradient, type TrainedRisk } from "./attacked-risk.js";
import { type DescentMemory, type DescentMethod, descend, EMPTY_MEMORY } from "./descent.js";
import { type DualityGap, dualityGap } from "./duality-gap.js";
import { checkState, dataFingerprint, type TrainingState, type TrainingStep, trainingState } from "./training-state.js";

/** How to train against attacks: the search for each row's worst case inside, the descent over θ outside, when to stop. */
export interface AdversarialTrainingOptions extends Work {
  /** Steps of the projected gradient of the inner maximum (default 10). */
  readonly innerSteps?: number;
  /** First inner step, relative to the first-order answer (default 0.5). */
  readonly innerStepSize?: number;
  /** Random starts of the inner maximum besides δ = 0 (default 0). */
  readonly restarts?: number;
  readonly seed?: number;
  /** Exact inner maxima where there are any, instead of the projected gradient (default false). */
  readonly exactInner?: boolean;
  /** Default "lbfgs". */
  readonly outer?: DescentMethod;
  /** Iterations at most, those before a checkpoint included (default 200). */
  readonly outerSteps?: number;
  /** The relative gradient to stop at (default 1e-8). */
  readonly tolerance?: number;
  /** d: where training begins (default: the parameters of the fit). */
  readonly start?: ArrayLike<number>;
  /** Measures the duality gap after every `every` iterations and at the end, and stops once it is `tolerance`, relative to R. */
  readonly gap?: { readonly every: number; readonly tolerance: number };
  /** Called with every iteration, the start included; one that is resumed from is not repeated. */
  readonly onStep?: ((step: TrainingStep) => void) | undefined;
  /** Called with the state after every `every` iterations and after the last. */
  readonly checkpoint?: { readonly every: number; readonly save: (state: TrainingState) => void | Promise<void> };
  /** A state to go on from: the run continues with the same digits. */
  readonly resume?: TrainingState;
  /** What errors call that state (default "The checkpoint"). */
  readonly resumeName?: string;
}

/**
 * Why training ended. "tolerance": the gradient is small. "gap": the duality gap is. "stalled": no lower point along the
 * direction, as at a corner of R. "steps": out of them.
 */
export type TrainingStop = "tolerance" | "gap" | "stalled" | "steps";

/**
 * A model trained against attacks of one radius ρ. Losses are in the unit of the model's loss, parameters in the model's
 * units.
 */
export interface AdversarialTraining {
  /** θ (d) */
  readonly parameters: Float64Array;
  /** Σ w l(x+δ) with the adversary that trained, without the ridge: a lower bound of the robust loss unless `exactInner` is. */
  readonly robustLoss: number;
  /** Σ w max_δ l at θ where it can be computed exactly, else null. */
  readonly exactRobustLoss: number | null;
  /** exactRobustLoss − robustLoss ≥ 0: by how much the inner search falls short at θ. */
  readonly innerGap: number | null;
  /** Σ w l on the rows as they are. */
  readonly naturalLoss: number;
  /** max_j |∇R_j| relative to the size of its terms. */
  readonly gradientNorm: number;
  readonly iterations: number;
  /** At θ; null where none was asked for, or none is known. */
  readonly gap: DualityGap | null;
  readonly stopped: TrainingStop;
  /** The gradient or the gap is small. */
  readonly converged: boolean;
  readonly history: readonly TrainingStep[];
}

type Resolved = Required<
  Pick<AdversarialTrainingOptions, "innerSteps" | "innerStepSize" | "restarts" | "seed" | "exactInner" | "outer">
> & { readonly outerSteps: number; readonly tolerance: number };

/**
 * Adversarial training, min_θ Σ w max_{δ allowed} l(θ, x+δ) + ½ΣPθ²: the inner maximum by projected gradient ascent (any basis,
 * norm and box), the outer minimum over all rows by gradient descent or L-BFGS with Danskin's gradient. What the closed forms of
 * the paper are compared with.
 * @param radius ρ = ε·c, in units of δ ⊘ b; c is `influence.scale` or `radiusScale(data, threat)`. @throws usage: options that make no sense, a checkpoint of other settings. input: one of other data.
 */
export async function adversarialTraining(
  trained: TrainedRisk & Pick<Fit, "parameters">,
  described: AnyThreat,
  radius: number,
  options: AdversarialTrainingOptions = {},
): Promise<AdversarialTraining> {
  const threat = threatOn(described, trained.model.map.inputs);
  await ensureBlas();
  const { checkpoint, resume, resumeName, signal, onProgress, onStep, gap } = options;
  const resolved = resolve(options);
  const start = readParameters(options.start ?? trained.parameters, trained.model.map.count, "The start");
  const settings = settingsFingerprint(trained, threat, radius, options.start ? start : null, resolved);
  const data = dataFingerprint(trained.data);
  if (resume) checkState(resume, settings, data, trained.model.map.count, resumeName);
  const sizes = featureSizes(trained);
  const evaluate = async (theta: Float64Array): Promise<TrainingPoint> => {
    const attacker = prepareAttack(trained.model, threat, theta, radius, innerSearch(resolved));
    const risk = await attackedRisk(trained, theta, attacker, { signal });
    return { ...risk, theta, gradientNorm: relativeGradient(risk, theta, trained.ridge, sizes) };
  };
  let point = await evaluate(resume ? Float64Array.from(resume.theta) : start);
  let memory: DescentMemory = resume?.memory ?? EMPTY_MEMORY;
  let iteration = resume?.iteration ?? 0;
  const gapAt = (theta: Float64Array): Promise<DualityGap | null> =>
    dualityGap(trained, threat, radius, theta, { signal });
  const history: TrainingStep[] = resume ? [...resume.history] : [];
  const record = async (): Promise<void> => {
    const measured = gap && iteration % gap.every === 0 ? await gapAt(point.theta) : null;
    const { objective, gradientNorm } = point;
    const step = { iteration, objective, gradientNorm, gap: measured?.relative ?? null };
    history.push(step);
    onStep?.(step);
  };
  if (!resume) await record();
  const isClose = (relative: number | null | undefined): boolean =>
    gap !== undefined && typeof relative === "number" && relative <= gap.tolerance;
  let stopped: TrainingStop = "steps";
  const save = async (): Promise<void> =>
    checkpoint?.save(
      trainingState({ settings, data, iteration, theta: [...point.theta], memory, history: [...history] }),
    );
  while (iteration < resolved.outerSteps) {
    if (point.gradientNorm <= resolved.tolerance || isClose(history.at(-1)?.gap)) break;
    const next = await descend(resolved.outer, point, memory, evaluate);
    if (next === null) {
      stopped = "stalled";
      break;
    }
    ({ point, memory } = next);
    iteration++;
    await record();
    onProgress?.({ phase: "adversarial training", done: iteration, total: resolved.outerSteps });
    if (checkpoint && iteration % checkpoint.every === 0) await save();
  }
  const finalGap = gap ? await gapAt(point.theta) : null;
  if (isClose(finalGap?.relative)) stopped = "gap";
  if (point.gradientNorm <= resolved.tolerance) stopped = "tolerance";
  if (checkpoint && iteration % checkpoint.every !== 0) await save();
  const losses = await finalLosses(trained, threat, radius, point.theta, { signal });
  return {
    parameters: point.theta,
    robustLoss: point.loss,
    ...losses,
    innerGap: losses.exactRobustLoss === null ? null : losses.exactRobustLoss - point.loss,
    gradientNorm: point.gradientNorm,
    iterations: iteration,
    gap: finalGap,
    stopped,
    converged: stopped === "tolerance" || stopped === "gap",
    history,
  };
}

interface TrainingPoint extends AttackedRisk {
  readonly theta: Float64Array;
  readonly gradientNorm: number;
}

const innerSearch = ({ innerSteps, innerStepSize, restarts, seed, exactInner }: Resolved) =>
  ({
    steps: innerSteps,
    stepSize: innerStepSize,
    restarts,
    seed,
    firstOrderStarts: false,
    certify: false,
    method: exactInner ? "auto" : "projected-gradient",
  }) as const;

async function finalLosses(
  { model, data }: TrainedRisk,
  threat: Threat,
  radius: number,
  theta: Float64Array,
  work: Work,
): Promise<{ exactRobustLoss: number | null; naturalLoss: number }> {
  const exact = hasExactAttack(model, threat) ? await attack({ model }, theta, threat, data, radius, work) : null;
  const still = await attack({ model }, theta, threat, data, 0, { ...work, steps: 1, restarts: 0 });
  return { exactRobustLoss: exact?.robustLoss ?? null, naturalLoss: still.robustLoss };
}

function resolve(options: AdversarialTrainingOptions): Resolved {
  const {
    innerSteps = 10,
    innerStepSize = 0.5,
    restarts = 0,
    seed = 0,
    exactInner = false,
    outer = "lbfgs",
    outerSteps = 200,
    tolerance = 1e-8,
    checkpoint,
    gap,
  } = options;
  if (outer !== "gradient" && outer !== "lbfgs")
    throw usageError(`The outer method must be "gradient" or "lbfgs", got ${JSON.stringify(outer)}.`);
  if (!(Number.isInteger(outerSteps) && outerSteps >= 0))
    throw usageError(`The outer steps must be a whole number ≥ 0, got ${outerSteps}.`);
  if (!(tolerance >= 0)) throw usageError(`The tolerance must be a number ≥ 0, got ${tolerance}.`);
  if (gap && !(Number.isInteger(gap.every) && gap.every >= 1))
    throw usageError(`The duality gap is measured every 1 or more iterations, got ${gap.every}.`);
  if (gap && !(gap.tolerance >= 0))
    throw usageError(`The tolerance of the duality gap must be a number ≥ 0, got ${gap.tolerance}.`);
  if (checkpoint && !(Number.isInteger(checkpoint.every) && checkpoint.every >= 1))
    throw usageError(`Checkpoints are saved every 1 or more iterations, got ${checkpoint.every}.`);
  return { innerSteps, innerStepSize, restarts, seed, exactInner, outer, outerSteps, tolerance };
}

/** Everything that decides the digits of an iteration; how long to go on may differ. */
function settingsFingerprint(
  { model, ridge }: TrainedRisk,
  { settings: { p, budgets, bounds } }: Threat,
  radius: number,
  start: Float64Array | null,
  { outerSteps: _steps, tolerance: _tolerance, ...search }: Resolved,
): string {
  return JSON.stringify({
    model: model.kind,
    loss: model.loss.name,
    parameters: model.parameterNames,
    ridge: [...ridge],
    norm: exponentName(p),
    budgets: [...budgets],
    // JSON has no infinities.
    bounds: bounds && { lower: Array.from(bounds.lower, String), upper: Array.from(bounds.upper, String) },
    radius,
    start: start ? [...start] : "fit",
    ...search,
  });
}
