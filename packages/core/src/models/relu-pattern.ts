import { usageError } from "../errors.js";
import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";

/** A model that tells which of its units are on. */
export interface ActivationPattern {
  /** r×units, row-major: 1 where a unit of row i is on (what goes into it is above 0), else 0. */
  activations(theta: Float64Array, x: Matrix): Uint8Array;
}

/**
 * Which hidden units of a fully connected ReLU network are on, layer by layer: h_{k+1} = max(0, h_k W_k' + b_k), parameters as
 * in `perceptron`. Between two θ with the same pattern on the same rows the network is a polynomial of θ, without kinks.
 * @throws usage: θ is shorter than the hidden layers.
 */
export function reluPattern({
  inputs,
  hidden,
}: {
  readonly inputs: number;
  readonly hidden: readonly number[];
}): ActivationPattern {
  const units = hidden.reduce((sum, width) => sum + width, 0);
  const widths = [inputs, ...hidden];
  const needed = hidden.reduce((sum, width, k) => sum + width * (widths[k] + 1), 0);
  return {
    activations(theta, x) {
      if (theta.length < needed) throw usageError(`The hidden layers have ${needed} parameters, got ${theta.length}.`);
      const out = new Uint8Array(x.rows * units);
      let h = x;
      let [at, before] = [0, 0];
      hidden.forEach((width, k) => {
        const from = widths[k];
        const weight = theta.subarray(at, at + width * from);
        const bias = theta.subarray(at + width * from, at + width * (from + 1));
        at += width * (from + 1);
        const next = Matrix.zeros(x.rows, width);
        blas().gemm(false, true, x.rows, width, from, 1, h.data, from, weight, from, 0, next.data, width);
        for (let i = 0; i < x.rows; i++) {
          for (let u = 0; u < width; u++) {
            const value = next.data[i * width + u] + bias[u];
            next.data[i * width + u] = Math.max(0, value);
            out[i * units + before + u] = value > 0 ? 1 : 0;
          }
        }
        before += width;
        h = next;
      });
      return out;
    },
  };
}
