import type { Matrix } from "../../linalg/matrix.js";
import { columnRange, combined, product, scaledRows, sideBySide } from "../../linalg/products.js";
import { kernelSum } from "../../models/kernel/kernel-ridge.js";
import type { Work } from "../../parallel/work.js";
import { dot } from "../../solvers/inverse-hessian.js";
import { alongDirections, type KernelInfluence } from "./aif.js";

/** What the natural loss of the training rows does along θ̂ + εI: slope·ε + curvature·ε², exactly (MATH 7). */
export interface KernelSensitivity {
  /** ∇(Σw‖Kθ−y‖²)'I; −2λθ̂'I at the fit under the penalty λ‖θ‖². */
  readonly slope: number;
  /** Σw‖KI‖² */
  readonly curvature: number;
  /** ½I'HI, what the penalised objective rises by. */
  readonly penalised: number;
}

/**
 * Slope and curvature of the natural training loss along I, per ε and ε², and the rise of the penalised objective (MATH
 * 7).
 */
export function kernelSensitivity({ fit, influence: I }: KernelInfluence): KernelSensitivity {
  const { gram, weights, residuals, system } = fit;
  const moved = product(gram, I);
  return {
    slope: 2 * dot(scaledRows(residuals, weights).data, moved.data),
    curvature: dot(scaledRows(moved, weights).data, moved.data),
    penalised: dot(I.data, system.times(I).data),
  };
}

/** r×k: how the predictions at points (r×m) change per unit of ε, centres where they were: Σ_j I_j K(x, x_j). */
export const predictionChanges = ({ fit, influence }: KernelInfluence, points: Matrix): Matrix =>
  kernelSum(fit.kernel, points, fit.points, influence);

/**
 * n: what the attack on each row contributes to Σw‖KI‖², summing to it (MATH 14.11): with s = H⁻¹(2KWK·I) and q = WKs,
 * row i's part of E gives −2c[q_i·(Fθ)_i + θ_i·(Fq)_i + s_i·(F·Wr)_i + (Wr)_i·(Fs)_i] / 2.
 */
export async function kernelRowContributions(
  { fit, influence: I, directions, scale }: KernelInfluence,
  work: Work = {},
): Promise<Float64Array> {
  const { gram, weights, theta, residuals, system, centres, penalty, ridge } = fit;
  const s = system.solve(product(gram, I), null);
  const q = scaledRows(product(gram, s), weights);
  const pulled = scaledRows(residuals, weights);
  // The penalty λθ'Kθ adds λEθ to E·Wr where centres move.
  const own = centres === "move" && penalty === "rkhs" ? combined(1, pulled, ridge, theta) : pulled;
  const k = theta.columns;
  const V = sideBySide([theta, own, q, s]);
  const { forwards } = await alongDirections(fit, directions, V, work);
  const part = (block: number): Matrix => columnRange(forwards, block * k, (block + 1) * k);
  const [Ftheta, Fown, Fq, Fs] = [part(0), part(1), part(2), part(3)];
  const moving = centres === "move" ? 1 : 0;
  const out = new Float64Array(theta.rows);
  for (let i = 0, at = 0; i < out.length; i++) {
    for (let o = 0; o < k; o++, at++) {
      const stay = q.data[at] * Ftheta.data[at] + own.data[at] * Fs.data[at];
      const move = theta.data[at] * Fq.data[at] + s.data[at] * Fown.data[at];
      out[i] -= scale * (stay + moving * move);
    }
  }
  return out;
}

/** n·k: I_j(2KWK·I)_j/2, summing to Σw‖KI‖². */
export function kernelParameterContributions({ fit, influence: I }: KernelInfluence): Float64Array {
  const image = product(fit.gram, scaledRows(product(fit.gram, I), fit.weights));
  return I.data.map((value, at) => value * image.data[at]);
}
