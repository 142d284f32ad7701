import type { Block } from "../../data/dataset.js";
import { Matrix } from "../../linalg/matrix.js";
import { combined, product, productTransposed, scaledRows, transposedProduct } from "../../linalg/products.js";
import type { Model, Predictor } from "../model.js";
import type { Kernel, KernelPoints } from "./kernel.js";
import { kernelPoints } from "./kernel.js";
import { kernelTargets, squaredDistances } from "./kernel-ridge.js";

/**
 * The predictions of a kernel regression, its centres held still: linear in θ with the basis v(x) = K(x, x_j), so that every
 * formula of a row-separable loss applies (MATH 1). θ is n·k, row after row; the target is a number, ±1, or a class of k.
 */
export function kernelPredictor(
  kernel: Kernel,
  centres: KernelPoints,
  parameterNames: readonly string[],
): Model & Predictor {
  const n = centres.x.rows;
  const k = parameterNames.length / n;
  const shaped = (theta: Float64Array): Matrix => new Matrix(theta, n, k);
  const basis = (x: Matrix): Matrix => kernel.values(kernelPoints(x), centres);
  const outputs = (theta: Float64Array, x: Matrix): Matrix => product(basis(x), shaped(theta));
  const residuals = (theta: Float64Array, { x, y }: Pick<Block, "x" | "y">): Matrix =>
    combined(1, outputs(theta, x), -1, kernelTargets(y, k));
  return {
    parameterNames,
    penalised: new Uint8Array(n * k).fill(1),
    convex: true,
    outputs,
    losses: (theta, { x, y }) => squaredDistances(outputs(theta, x), kernelTargets(y, k)),
    gradient: (theta, block) => transposedProduct(basis(block.x), scaledRows(residuals(theta, block), block.w, 2)).data,
    // ∇x l_i = 2 Σ_j (r_i·θ_j) ∂₁K(x_i, x_j)
    inputGradients(theta, block) {
      const r = residuals(theta, block);
      for (let at = 0; at < r.data.length; at++) r.data[at] *= 2;
      return kernel.pull(kernelPoints(block.x), centres, productTransposed(r, shaped(theta)));
    },
    lossSlopes(theta, { x, y }, u) {
      const v = basis(x);
      const r = combined(1, product(v, shaped(theta)), -1, kernelTargets(y, k));
      const f = product(v, shaped(u));
      const out = new Float64Array(y.length);
      for (let i = 0, at = 0; i < out.length; i++)
        for (let o = 0; o < k; o++, at++) out[i] += 2 * r.data[at] * f.data[at];
      return out;
    },
    mixedProduct(theta, block, directions, weights) {
      const slopes = kernel.slopes(kernelPoints(block.x), centres, directions);
      const turned = transposedProduct(basis(block.x), scaledRows(product(slopes, shaped(theta)), weights, 2));
      const moved = transposedProduct(slopes, scaledRows(residuals(theta, block), weights, 2));
      return turned.data.map((value, at) => value + moved.data[at]);
    },
    hessianProduct(_, block, vectors) {
      const v = basis(block.x);
      const out = Matrix.zeros(n * k, vectors.columns);
      for (let c = 0; c < vectors.columns; c++) {
        const f = scaledRows(product(v, shaped(vectors.column(c))), block.w, 2);
        transposedProduct(v, f).data.forEach((value, at) => {
          out.data[at * vectors.columns + c] = value;
        });
      }
      return out;
    },
  };
}
