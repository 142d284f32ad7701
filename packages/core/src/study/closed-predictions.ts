import type { Influence } from "../influence/aif.js";
import { Matrix } from "../linalg/matrix.js";
import type { PredictionsOf } from "./predictions.js";

/** The mean of the target at a score. */
const MEANS: Readonly<Record<string, (score: number) => number>> = {
  logistic: (score) => 1 / (1 + Math.exp(-score)),
  poisson: Math.exp,
};

/** Predictions of a model in closed form at θ̂ and at θ̂ + εI: the number, the probability or the mean count. */
export function closedPredictionsOf({ fit, influence: I }: Influence, x: Matrix): PredictionsOf {
  const { model, parameters } = fit;
  const mean = MEANS[model.loss.name] ?? ((score: number) => score);
  const at = (epsilon: number): Float64Array => {
    const theta = new Matrix(
      parameters.map((value, j) => value + epsilon * I[j]),
      parameters.length,
      1,
    );
    return model.map.scores(theta, x).data.map(mean);
  };
  return { now: at(0), after: at };
}
