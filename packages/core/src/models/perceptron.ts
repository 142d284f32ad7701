import {
  ACTIVATIONS,
  type Activation,
  add,
  constant,
  crossEntropy,
  dense,
  halfSquaredLoss,
  logisticLoss,
  scale,
  squaredLoss,
  type Tensor,
} from "../autodiff/index.js";
import { activated } from "../autodiff/layers.js";
import { usageError } from "../errors.js";
import { matrixTensor } from "./autodiff-model.js";
import { initialWeights } from "./initial-weights.js";
import { type LayeredLosses, networkSpan } from "./network-span.js";
import { type ParameterBlock, ParameterLayout } from "./parameter-layout.js";
import { type PredictiveModel, predictiveModel } from "./predictive-model.js";

/** What a network's outputs are compared with: l(f, y), row by row. */
export const OUTPUT_LOSSES = {
  /** (f − y)² */
  squared: squaredLoss,
  /** ½(f − y)² */
  "half-squared": halfSquaredLoss,
  /** log(1 + e^{−yf}), y ∈ {−1, +1} */
  logistic: logisticLoss,
  /** −log softmax(f)_y, y ∈ {0, …, K−1} */
  softmax: crossEntropy,
} as const satisfies Record<string, (f: Tensor, y: Tensor) => Tensor>;

export type NetworkLoss = keyof typeof OUTPUT_LOSSES;

/** The shape of a multilayer perceptron, m → hidden → outputs, and its loss. */
export interface PerceptronOptions {
  /** m */
  readonly inputs: number;
  /** Widths of the hidden layers, first to last; none gives a linear model. */
  readonly hidden: readonly number[];
  /**
   * Of the hidden layers. ReLU has kinks: its derivative at 0 is taken as 0 and its second derivative as 0 everywhere, so
   * Hessian products are those of the linear piece that θ and the row lie on.
   */
  readonly activation: Activation;
  readonly loss: NetworkLoss;
  /** K, for the softmax loss (at least 2). */
  readonly classes?: number;
  /** The output is mean + scale · (last layer), so that targets of any size leave the parameters near 1. Default: 0 and 1. */
  readonly outputScaler?: { readonly mean: number; readonly scale: number };
}

/**
 * A fully connected network h_{k+1} = a(h_k W_k' + b_k), its last layer linear. Parameters layer by layer, weight before
 * bias, a weight (outputs × inputs) row-major, as PyTorch keeps them: `layer1.weight[o,i]`, `layer1.bias[o]`, … Biases are
 * not penalised.
 * @throws usage: a width that is not a whole number from 1; `classes` missing or out of place; an unknown activation or loss.
 */
export function perceptron({
  inputs,
  hidden,
  activation,
  loss,
  classes,
  outputScaler,
}: PerceptronOptions): PredictiveModel {
  if (!Object.hasOwn(OUTPUT_LOSSES, loss)) {
    throw usageError(`Unknown loss "${loss}": use one of ${Object.keys(OUTPUT_LOSSES).join(", ")}.`);
  }
  if (!ACTIVATIONS.includes(activation)) {
    throw usageError(`Unknown activation "${activation}": use one of ${ACTIVATIONS.join(", ")}.`);
  }
  const widths = [inputs, ...hidden, outputsOf(loss, classes)];
  const parameters: Record<string, ParameterBlock> = {};
  for (let layer = 1; layer < widths.length; layer++) {
    parameters[`layer${layer}.weight`] = { rows: widths[layer], columns: widths[layer - 1] };
    parameters[`layer${layer}.bias`] = { rows: 1, columns: widths[layer], penalised: false };
  }
  const through = (theta: Readonly<Record<string, Tensor>>, x: Tensor): { scores: Tensor; outputs: Tensor } => {
    const affine = (h: Tensor, layer: number): Tensor =>
      dense(h, theta[`layer${layer}.weight`], theta[`layer${layer}.bias`]);
    const scores = affine(x, 1);
    let h = scores;
    for (let layer = 2; layer < widths.length; layer++) h = affine(activated(h, activation), layer);
    return { scores, outputs: outputScaler ? add(scale(h, outputScaler.scale), outputScaler.mean) : h };
  };
  const compare = OUTPUT_LOSSES[loss];
  const model = predictiveModel({
    parameters,
    outputs: (theta, x) => through(theta, x).outputs,
    loss: compare,
  });
  const layout = new ParameterLayout(parameters);
  const layered: LayeredLosses = {
    layout,
    evaluate(theta, { x, y }) {
      const { scores, outputs } = through(layout.byName(theta), matrixTensor(x));
      return { scores, losses: compare(outputs, constant(y, x.rows, 1)) };
    },
  };
  return {
    ...model,
    inputSpan: (theta, budgets) => networkSpan(layered, theta, budgets),
    initialParameters: (seed) => initialWeights(widths, activation, seed),
    convex: hidden.length === 0,
  };
}

function outputsOf(loss: NetworkLoss, classes: number | undefined): number {
  if (loss !== "softmax") {
    if (classes !== undefined) throw usageError(`A ${loss} loss has one output: leave "classes" out.`);
    return 1;
  }
  if (classes === undefined || !Number.isInteger(classes) || classes < 2) {
    throw usageError(`A softmax loss needs "classes", a whole number from 2, got ${classes}.`);
  }
  return classes;
}
