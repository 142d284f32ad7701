import { throwIfAborted } from "../errors.js";
import { ensureBlas } from "../linalg/backend.js";
import type { Matrix } from "../linalg/matrix.js";
import { combined, product, scaledRows } from "../linalg/products.js";
import { type Coincidence, checkRows } from "../models/kernel/coincidence.js";
import { gramOf, type KernelPoints, kernelPoints } from "../models/kernel/kernel.js";
import { checkKernelRidge, type KernelRidgeSettings, type KernelRows } from "../models/kernel/kernel-ridge.js";
import type { Work } from "../parallel/work.js";
import { dot } from "./inverse-hessian.js";
import { type KernelSystem, kernelSystem } from "./kernel-system.js";

/** θ̂ of a kernel regression with everything that its influence needs. */
export interface KernelFit extends KernelRidgeSettings {
  readonly points: KernelPoints;
  readonly y: Matrix;
  readonly weights: Float64Array;
  /** K (n×n) */
  readonly gram: Matrix;
  readonly system: KernelSystem;
  /** θ̂ (n×k) */
  readonly theta: Matrix;
  /** Kθ̂ − y (n×k) */
  readonly residuals: Matrix;
  /** Σ w_i‖f(x_i) − y_i‖² */
  readonly naturalLoss: number;
  /** max |∇L| relative to what its terms could add up to. */
  readonly gradientNorm: number;
  /** Rows that repeat others, which a smooth kernel can bear. */
  readonly repeated: Coincidence | null;
}

/** What is known of the rows of a kernel regression before it is fitted. */
export interface KernelFitOptions extends Work {
  /** What messages call a row; default "Row 0", … */
  readonly nameOf?: (row: number) => string;
  /** K of the rows, where it is known; the rows are taken to be checked then. */
  readonly gram?: Matrix;
  /** What `checkRows` found of them. */
  readonly repeated?: Coincidence | null;
}

/**
 * Fits a kernel regression: K, one Cholesky factorisation, k solutions.
 * @throws usage: λ ≤ 0, shapes, a kernel with a cusp at centres that stay. input: rows where the kernel has no derivative, or
 *   entries that are not finite. numerical: a system that is not positive definite in floating point.
 */
export async function kernelFit(
  rows: KernelRows,
  settings: KernelRidgeSettings,
  { signal, onProgress, nameOf = (i) => `row ${i}`, gram: known, repeated: found = null }: KernelFitOptions = {},
): Promise<KernelFit> {
  checkKernelRidge(settings);
  await ensureBlas();
  throwIfAborted(signal);
  const { y, weights } = rows;
  const points = kernelPoints(rows.x);
  onProgress?.({ phase: "fitting", done: 0, total: 3 });
  const repeated = known ? found : checkRows(settings.kernel, points, nameOf);
  const gram = known ?? gramOf(settings.kernel, points);
  throwIfAborted(signal);
  onProgress?.({ phase: "fitting", done: 1, total: 3 });
  const system = kernelSystem(gram, weights, settings);
  throwIfAborted(signal);
  onProgress?.({ phase: "fitting", done: 2, total: 3 });
  const theta = system.solve(y, null);
  const residuals = combined(1, product(gram, theta), -1, y);
  return {
    ...settings,
    points,
    y,
    weights,
    gram,
    system,
    theta,
    residuals,
    naturalLoss: dot(scaledRows(residuals, weights).data, residuals.data),
    gradientNorm: relativeGradient({ gram, weights, theta, residuals }, settings),
    repeated,
  };
}

/** max |KWr + λθ| (rkhs: of λK⁻¹-free form Wr + λθ) beside the largest sum of magnitudes of its terms. */
export function relativeGradient(
  { gram, weights, theta, residuals }: Pick<KernelFit, "gram" | "weights" | "theta" | "residuals">,
  { ridge, penalty }: KernelRidgeSettings,
): number {
  const weighted = scaledRows(residuals, weights);
  const g = penalty === "rkhs" ? weighted : product(gram, weighted);
  let [worst, size] = [0, 0];
  const largest = gram.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const pulls = weighted.data.reduce((sum, value) => sum + Math.abs(value), 0);
  for (let at = 0; at < g.data.length; at++) {
    worst = Math.max(worst, Math.abs(g.data[at] + ridge * theta.data[at]));
    size = Math.max(size, ridge * Math.abs(theta.data[at]));
  }
  const scale = size + (penalty === "rkhs" ? pulls : largest * pulls);
  return scale > 0 ? worst / scale : 0;
}
