/**
 * A network as an adversary of the Euclidean norm sees it: with the first layer's scores z = xW' + a, all input gradients W'∂l/∂z lie in
 * the span of the rows of W, and with an orthonormal basis E of the rows of W diag(b), W diag(b) = CE, both b ⊙ ∇x l = E'C'∂l/∂z and what
 * answers it have as many coordinates as E has rows. E stays as it is where θ moves: C = W(E diag(b))' moves with W.
 */
import { matmul, pullback, scope, type Tensor } from "../autodiff/index.js";
import type { Block } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import { orthonormalRows } from "../linalg/orthonormal-rows.js";
import { matrixTensor } from "./autodiff-model.js";
import { mixedSums } from "./mixed-sums.js";
import type { InputSpan } from "./model.js";
import type { ParameterLayout } from "./parameter-layout.js";

/** Units of the first layer beside features up to which their span is worth a basis. */
const SPAN_SHARE = 2 / 3;

/** A network whose first block of θ is W (h×m), the weights of its first layer. */
export interface LayeredLosses {
  readonly layout: ParameterLayout<string>;
  /** Of a block of r rows: z (r×h), and the losses (r×1) made of it. */
  readonly evaluate: (theta: readonly Tensor[], block: Block) => { readonly scores: Tensor; readonly losses: Tensor };
}

/** null where the first layer is not far narrower than the rows. @param vector θ (d) @param budgets b (m) */
export function networkSpan(
  { layout, evaluate }: LayeredLosses,
  vector: Float64Array,
  budgets: Float64Array,
): InputSpan | null {
  const [{ values, rows: h, columns: m }] = layout.tensors(vector);
  if (h > SPAN_SHARE * m) return null;
  const basis = orthonormalRows(timesBudgets(new Matrix(values, h, m), budgets));
  const moves = timesBudgets(basis, budgets);
  return {
    size: basis.rows,
    mixedProducts: (block, answers) =>
      scope(() => {
        const theta = layout.tensors(vector);
        const { scores, losses } = evaluate(theta, block);
        const coordinates = matmul(theta[0], matrixTensor(moves), { transposeB: true });
        const inputSlopes = (seed: Tensor): Tensor => matmul(pullback(losses, seed, [scores])[0], coordinates);
        return mixedSums({ layout, theta, losses, inputSlopes }, answers);
      }),
  };
}

const timesBudgets = ({ data, rows, columns }: Matrix, budgets: Float64Array): Matrix =>
  new Matrix(
    data.map((value, at) => value * budgets[at % columns]),
    rows,
    columns,
  );
