import type { Block } from "../../data/dataset.js";
import { Matrix } from "../../linalg/matrix.js";
import type { Model } from "../../models/model.js";
import type { Work } from "../../parallel/work.js";
import { eachBlock } from "../../solvers/model-risk.js";
import { norm } from "../../threats/norms.js";
import { gaussian, rateOf, twoLargest } from "../gradient-density.js";
import type { Sampling } from "../sampling.js";
import type { ModelPoint } from "./point.js";

/** z ↦ Ψz for every row, given the rows' input gradients: Ψ is the curvature (m×m) of the norm that they add to the penalty. */
export type NormCurvature = (gradients: Matrix) => (moved: Matrix) => Matrix;

/**
 * What the corners of the dual norm add to its curvature in expectation (MATH 3): at p = ∞ Ψ = Σ_k 2b_k K_{h_k}(g_k) e_ke_k',
 * h_k = 1.06 sd(g_·k) n^{−1/5}; at p = 1 Ψ = K_h(gap) aa' with a = s_1b_1e_1 − s_2b_2e_2 over the two largest b_k|g_k|,
 * h = 1.06 √(Σw gap²) n^{−1/5}. null for other p. Where a corner lies depends on the direction of g_i only: with `directions`
 * densities are those of |g_k|/‖g_i‖ and gap/‖g_i‖, since many small g_i (rows that are surely right) are no corners.
 * @param model whose input gradients have the corners.
 */
export async function cornerDensity(
  model: Model,
  { data, parameters }: Pick<ModelPoint, "data" | "parameters">,
  { p, budgets }: { readonly p: number; readonly budgets: Float64Array },
  sampling: Partial<Sampling>,
  directions: boolean,
  work: Work = {},
): Promise<NormCurvature | null> {
  if (p !== 1 && p !== Infinity) return null;
  const m = budgets.length;
  const mean = new Float64Array(m);
  const squares = new Float64Array(m);
  // Σ w gap², Σ w²
  const scalars = new Float64Array(2);
  const visit = (block: Block): void => {
    const g = model.inputGradients(parameters, block);
    for (let i = 0; i < g.rows; i++) {
      const size = sizeOf(g.row(i), directions);
      const row = g.row(i).map((value) => (directions ? Math.abs(value) : value) / size);
      for (let k = 0; k < m; k++) {
        mean[k] += block.w[i] * row[k];
        squares[k] += block.w[i] * row[k] ** 2;
      }
      if (p === 1) scalars[0] += block.w[i] * twoLargest(row, budgets).gap ** 2;
      scalars[1] += block.w[i] ** 2;
    }
  };
  await eachBlock(data, "inference", work, visit, [mean, squares, scalars]);
  const [gaps, weights] = scalars;
  const rate = rateOf(weights, sampling);
  // Where all rows have the same gradient its variance is rounding, and no row can meet a corner.
  const variances = squares.map((square, k) => {
    const variance = square - mean[k] ** 2;
    return variance > ROUNDING * square ? variance : 0;
  });
  if (variances.every((variance) => variance === 0)) return null;
  if (p === 1) return gaps > 0 ? gapCurvature(budgets, 1.06 * Math.sqrt(gaps) * rate, directions) : null;
  return coordinateCurvature(
    budgets,
    variances.map((variance) => 1.06 * Math.sqrt(variance) * rate),
    directions,
  );
}

const ROUNDING = 1e-12;

const coordinateCurvature =
  (budgets: Float64Array, widths: Float64Array, directions: boolean): NormCurvature =>
  (gradients) => {
    const factors = new Float64Array(gradients.data.length);
    for (let i = 0, at = 0; i < gradients.rows; i++) {
      const size = sizeOf(gradients.row(i), directions);
      for (let k = 0; k < gradients.columns; k++, at++) {
        const h = size * widths[k];
        if (h > 0) factors[at] = (2 * budgets[k] * gaussian(gradients.data[at] / h)) / h;
      }
    }
    return (moved) =>
      new Matrix(
        moved.data.map((z, at) => factors[at] * z),
        moved.rows,
        moved.columns,
      );
  };

const gapCurvature =
  (budgets: Float64Array, width: number, directions: boolean): NormCurvature =>
  (gradients) =>
  (moved) => {
    const out = Matrix.zeros(moved.rows, moved.columns);
    for (let i = 0; i < moved.rows; i++) {
      const g = gradients.row(i);
      const z = moved.row(i);
      const { first, second, gap } = twoLargest(g, budgets);
      if (second < 0) continue;
      const h = width * sizeOf(g, directions);
      const [a, b] = [Math.sign(g[first]) * budgets[first], -Math.sign(g[second]) * budgets[second]];
      const along = (gaussian(gap / h) / h) * (a * z[first] + b * z[second]);
      out.row(i)[first] = a * along;
      out.row(i)[second] = b * along;
    }
    return out;
  };

/** ‖g_i‖ where rows are compared by their directions, else 1. */
const sizeOf = (g: Float64Array, directions: boolean): number => (directions ? norm(g, 2) || 1 : 1);
