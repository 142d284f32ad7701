import { Matrix } from "../../linalg/matrix.js";
import { combined, product, scaledRows, transposedProduct } from "../../linalg/products.js";
import { dot } from "../../solvers/inverse-hessian.js";
import type { KernelFit } from "../../solvers/kernel-fit.js";
import type { KernelWorstCase } from "./worst-case.js";

/** The gradient of R_ε at θ, where the attack is the worst one there. */
export interface KernelRobustGradient {
  /** ½∇R_ε (n×k) */
  readonly half: Matrix;
  /** (½H)⁻¹·½∇R_ε, H that of the rows as they are: minus Newton's step. */
  readonly step: Matrix;
  /** ‖∇R_ε‖_{H⁻¹} */
  readonly length: number;
}

/**
 * ½∇R_ε = K_δ'Wr_δ + λθ; with the penalty λθ'Kθ that is K_δ(Wr_δ + λθ) where centres move, whose step is S⁻¹(r_δ + λW⁻¹θ) with
 * the rows' own S = K + λW⁻¹, right to first order; and K_δ'Wr_δ + λKθ where they stay.
 */
export function kernelRobustGradient(
  fit: KernelFit,
  theta: Matrix,
  { gram, residuals }: Pick<KernelWorstCase, "gram" | "residuals">,
): KernelRobustGradient {
  const { weights, ridge, penalty, centres, system } = fit;
  const pulled = scaledRows(residuals, weights);
  if (penalty === "rkhs" && centres === "move") {
    const inner = combined(1, pulled, ridge, theta);
    const half = product(gram, inner);
    const step = system.solve(
      scaledRows(
        inner,
        weights.map((w) => 1 / w),
      ),
      null,
    );
    return { half, step, length: lengthOf(half, step) };
  }
  const half = combined(
    1,
    transposedProduct(gram, pulled),
    ridge,
    penalty === "rkhs" ? product(fit.gram, theta) : theta,
  );
  const step = system.solve(null, half);
  return { half, step, length: lengthOf(half, step) };
}

const lengthOf = (half: Matrix, step: Matrix): number => Math.sqrt(Math.max(0, 2 * dot(half.data, step.data)));

/** ‖V‖_H (n×k) */
export const kernelLength = ({ system }: KernelFit, V: Matrix): number =>
  Math.sqrt(Math.max(0, 2 * dot(V.data, system.times(V).data)));
