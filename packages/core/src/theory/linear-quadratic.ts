import { usageError } from "../errors.js";
import { normalDensity, normalDistribution } from "../stats/normal-distribution.js";
import { normalMean } from "../stats/quadrature.js";
import { dualDirection, dualExponent, type Exponent, norm } from "../threats/norms.js";
import { MEAN_ABSOLUTE_NORMAL, meanAbsolute, meanGaussianNorm, meanSign } from "./normal-lengths.js";
import { lossFactor, type SquaredLoss } from "./squared-loss.js";

/** y = β₁'x + (β₂'x)² + ξ, x ~ N(0, σ²I_m), ξ ~ N(0, σ_ξ²): the population of Theorem 5.1. */
export interface LinearQuadraticPopulation {
  /** m each. */
  readonly beta1: readonly number[];
  readonly beta2: readonly number[];
  /** σ */
  readonly sigmaX: number;
  /** σ_ξ */
  readonly sigmaXi: number;
  /** The p of the attack. */
  readonly norm: Exponent;
  /** Whether the models have an intercept; the paper's have none. */
  readonly intercept?: boolean;
  readonly loss?: SquaredLoss;
  /** c (default E‖x‖_p); 1 for an absolute radius. */
  readonly scale?: number;
}

/** What decides Theorem 5.1, and what the attack costs the two models, per ε². */
export interface LinearQuadraticSensitivities {
  /** S_L/ε² of the linear model. */
  readonly linear: number;
  /** S_Q/ε² of the quadratic model, which is the true one. */
  readonly quadratic: number;
}

/**
 * Theorem 5.1, the two sensitivities themselves (MATH 4), for l = s r²:
 *
 *   S_L = s c² (E|bz² + ξ|)² ‖φ_p(β₁)‖²/σ²,                                   b = ‖β₂‖²σ², z ~ N(0, 1)
 *   S_Q = s c² k'² [‖u‖²/σ² + (2/σ⁴)(‖W_s‖_F² − tr(W_s)²/(m+2))],             k' = √(2/π) σ_ξ
 *
 * u = E φ(t), W = E[tφ(t)]β₂'/‖β₂‖², φ(t) = φ_p(β₁ + 2β₂t), t ~ N(0, ‖β₂‖²σ²). With an intercept S_Q loses the trace term and S_L has
 * bz² − b for bz², and s c²‖β₁‖_q²(E sgn r)² more.
 * @throws usage: lengths that differ, β₁ = 0, σ ≤ 0, σ_ξ < 0.
 */
export function linearQuadraticSensitivities(population: LinearQuadraticPopulation): LinearQuadraticSensitivities {
  check(population);
  const { beta1, sigmaX, norm: p, loss = "half-squared" } = population;
  const c = population.scale ?? meanGaussianNorm(beta1.length, sigmaX, p);
  const factor = lossFactor(loss) * c * c;
  return { linear: factor * linearPart(population), quadratic: factor * quadraticPart(population) };
}

/** b = ‖β₂‖²σ² over √2 k' = (2/√π)σ_ξ: above 1 S_L > S_Q, whatever β₁ is, for p = 1, 2 and ∞ (MATH 4). */
export const curvatureOverNoise = ({
  beta2,
  sigmaX,
  sigmaXi,
}: Pick<LinearQuadraticPopulation, "beta2" | "sigmaX" | "sigmaXi">): number =>
  (norm(Float64Array.from(beta2), 2) * sigmaX) ** 2 / (Math.SQRT2 * MEAN_ABSOLUTE_NORMAL * sigmaXi);

/** The sufficient condition b > √2 k' for S_L > S_Q. Nothing free of β₁ can be sufficient for S_L < S_Q (MATH 4). */
export const linearCostsMore = (population: Pick<LinearQuadraticPopulation, "beta2" | "sigmaX" | "sigmaXi">): boolean =>
  curvatureOverNoise(population) > 1;

function linearPart({ beta1, beta2, sigmaX, sigmaXi, norm: p, intercept = false }: LinearQuadraticPopulation): number {
  const b = (norm(Float64Array.from(beta2), 2) * sigmaX) ** 2;
  const direction = new Float64Array(beta1.length);
  const dual = dualDirection(Float64Array.from(beta1), p, direction);
  const centre = intercept ? b : 0;
  // The mean of the residual given z changes its sign at |z| = 1, within a width of σ_ξ/b.
  const width = b > 0 ? Math.min(1, (4 * sigmaXi) / b) : 1;
  const kinks = [1 - width, 1, 1 + width, Math.sqrt(width)].flatMap((z) => [z, -z]);
  const [spread, sign] = normalMean(
    (z, out) => {
      const mu = b * z * z - centre;
      out[0] = meanAbsolute(mu, sigmaXi);
      out[1] = meanSign(mu, sigmaXi);
    },
    2,
    kinks,
  );
  return (spread * norm(direction, 2)) ** 2 / sigmaX ** 2 + (intercept ? (dual * sign) ** 2 : 0);
}

