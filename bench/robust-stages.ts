import {
  adversarialTraining,
  type Fit,
  fit,
  influence,
  logistic,
  lp,
  Matrix,
  matrixDataset,
  robustOptimum,
  robustPath,
} from "@aif/core";
import type { Case } from "./cases.js";
import type { Stages } from "./library.js";

/** Where the robust path ends. */
export const PATH_END = 0.3;
/** Steps of adversarial training: outer, and inner ones of the projected gradient. */
export const TRAINING_STEPS = { outer: 200, inner: 10 } as const;

/** Seconds of each way to the robustly trained parameters at one ε, and how far each ends from the exact ones. */
export interface RobustStages {
  readonly stages: Stages;
  /** ‖θ − θ_ε‖_H / ‖θ_ε − θ̂‖_H */
  readonly errors: { readonly influence: number; readonly gradient: number; readonly lbfgs: number };
  /** Outer steps that adversarial training took before nothing got better. */
  readonly steps: { readonly gradient: number; readonly lbfgs: number };
  /** Of the exact optimum: the relative subgradient. */
  readonly residual: number;
  readonly pathPoints: number;
}

/** Natural fit, AIF, exact optimum, exact path and adversarial training, one after the other. */
export async function robustStages(
  { rows, columns }: Case,
  x: Float64Array,
  y: Float64Array,
  p: number,
  epsilon: number,
): Promise<RobustStages> {
  const stages: Record<string, number> = {};
  const timed = async <Result>(name: string, work: () => Promise<Result>): Promise<Result> => {
    const started = performance.now();
    const result = await work();
    stages[name] = (performance.now() - started) / 1000;
    return result;
  };
  const data = matrixDataset(new Matrix(x, rows, columns), y);
  const fitted = await timed("fit", () => fit(logistic(), data));
  const attack = await timed("influence", () => influence(fitted, lp(p)));
  const { threat, scale } = attack;
  const radius = epsilon * scale;
  const exact = await timed("optimum", () => robustOptimum(fitted, threat, radius));
  const path = await timed("path", () => robustPath(fitted, threat, { radiusMax: PATH_END * scale }));
  const train = (outer: "gradient" | "lbfgs") =>
    timed(outer, () =>
      adversarialTraining(fitted, threat, radius, {
        innerSteps: TRAINING_STEPS.inner,
        outerSteps: TRAINING_STEPS.outer,
        tolerance: 0,
        outer,
      }),
    );
  const gradient = await train("gradient");
  const lbfgs = await train("lbfgs");
  const distance = distanceIn(fitted);
  const error = (theta: Float64Array): number =>
    distance(theta, exact.parameters) / distance(exact.parameters, fitted.parameters);
  return {
    stages,
    errors: {
      influence: error(fitted.parameters.map((value, j) => value + epsilon * attack.influence[j])),
      gradient: error(gradient.parameters),
      lbfgs: error(lbfgs.parameters),
    },
    steps: { gradient: gradient.iterations, lbfgs: lbfgs.iterations },
    residual: exact.residual,
    pathPoints: path.points.length,
  };
}

/** ‖a − b‖_H */
function distanceIn({ hessian }: Fit): (a: Float64Array, b: Float64Array) => number {
  return (a, b) => {
    const step = a.map((value, j) => value - b[j]);
    let sum = 0;
    step.forEach((left, j) => step.forEach((right, k) => (sum += left * right * hessian.row(j)[k])));
    return Math.sqrt(Math.max(0, sum));
  };
}
