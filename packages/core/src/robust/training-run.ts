import { usageError } from "../errors.js";
import type { AdversarialTraining, AdversarialTrainingOptions, TrainingStop } from "./adversarial-training.js";
import { type DescentMemory, type DescentMethod, type DescentPoint, descend, EMPTY_MEMORY } from "./descent.js";
import type { DualityGap } from "./duality-gap.js";
import { checkState, type DataFingerprint, type TrainingStep, trainingState } from "./training-state.js";

/** What is minimised, and what a checkpoint of it is known by. */
export interface TrainingTask<Point extends DescentPoint> {
  /** d: where training begins, unless a checkpoint says so. */
  readonly start: Float64Array;
  /** R and its gradient at θ, the rows moved by the adversary against θ. */
  readonly evaluate: (theta: Float64Array) => Promise<Point>;
  /** max_j |∇R_j| relative to the size of its terms. */
  readonly gradientNorm: (point: Point) => Promise<number> | number;
  readonly gap?: (theta: Float64Array) => Promise<DualityGap | null>;
  readonly outer: DescentMethod;
  /** Everything that decides the digits of an iteration. */
  readonly settings: string;
  readonly data: DataFingerprint;
}

type RunOptions = Pick<
  AdversarialTrainingOptions,
  "outerSteps" | "tolerance" | "gap" | "onStep" | "checkpoint" | "resume" | "resumeName" | "onProgress"
>;

/** How a run of training ended. */
export interface TrainingRun<Point extends DescentPoint>
  extends Pick<AdversarialTraining, "gradientNorm" | "iterations" | "gap" | "stopped" | "converged" | "history"> {
  readonly point: Point;
}

/** @throws usage: options of the outer minimum that make no sense. */
export function checkRun({
  outer = "lbfgs",
  outerSteps = 200,
  tolerance = 1e-8,
  checkpoint,
  gap,
}: Omit<AdversarialTrainingOptions, "start">): void {
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
}

/**
 * The outer minimum of adversarial training: descent until the gradient or the duality gap is small, nothing lower is found, or the
 * steps are used up; every iteration is shown, and saved where that is asked for.
 * @throws usage: a checkpoint of other settings. input: one of other data.
 */
export async function runTraining<Point extends DescentPoint>(
  { start, evaluate, gradientNorm, gap: gapAt, outer, settings, data }: TrainingTask<Point>,
  { outerSteps = 200, tolerance = 1e-8, gap, onStep, checkpoint, resume, resumeName, onProgress }: RunOptions,
): Promise<TrainingRun<Point>> {
  if (resume) checkState(resume, settings, data, start.length, resumeName);
  let point = await evaluate(resume ? Float64Array.from(resume.theta) : start);
  let size = await gradientNorm(point);
  let memory: DescentMemory = resume?.memory ?? EMPTY_MEMORY;
  let iteration = resume?.iteration ?? 0;
  const history: TrainingStep[] = resume ? [...resume.history] : [];
  const record = async (): Promise<void> => {
    const measured = gap && iteration % gap.every === 0 ? ((await gapAt?.(point.theta)) ?? null) : null;
    const step = { iteration, objective: point.objective, gradientNorm: size, gap: measured?.relative ?? null };
    history.push(step);
    onStep?.(step);
  };
  const save = async (): Promise<void> =>
    checkpoint?.save(
      trainingState({ settings, data, iteration, theta: [...point.theta], memory, history: [...history] }),
    );
  const isClose = (relative: number | null | undefined): boolean =>
    gap !== undefined && typeof relative === "number" && relative <= gap.tolerance;
  if (!resume) await record();
  let stopped: TrainingStop = "steps";
  while (iteration < outerSteps && size > tolerance && !isClose(history.at(-1)?.gap)) {
    const next = await descend(outer, point, memory, evaluate);
    if (next === null) {
      stopped = "stalled";
      break;
    }
    ({ point, memory } = next);
    size = await gradientNorm(point);
    iteration++;
    await record();
    onProgress?.({ phase: "adversarial training", done: iteration, total: outerSteps });
    if (checkpoint && iteration % checkpoint.every === 0) await save();
  }
  const last = gap ? ((await gapAt?.(point.theta)) ?? null) : null;
  if (isClose(last?.relative)) stopped = "gap";
  if (size <= tolerance) stopped = "tolerance";
  if (checkpoint && iteration % checkpoint.every !== 0) await save();
  const converged = stopped === "tolerance" || stopped === "gap";
  return { point, gradientNorm: size, iterations: iteration, gap: last, stopped, converged, history };
}