function quadraticPart(population: LinearQuadraticPopulation): number {
  const { beta2, sigmaX, sigmaXi, intercept = false } = population;
  const m = beta2.length;
  const length = norm(Float64Array.from(beta2), 2);
  const { mean: u, moment } = directionMoments(population, length * sigmaX);
  const linear = u.reduce((sum, value) => sum + value * value, 0) / sigmaX ** 2;
  let products = 0;
  if (length > 0) {
    // W_s = (ab' + ba')/2 with a = E[tφ], b = β₂/‖β₂‖².
    const [along, square] = [
      moment.reduce((sum, value, k) => sum + (value * beta2[k]) / length ** 2, 0),
      moment.reduce((sum, value) => sum + value * value, 0) / length ** 2,
    ];
    const frobenius = (square + along * along) / 2;
    products = (2 / sigmaX ** 4) * (frobenius - (intercept ? 0 : along ** 2 / (m + 2)));
  }
  return (MEAN_ABSOLUTE_NORMAL * sigmaXi) ** 2 * (linear + products);
}

/** E φ(t) and E[tφ(t)] for t ~ N(0, s²). */
function directionMoments({ beta1, beta2, norm: p }: LinearQuadraticPopulation, s: number) {
  const m = beta1.length;
  const gradient = new Float64Array(m);
  const phi = new Float64Array(m);
  const directionAt = (t: number): Float64Array => {
    for (let k = 0; k < m; k++) gradient[k] = beta1[k] + 2 * beta2[k] * t;
    dualDirection(gradient, p, phi);
    return phi;
  };
  if (s === 0) return { mean: directionAt(0).slice(), moment: new Float64Array(m) };
  const changes = directionChanges(beta1, beta2, p).map((t) => t / s);
  const moments =
    p === 1 || p === Number.POSITIVE_INFINITY
      ? piecewiseConstant(directionAt, m, changes, s)
      : normalMean(
          (z, out) => {
            const direction = directionAt(s * z);
            for (let k = 0; k < m; k++) {
              out[k] = direction[k];
              out[m + k] = s * z * direction[k];
            }
          },
          2 * m,
          changes,
        );
  return { mean: moments.subarray(0, m), moment: moments.subarray(m) };
}

/** Where φ_p(β₁ + 2β₂t) jumps or has a corner, or turns fast: zeros of a coordinate, ties for the largest, the shortest gradient. */
function directionChanges(beta1: readonly number[], beta2: readonly number[], p: Exponent): number[] {
  const changes: number[] = [];
  const zero = (a: number, b: number): void => {
    if (b !== 0) changes.push(-a / (2 * b));
  };
  beta1.forEach((value, j) => {
    zero(value, beta2[j]);
    if (p !== 1) return;
    for (let k = 0; k < j; k++) {
      zero(value - beta1[k], beta2[j] - beta2[k]);
      zero(value + beta1[k], beta2[j] + beta2[k]);
    }
  });
  const square = beta2.reduce((sum, value) => sum + value * value, 0);
  const closest = -beta1.reduce((sum, value, k) => sum + value * beta2[k], 0) / (2 * square);
  const shortest = norm(
    Float64Array.from(beta1, (value, k) => value + 2 * beta2[k] * closest),
    2,
  );
  const width = shortest / (2 * Math.sqrt(square));
  changes.push(closest, closest - width, closest + width);
  return changes;
}

/** E φ and E[tφ] in closed form where φ is constant between its changes: p = 1 and p = ∞. */
function piecewiseConstant(
  directionAt: (t: number) => Float64Array,
  m: number,
  changes: readonly number[],
  s: number,
): Float64Array {
  const ends = [Number.NEGATIVE_INFINITY, ...changes.toSorted((a, b) => a - b), Number.POSITIVE_INFINITY];
  const out = new Float64Array(2 * m);
  ends.slice(1).forEach((to, piece) => {
    const from = ends[piece];
    if (!(to > from)) return;
    const inside = Number.isFinite(from) ? (Number.isFinite(to) ? (from + to) / 2 : from + 1) : to - 1;
    const direction = directionAt(s * inside);
    const mass =
      from < 0
        ? normalDistribution(to) - normalDistribution(from)
        : normalDistribution(-from) - normalDistribution(-to);
    const moment = s * (normalDensity(from) - normalDensity(to));
    for (let k = 0; k < m; k++) {
      out[k] += mass * direction[k];
      out[m + k] += moment * direction[k];
    }
  });
  return out;
}

function check({ beta1, beta2, sigmaX, sigmaXi, norm: p }: LinearQuadraticPopulation): void {
  dualExponent(p);
  if (beta1.length !== beta2.length || beta1.length === 0)
    throw usageError(`β₁ and β₂ need one number per feature each, got ${beta1.length} and ${beta2.length}.`);
  if (beta1.every((value) => value === 0)) throw usageError("β₁ must not be 0: the linear model would have no slope.");
  if (!(sigmaX > 0 && sigmaXi >= 0))
    throw usageError(`σ must be above 0 and σ_ξ not negative, got ${sigmaX} and ${sigmaXi}.`);
}
