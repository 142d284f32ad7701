import {
  assignFolds,
  bootstrap,
  bootstrapSummary,
  crossFit,
  type Fit,
  fit,
  type Influence,
  influence,
  leverageBias,
  leverageFor,
  linear,
  localSensitivity,
  logistic,
  lp,
  Matrix,
  matrixDataset,
  predictedChange,
  quadratic,
  sandwich,
  sandwichParts,
  scoreShifts,
  sensitivityInterval,
  supremumFactor,
} from "@aif/core";
import { type Case, EPSILON, FOLDS } from "./cases.js";

/** The numbers that both sides must agree on. */
export interface Answer {
  readonly parameters: readonly number[];
  readonly influence: readonly number[];
  readonly scale: number;
  readonly penalty: number;
  readonly slope: number;
  readonly curvature: number;
  readonly change: number;
}

/** Seconds by stage; their sum is what is compared. */
export type Stages = Readonly<Record<string, number>>;

interface Analysis {
  readonly fitted: Fit;
  readonly attack: Influence;
  readonly stages: Stages;
  readonly answer: Answer;
}

const MODELS = { linear, logistic, quadratic } as const;

/** Data set → fit → AIF at p = 2 → in-sample sensitivity, by the calls that a user would make. */
export async function analyse(
  { model = "linear", rows, columns }: Case,
  x: Float64Array,
  y: Float64Array,
): Promise<Analysis> {
  const clock = stopwatch();
  const data = matrixDataset(new Matrix(x, rows, columns), y);
  clock.lap("data");
  const fitted = await fit(MODELS[model](), data);
  clock.lap("fit");
  const attack = await influence(fitted, lp(2));
  clock.lap("influence");
  const shifts = await scoreShifts(attack);
  const moving = { loss: fitted.model.loss, y, w: data.weights, scores: fitted.scores, shifts };
  const { slope, curvature } = localSensitivity(moving);
  const change = predictedChange(moving, EPSILON);
  clock.lap("sensitivity");
  const answer = {
    parameters: [...fitted.parameters],
    influence: [...attack.influence],
    scale: attack.scale,
    penalty: attack.penalty,
    slope,
    curvature,
    change,
  };
  return { fitted, attack, stages: clock.stages, answer };
}

/** One fit, and the held-out evaluation in ten folds that follows it. */
export async function holdOut(task: Case, x: Float64Array, y: Float64Array): Promise<Stages> {
  const { fitted, attack, stages } = await analyse(task, x, y);
  const clock = stopwatch();
  const folds = assignFolds(task.rows, FOLDS, 1, { strata: task.model === "logistic" ? y : undefined });
  clock.lap("folds");
  const [held] = await crossFit(fitted, [attack], folds, FOLDS);
  localSensitivity(held);
  predictedChange(held, EPSILON);
  clock.lap("heldOut");
  return { fit: stages["fit"], ...clock.stages };
}

/** Fit and influence, then every interval for the population, by the calls that the study makes; and a bootstrap if asked for. */
export async function infer(task: Case, x: Float64Array, y: Float64Array): Promise<Stages> {
  const { fitted, attack, stages } = await analyse(task, x, y);
  const shifts = await scoreShifts(attack);
  const clock = stopwatch();
  const parts = await sandwichParts(attack, shifts, {});
  const options = { leverage: leverageFor(fitted.parameters.length, task.rows) };
  const found = await sandwich(attack, shifts, options, parts);
  clock.lap("sandwich");
  const bias = await leverageBias(attack, shifts, {}, parts);
  clock.lap("bias");
  sensitivityInterval(attack, found, LEVEL, bias);
  supremumFactor(found.covariance, LEVEL, 0);
  clock.lap("intervals");
  if (task.draws !== undefined) {
    const [drawn] = await bootstrap([attack], { draws: task.draws });
    bootstrapSummary(attack, drawn, LEVEL);
    clock.lap("bootstrap");
  }
  return { fit: stages["fit"], influence: stages["influence"] + stages["sensitivity"], ...clock.stages };
}

const LEVEL = 0.95;

export function stopwatch(): { lap(name: string): void; stages: Record<string, number> } {
  const stages: Record<string, number> = {};
  let last = performance.now();
  return {
    stages,
    lap(name) {
      const now = performance.now();
      stages[name] = (now - last) / 1000;
      last = now;
    },
  };
}
