/** A model whose sums over rows are plain to see: l = ½(θ'v)² − yθ'v for v = (x, 1). */
import type { Block } from "../../src/index.js";
import { Matrix } from "../../src/linalg/matrix.js";
import type { Model } from "../../src/models/model.js";

const inputs = ({ x }: Block, i: number): number[] => [...x.row(i), 1];
const scoreOf = (v: readonly number[], theta: ArrayLike<number>): number =>
  v.reduce((sum, value, j) => sum + value * theta[j], 0);

const unasked = (): never => {
  throw new Error("Nobody asks for this.");
};

/** @param m features */
export const lines = (m: number): Model => ({
  parameterNames: Array.from({ length: m + 1 }, (_, j) => `t${j}`),
  penalised: Uint8Array.from({ length: m + 1 }, (_, j) => Number(j < m)),
  losses: (theta, block) =>
    Float64Array.from(block.y, (y, i) => {
      const f = scoreOf(inputs(block, i), theta);
      return 0.5 * f * f - y * f;
    }),
  gradient(theta, block) {
    const out = new Float64Array(m + 1);
    block.y.forEach((y, i) => {
      const v = inputs(block, i);
      v.forEach((value, j) => (out[j] += block.w[i] * (scoreOf(v, theta) - y) * value));
    });
    return out;
  },
  hessianProduct(_theta, block, vectors) {
    const out = Matrix.zeros(m + 1, vectors.columns);
    block.y.forEach((_y, i) => {
      const v = inputs(block, i);
      for (let k = 0; k < vectors.columns; k++) {
        const along = block.w[i] * scoreOf(v, vectors.column(k));
        v.forEach((value, j) => (out.data[j * vectors.columns + k] += along * value));
      }
    });
    return out;
  },
  inputGradients: unasked,
  mixedProduct: unasked,
});
