import { crossEntropy, dense } from "../autodiff/index.js";
import { usageError } from "../errors.js";
import { type PredictiveModel, predictiveModel } from "./predictive-model.js";

export interface SoftmaxOptions {
  /** m names. */
  readonly features: readonly string[];
  /** K names, at least two; the target is their index, 0 … K−1. */
  readonly classes: readonly string[];
  /** Default true. */
  readonly intercept?: boolean;
}

/**
 * Multinomial logistic regression: l = log Σ_k e^{f_k} − f_y with f = b + Bx. Parameters: the K intercepts (not
 * penalised) where there are any, then B (K×m) class by class. All K classes have parameters, so adding one vector to every class changes
 * nothing: without l2, and for the intercepts always, the Hessian is singular along those directions.
 * @throws usage: fewer than two classes, or no features.
 */
export function softmaxRegression({ features, classes, intercept = true }: SoftmaxOptions): PredictiveModel {
  if (classes.length < 2) throw usageError(`A softmax model needs at least two classes, got ${classes.length}.`);
  if (features.length === 0) throw usageError("A softmax model needs at least one feature.");
  const weight = {
    rows: classes.length,
    columns: features.length,
    names: classes.flatMap((name) => features.map((feature) => `${name}: ${feature}`)),
  };
  const bias = {
    rows: 1,
    columns: classes.length,
    penalised: false,
    names: classes.map((name) => `${name}: intercept`),
  };
  const model = intercept
    ? predictiveModel({
        parameters: { bias, weight },
        outputs: (theta, x) => dense(x, theta.weight, theta.bias),
        loss: crossEntropy,
      })
    : predictiveModel({ parameters: { weight }, outputs: (theta, x) => dense(x, theta.weight), loss: crossEntropy });
  const d = model.parameterNames.length;
  return { ...model, initialParameters: () => new Float64Array(d), convex: true };
}
