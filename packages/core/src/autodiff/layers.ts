import { usageError } from "../errors.js";
import { map } from "./elementwise.js";
import { type ElementFunction, FUNCTIONS } from "./functions.js";
import { matmul } from "./matmul.js";
import type { Tensor } from "./tensor.js";

/** ReLU's kink is at 0: its derivative there is taken as 0, and its second derivative is 0 everywhere. */
export const ACTIVATIONS = ["identity", "tanh", "sigmoid", "relu", "softplus", "gelu"] as const;

/** The name of an activation: one of `ACTIVATIONS`. */
export type Activation = (typeof ACTIVATIONS)[number];

/**
 * a(xW' + b), r×o, for x r×i, W o×i, b 1×o: one product with the bias in it and one pass of the activation. Backwards and
 * along tangents, the activation's slope is multiplied in one pass as well.
 * @throws usage: shapes that do not fit, an unknown activation.
 */
export function dense(x: Tensor, weight: Tensor, bias?: Tensor, activation: Activation = "identity"): Tensor {
  if (!ACTIVATIONS.includes(activation)) {
    throw usageError(`Unknown activation "${activation}": use one of ${ACTIVATIONS.join(", ")}.`);
  }
  return activated(matmul(x, weight, { transposeB: true, plus: bias }), activation);
}

/** a(z), entry by entry. */
export function activated(z: Tensor, activation: Activation): Tensor {
  const f: ElementFunction = FUNCTIONS[activation];
  return f === FUNCTIONS.identity ? z : map(f, z);
}
