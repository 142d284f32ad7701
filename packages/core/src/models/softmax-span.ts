/**
 * Softmax regression as an adversary of the Euclidean norm sees it: all input gradients B'δ_i lie in the span of the K rows of B, and with
 * an orthonormal basis E of the rows of B diag(b), B diag(b) = CE, both b ⊙ B'δ_i = E'C'δ_i and what answers it have K coordinates.
 */
import type { Block } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import { orthonormalRows } from "../linalg/orthonormal-rows.js";
import { product, productTransposed, transposedProduct } from "../linalg/products.js";
import { finite } from "./finite.js";
import type { InputSpan } from "./model.js";
import { curveInPlace, type SoftmaxRows, weighInPlace } from "./softmax-rows.js";

/** @param forward p and δ of a block's rows (r×K) at θ */
export function softmaxSpan(
  rows: SoftmaxRows,
  theta: Float64Array,
  budgets: Float64Array,
  forward: (block: Block) => { readonly p: Matrix; readonly delta: Matrix },
): InputSpan {
  const { first, features: m } = rows;
  const weights = rows.weights(theta);
  const timesBudgets = (of: Matrix): Matrix =>
    new Matrix(
      of.data.map((value, at) => value * budgets[at % m]),
      of.rows,
      m,
    );
  const scaled = timesBudgets(weights);
  const basis = orthonormalRows(scaled);
  const coordinates = productTransposed(scaled, basis);
  const moves = timesBudgets(basis);
  return {
    size: basis.rows,
    mixedProducts(block, answers) {
      const { p, delta } = forward(block);
      return answers(product(delta, coordinates), 0).map(({ directions, weights: omega }) => {
        const out = new Float64Array(rows.count);
        rows.addPullback(block.x, curveInPlace(productTransposed(directions, coordinates), p, omega), out);
        const weighted = weighInPlace(new Matrix(delta.data.slice(), delta.rows, delta.columns), omega);
        // Σ ω δ ⊗ φ = (Σ ω δψ') E diag(b) for the coordinates ψ of φ
        const own = product(transposedProduct(weighted, directions), moves);
        for (let at = 0; at < own.data.length; at++) out[first + at] += own.data[at];
        return finite("mixed product", out);
      });
    },
  };
}
