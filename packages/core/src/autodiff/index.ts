/** Float64 tensors with reverse mode whose rules are differentiable themselves, and forward tangents. */
export { add, div, mul, type Operand, sub } from "./arithmetic.js";
export { emptyPool, pooledBytes, scope } from "./buffers.js";
export {
  gradient,
  hessianProducts,
  mixedDerivative,
  pullback,
  pushforward,
  pushforwards,
} from "./differentiate.js";
export {
  abs,
  exp,
  expm1,
  gelu,
  log,
  log1p,
  map,
  power,
  relu,
  sigmoid,
  softplus,
  sqrt,
  square,
  tanh,
} from "./elementwise.js";
export type { ElementFunction } from "./functions.js";
export { graphBytes } from "./graph.js";
export { crossEntropy, pick } from "./labels.js";
export { ACTIVATIONS, type Activation, dense } from "./layers.js";
export { type MatmulOptions, matmul } from "./matmul.js";
export { broadcastTo, mean, reduceTo, sum, sumOverColumns, sumOverRows } from "./reductions.js";
export { halfSquaredLoss, logisticLoss, squaredLoss } from "./row-losses.js";
export { neg, scale } from "./scale.js";
export { logSoftmax, logSumExp, softmax } from "./softmax.js";
export { constant, full, scalar, type Tensor, zeros } from "./tensor.js";
export { columns, concatColumns, reshape, rows, slice, transpose } from "./views.js";
