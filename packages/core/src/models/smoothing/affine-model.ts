import { add, dense, scale, square, sum } from "../../autodiff/index.js";
import { type AutodiffModel, modelOf } from "../autodiff-model.js";
import { type NetworkLoss, OUTPUT_LOSSES } from "../perceptron.js";
import { type PredictiveModel, predictiveModel } from "../predictive-model.js";

export interface AffineOptions {
  /** What the parameters are called: the intercept, then one coefficient an input. */
  readonly names: readonly string[];
  readonly loss: Exclude<NetworkLoss, "softmax">;
}

/** f = b + β'x with a loss of one score, as a model that the means over noise can be taken of. */
export function affineModel({ names, loss }: AffineOptions): PredictiveModel {
  const model = predictiveModel({
    parameters: parametersOf(names),
    outputs: ({ intercept, weight }, x) => dense(x, weight, intercept),
    loss: OUTPUT_LOSSES[loss],
  });
  return {
    ...model,
    initialParameters: () => new Float64Array(names.length),
    featureOf: Int32Array.from(names, (_, j) => j - 1),
    convex: true,
  };
}

/**
 * E_ξ s(b + β'(x + σξ) − y)² = s(f − y)² + sσ²‖β‖² exactly (MATH 6): noise is a ridge of 2sσ² that counts in the loss itself.
 */
export function smoothedSquares({ names, loss }: AffineOptions, sigma: number): PredictiveModel {
  const plain = affineModel({ names, loss });
  const s = loss === "half-squared" ? 0.5 : 1;
  const smoothed: AutodiffModel = modelOf({
    parameters: parametersOf(names),
    losses: ({ intercept, weight }, x, y) =>
      add(OUTPUT_LOSSES[loss](dense(x, weight, intercept), y), scale(sum(square(weight)), s * sigma * sigma)),
  });
  // The loss is quadratic in θ, so its Hessian never has a negative part to leave out.
  return {
    ...plain,
    ...smoothed,
    output: plain.output,
    outputs: plain.outputs,
    gaussNewtonProduct: smoothed.hessianProduct,
    keptGaussNewton: smoothed.keptHessian,
  };
}

const parametersOf = ([intercept, ...features]: readonly string[]) => ({
  intercept: { rows: 1, columns: 1, penalised: false, names: [intercept] },
  weight: { rows: 1, columns: features.length, names: features },
});
