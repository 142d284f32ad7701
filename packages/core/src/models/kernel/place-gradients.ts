import { Matrix } from "../../linalg/matrix.js";
import { productTransposed, scaled, scaledRows, sideBySide } from "../../linalg/products.js";
import { timeSlices, type Work } from "../../parallel/work.js";
import { type KernelPoints, pointRange, rowRanges } from "./kernel.js";
import type { KernelRidgeSettings } from "./kernel-ridge.js";

/** Where the rows stand and what their losses are there. */
export interface KernelPoint {
  /** x + δ (n×m), and the centres of f: the same where they move. */
  readonly moved: KernelPoints;
  readonly centres: KernelPoints;
  /** n×k each: θ, and f − y there. */
  readonly theta: Matrix;
  readonly residuals: Matrix;
  readonly weights: Float64Array;
}

/**
 * n×m: g_i = ∇L in the place of row i (MATH 7), Σ_j C_ij ∂₁K(x_i, x_j) with C = PQ' of rank 2k: 2(w_ir_iθ_j + θ_iw_jr_j) where
 * centres move, with 2λθ_iθ_j more of the penalty λθ'Kθ; 2w_ir_iθ_j where they stay.
 */
export async function placeGradients(
  { moved, centres, theta, residuals, weights }: KernelPoint,
  { kernel, centres: rule, penalty, ridge }: KernelRidgeSettings,
  work: Work = {},
): Promise<Matrix> {
  const pulled = scaledRows(residuals, weights, 2);
  const moving = rule === "move";
  const left = [
    pulled,
    ...(moving ? [theta] : []),
    ...(moving && penalty === "rkhs" ? [scaled(2 * ridge, theta)] : []),
  ];
  const right = [theta, ...(moving ? [pulled] : []), ...(moving && penalty === "rkhs" ? [theta] : [])];
  const [P, Q] = [sideBySide(left), sideBySide(right)];
  const { x } = moved;
  const out = Matrix.zeros(x.rows, x.columns);
  const slices = timeSlices(work);
  for (const [from, to] of rowRanges(x.rows, centres.x.rows)) {
    const C = productTransposed(P.rowRange(from, to), Q);
    out.data.set(kernel.pull(pointRange(moved, from, to), centres, C).data, from * x.columns);
    if (slices.due()) await slices.pause({ phase: "influence", done: to, total: x.rows });
  }
  return out;
}
