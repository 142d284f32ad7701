import { Matrix } from "../linalg/matrix.js";
import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import { dot, invertHessian } from "../solvers/inverse-hessian.js";
import { maximumMagnitude } from "../threats/norms.js";
import type { DivergenceName } from "../threats/threat.js";

/** ψ of the dual problem and the square of the radius at its solution, from t = μ + λ'g_i. */
interface Dual {
  readonly start: number;
  value(t: number): number;
  first(t: number): number;
  second(t: number): number;
  /** ρ² of the weights w'_i = w_iψ'(t_i). */
  square(mu: number, second: number): number;
}

const DUALS: Readonly<Record<DivergenceName, Dual>> = {
  chi2: {
    start: 1,
    value: (t) => 0.5 * Math.max(0, t) ** 2,
    first: (t) => Math.max(0, t),
    second: (t) => (t > 0 ? 1 : 0),
    square: (_, second) => second - 1,
  },
  kl: { start: 0, value: Math.exp, first: Math.exp, second: Math.exp, square: (mu) => 2 * mu },
};

const STEPS = 100;
const TOLERANCE = 1e-12;
/** Losses that differ by less than this share of the largest are the same. */
const SAME = 1e-9;
/** A multiplier this large says that no weights balance the gradients. */
const UNBOUNDED = 1e8;

/**
 * The radius from which on θ = 0 minimises the worst mean loss of reweighted rows, where it makes all losses the same (logistic and
 * Poisson losses do): the smallest ball with weights w' that balance the gradients there, Σ w'_i ∇θ l_i = 0, Σ w' = 1. By its dual
 * min_{μ,λ} Σ w ψ(μ + λ'∇l_i) − μ, w'_i = w_iψ'. Infinity where there are none, or where losses at θ = 0 differ.
 */
export async function equalLossRadius(fit: Fit, divergence: DivergenceName, work: Work = {}): Promise<number> {
  const { data, model } = fit;
  const { loss, map } = model;
  const level = loss.value(0, data.y[0]);
  const away = data.y.map((y) => loss.value(0, y) - level);
  if (maximumMagnitude(away) > SAME * Math.abs(level)) return Number.POSITIVE_INFINITY;
  const dual = DUALS[divergence];
  const d = map.count;
  const slopes = data.y.map((y) => loss.first(0, y));
  let at = await evaluate(dual.start, new Float64Array(d));
  for (let step = 0; step < STEPS; step++) {
    const direction = invertHessian(at.hessian)
      .solve(at.gradient)
      .map((value) => -value);
    const slope = dot(direction, at.gradient);
    if (maximumMagnitude(at.gradient) <= TOLERANCE * at.size)
      return Math.sqrt(Math.max(0, dual.square(at.mu, at.second)));
    let next: typeof at | null = null;
    for (let t = 1; t > 1e-10 && next === null; t /= 2) {
      const lambda = at.lambda.map((value, j) => value + t * direction[j + 1]);
      const candidate = await evaluate(at.mu + t * direction[0], lambda);
      if (candidate.value <= at.value + 1e-4 * t * slope + 1e-15 * Math.abs(at.value)) next = candidate;
    }
    if (next === null || !(maximumMagnitude(next.lambda) < UNBOUNDED)) break;
    at = next;
  }
  return maximumMagnitude(at.gradient) <= 1e-8 * at.size
    ? Math.sqrt(Math.max(0, dual.square(at.mu, at.second)))
    : Number.POSITIVE_INFINITY;

  async function evaluate(mu: number, lambda: Float64Array) {
    let [value, total, second, curved, size] = [-mu, 0, 0, 0, 0];
    const { pull, grams } = await sweep(
      map,
      data,
      { theta: asColumn(lambda), pull: 2, grams: 1, phase: "equal losses" },
      ({ block: { y, w, firstRow }, scores, pull: omega, grams: [gram] }) => {
        for (let i = 0; i < y.length; i++) {
          const slopeOf = slopes[firstRow + i];
          const t = mu + slopeOf * scores.data[i];
          const [weight, bend] = [w[i] * dual.first(t), w[i] * dual.second(t)];
          value += w[i] * dual.value(t);
          total += weight;
          second += weight * t;
          curved += bend;
          size = Math.max(size, Math.abs(slopeOf));
          omega.data[2 * i] = weight * slopeOf;
          omega.data[2 * i + 1] = bend * slopeOf;
          gram[i] = bend * slopeOf * slopeOf;
        }
      },
      work,
    );
    const gradient = Float64Array.from({ length: d + 1 }, (_, j) => (j === 0 ? total - 1 : pull.data[2 * (j - 1)]));
    const hessian = Matrix.zeros(d + 1, d + 1);
    hessian.data[0] = curved;
    for (let i = 0; i < d; i++) {
      hessian.data[(i + 1) * (d + 1)] = pull.data[2 * i + 1];
      for (let j = 0; j <= i; j++) hessian.data[(i + 1) * (d + 1) + j + 1] = grams[0].data[i * d + j];
    }
    return { mu, lambda, value, second, gradient, hessian, size: Math.max(1, size) };
  }
}
