import { Matrix } from "../linalg/matrix.js";
import { dot } from "../solvers/inverse-hessian.js";
import type { Influence } from "./aif.js";
import { image, product } from "./sandwich-inverse.js";

/** How noise in γ bends the dual norm N = ‖b⊙γ‖_q on average. */
export interface NormBias {
  /** (E N̂ − N)/N */
  readonly growth: number;
  /** V·(E∇N̂ − ∇N) (d) */
  readonly turn: Float64Array;
}

/**
 * E N̂ − N = ν and E∇N̂ − ∇N = ∇ν with ν(γ) = ½tr(∇²N C), C the covariance of γ̂: at p = 2, with g = b²⊙γ,
 * ν = ½[Σb²_kC_kk/N − g'Cg/N³]. Zero for other p.
 * @param spread Cov(θ̂) (d×d)
 */
export function normCurvatureBias({ fit, threat, pull }: Influence, spread: Matrix): NormBias {
  const { map } = fit.model;
  const { p, budgets } = threat.settings;
  const gamma = pull.gamma?.data ?? new Float64Array(map.inputs);
  const N = Math.hypot(...gamma.map((value, k) => value * budgets[k]));
  if (p !== 2 || N === 0) return { growth: 0, turn: new Float64Array(map.count) };
  const m = map.inputs;
  const units = Matrix.zeros(m, m);
  for (let k = 0; k < m; k++) units.data[k * (m + 1)] = 1;
  // Row k is V e_k.
  const V = map.jacobianTimes(Matrix.zeros(0, m), units);
  const spreadV = product(V, spread);
  const g = gamma.map((value, k) => budgets[k] ** 2 * value);
  // C = V·spread·V'
  const Cg = image(spreadV, image(V, g, true));
  let [trace, form] = [0, 0];
  for (let k = 0; k < m; k++) {
    trace += budgets[k] ** 2 * dot(spreadV.row(k), V.row(k));
    form += g[k] * Cg[k];
  }
  const turn = g.map(
    (value, k) => 0.5 * ((-trace * value - 2 * budgets[k] ** 2 * Cg[k]) / N ** 3 + (3 * form * value) / N ** 5),
  );
  return { growth: (trace / N - form / N ** 3) / (2 * N), turn: image(V, turn, true) };
}
