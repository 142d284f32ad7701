/** Row-wise softmax and its logarithms, shifted by each row's maximum so that nothing overflows. */
import { mul, sub } from "./arithmetic.js";
import { sumOverColumns } from "./reductions.js";
import { apply, type Operation, type Tensor } from "./tensor.js";

/** J't = p∘(t − Σ_j p_j t_j): the Jacobian diag(p) − pp' is symmetric. */
const jacobianProduct = (p: Tensor, t: Tensor): Tensor => {
  const weighted = mul(p, t);
  return sub(weighted, mul(p, sumOverColumns(weighted)));
};

const SOFTMAX: Operation<null> = {
  name: "softmax",
  evaluate({ inputs: [z], rows, columns }, out) {
    const { values } = z;
    for (let i = 0; i < rows; i++) {
      const [from, to] = [i * columns, (i + 1) * columns];
      const largest = rowMaximum(values, from, to);
      let total = 0;
      for (let k = from; k < to; k++) total += out[k] = Math.exp(values[k] - largest);
      for (let k = from; k < to; k++) out[k] /= total;
    }
  },
  reverse: (p, g) => jacobianProduct(p, g),
  tangent: (p, [t]) => t && jacobianProduct(p, t),
};

/** Its gradient is the softmax, made with it and computed when it is asked for. */
const LOG_SUM_EXP: Operation<{ probabilities: Tensor }> = {
  name: "logSumExp",
  evaluate({ inputs: [z], rows }, out) {
    for (let i = 0; i < rows; i++) out[i] = rowLogSumExp(z.values, i * z.columns, (i + 1) * z.columns);
  },
  reverse: ({ parameters }, g) => mul(g, parameters.probabilities),
  tangent: ({ parameters }, [t]) => t && sumOverColumns(mul(t, parameters.probabilities)),
};

function rowMaximum(values: Float64Array, from: number, to: number): number {
  let largest = -Infinity;
  for (let k = from; k < to; k++) if (values[k] > largest) largest = values[k];
  return largest;
}

/** log Σ e^{z_k} for from ≤ k < to. */
export function rowLogSumExp(values: Float64Array, from: number, to: number): number {
  const largest = rowMaximum(values, from, to);
  let total = 0;
  for (let k = from; k < to; k++) total += Math.exp(values[k] - largest);
  return largest + Math.log(total);
}

/** p_ij = e^{z_ij} / Σ_k e^{z_ik}, r×c. */
export const softmax = (z: Tensor): Tensor => apply(SOFTMAX, [z], z.rows, z.columns, null);

/** log Σ_j e^{z_ij}, r×1. */
export const logSumExp = (z: Tensor): Tensor => apply(LOG_SUM_EXP, [z], z.rows, 1, { probabilities: softmax(z) });

/** z_ij − log Σ_k e^{z_ik}, r×c. */
export const logSoftmax = (z: Tensor): Tensor => sub(z, logSumExp(z));
