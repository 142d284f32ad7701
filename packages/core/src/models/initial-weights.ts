import type { Activation } from "../autodiff/index.js";
import { randomStream } from "../stats/random.js";

/** They lose half of what comes in, which larger weights make up for. */
const RECTIFIERS: ReadonlySet<Activation> = new Set(["relu", "gelu", "softplus"]);

/**
 * θ of a fully connected network to start from, layer by layer, weight (outputs × inputs) before bias; biases are 0. Weights
 * are normal with variance 2/(inputs + outputs) (Glorot and Bengio 2010), before a rectifier 2/inputs (He et al. 2015).
 * @param widths of the inputs, the hidden layers and the outputs
 */
export function initialWeights(widths: readonly number[], activation: Activation, seed: number): Float64Array {
  const parts = widths.slice(1).map((outputs, k) => {
    const inputs = widths[k];
    const last = k === widths.length - 2;
    const variance = !last && RECTIFIERS.has(activation) ? 2 / inputs : 2 / (inputs + outputs);
    const weights = new Float64Array(inputs * outputs + outputs);
    randomStream(seed, k).fillNormals(weights.subarray(0, inputs * outputs));
    return weights.map((value) => value * Math.sqrt(variance));
  });
  const theta = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    theta.set(part, at);
    at += part.length;
  }
  return theta;
}
