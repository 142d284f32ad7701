import { Matrix } from "../linalg/matrix.js";
import type { RobustGradient, RobustPoint } from "../robust/robust-gradient.js";
import { solveBoxSimplex } from "../solvers/box-simplex-qp.js";
import { dot } from "../solvers/inverse-hessian.js";
import { maximumMagnitude } from "../threats/norms.js";
import type { Influence } from "./aif.js";
import { SNAP } from "./kinks.js";

/** A point from which the error of θ̂ + εI is judged: its own distance counts towards the error. */
export interface Candidate extends RobustPoint {
  readonly gradient: Float64Array;
  /** θ̂ + εI − θ (d) */
  readonly away: Float64Array;
  /** f_i(θ), where it is known. */
  readonly score?: ((row: number) => number) | undefined;
}

/** A corner of the robust risk near θ̂ + εI: coefficients at 0 (p = ∞) or tied for the largest (p = 1), as parameter indices. */
export interface Corner {
  readonly point: RobustPoint;
  readonly zeros: readonly number[];
  readonly ties: readonly number[];
}

/**
 * Where coefficients of θ̂ + εI have changed sign (p = ∞), the gradient there has jumped, though the optimum has them near 0. The
 * point with those coefficients at 0 lies close by and has a whole interval of subgradients (MATH 14.10). The same holds where
 * coefficients stay at 0, or tied at p = 1, as the one-sided influence keeps them. null where there is no corner nearby.
 */
export function snapToCorner({ fit, threat, multipliers }: Influence, { theta, radius }: RobustPoint): Corner | null {
  const { p, budgets } = threat.settings;
  const { parameters, model } = fit;
  if (!model.map.ownCoefficients) return null;
  const first = model.map.intercept ? 1 : 0;
  const attacked = [...budgets.keys()].filter((k) => budgets[k] > 0);
  if (p === 1) {
    const sizes = budgets.map((b, k) => b * Math.abs(theta[first + k]));
    const largest = maximumMagnitude(sizes);
    const tied = multipliers?.ties.map(({ feature }) => feature) ?? [];
    const ties = tied.filter((k) => sizes[k] >= (1 - SNAP) * largest).map((k) => first + k);
    return ties.length > 1 ? { point: { theta, radius }, zeros: [], ties } : null;
  }
  if (p !== Infinity) return null;
  const tiny = SNAP * maximumMagnitude(theta.subarray(first));
  const stuck = new Set(multipliers?.coordinates.map(({ feature }) => feature));
  const zeros = attacked
    .filter((k) => parameters[first + k] * theta[first + k] < 0 || (stuck.has(k) && Math.abs(theta[first + k]) <= tiny))
    .map((k) => first + k);
  if (zeros.length === 0) return null;
  const snapped = theta.slice();
  for (const j of zeros) snapped[j] = 0;
  return { point: { theta: snapped, radius }, zeros, ties: [] };
}

/** The corner with its subgradient of least H⁻¹-norm. @param score f_i there, where they are known */
export function leastNormCandidate(
  { fit, threat }: Influence,
  { point, zeros, ties }: Corner,
  { gradient, pull }: RobustGradient,
  target: Float64Array,
  score: Candidate["score"],
): Candidate {
  const { budgets } = threat.settings;
  const first = fit.model.map.intercept ? 1 : 0;
  const least = gradient.slice();
  // Each multiplier adds `size` to one coordinate of the gradient.
  const size = (j: number): number => point.radius * budgets[j - first] * pull;
  const signed = (j: number): number => Math.sign(point.theta[j]) * size(j);
  const sizes = [...zeros.map(size), ...ties.map(signed)];
  const free = [...zeros, ...ties];
  if (ties.length > 0) {
    const largest = (j: number): number => budgets[j - first] * Math.abs(point.theta[j]);
    const chosen = ties.reduce((best, j) => (largest(j) > largest(best) ? j : best));
    least[chosen] -= signed(chosen);
  }
  const solved = free.map((j, a) => fit.inverse.solve(Float64Array.from(gradient, (_, i) => (i === j ? sizes[a] : 0))));
  const K = free.length;
  const G = Matrix.zeros(K, K);
  for (let a = 0; a < K; a++) for (let b = 0; b < K; b++) G.data[a * K + b] = sizes[a] * solved[b][free[a]];
  const multipliers = solveBoxSimplex({
    G,
    g: Float64Array.from(solved, (column) => dot(column, least)),
    lower: new Float64Array(K).fill(-1),
    upper: new Float64Array(K).fill(1),
    simplex: [...free.keys()].slice(zeros.length),
  });
  free.forEach((j, a) => {
    least[j] += (multipliers?.[a] ?? (a < zeros.length ? 0 : 1 / ties.length)) * sizes[a];
  });
  const away = target.map((value, j) => value - point.theta[j]);
  return { ...point, gradient: least, away, score };
}
