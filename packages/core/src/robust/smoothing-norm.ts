import type { Matrix } from "../linalg/matrix.js";
import { maximumMagnitude, norm } from "../threats/norms.js";
import type { RobustProblem } from "./optimum-problem.js";

/** N(θ) = ‖b⊙β‖_q, or a smooth stand-in, with its derivatives in θ. */
export interface NormParts {
  readonly value: number;
  /** ∂N (d), 0 on the intercept and on frozen features. */
  readonly gradient: Float64Array;
  /** out (d×d, lower triangle) += factor·∇²N. */
  addHessian(out: Matrix, factor: number): void;
}

/** For 1 < q < 2 the curvature has a pole where a coefficient is 0; this much of it, relative to 1/N, is as good as infinite. */
const LARGEST_CURVATURE = 1e10;

/**
 * The norm for 1 < q < ∞: ∂N = b⊙φ, φ_k = sgn(u_k)(|u_k|/N)^{q−1}, u = b⊙β;
 * ∇²N = (q−1)/N · diag(b)[diag((|u|/N)^{q−2}) − φφ']diag(b).
 */
export function smoothNorm(problem: RobustProblem, theta: Float64Array): NormParts {
  const { attacked, first, q } = problem;
  const { budgets } = problem.threat.settings;
  const u = Float64Array.from(attacked, (k) => budgets[k] * theta[first + k]);
  const N = norm(u, q);
  const gradient = new Float64Array(theta.length);
  attacked.forEach((k, a) => {
    gradient[first + k] = N > 0 ? budgets[k] * Math.sign(u[a]) * (Math.abs(u[a]) / N) ** (q - 1) : 0;
  });
  return {
    value: N,
    gradient,
    addHessian(out, factor) {
      if (!(N > 0)) return;
      const scale = (factor * (q - 1)) / N;
      addOuterProduct(out, gradient, attacked, first, -scale);
      attacked.forEach((k, a) => {
        out.data[(first + k) * (out.columns + 1)] += scale * budgets[k] ** 2 * relativeCurvature(Math.abs(u[a]) / N, q);
      });
    },
  };
}

/** (|u|/N)^{q−2}, finite. */
export const relativeCurvature = (ratio: number, q: number): number =>
  q < 2 && ratio === 0 ? LARGEST_CURVATURE : Math.min(LARGEST_CURVATURE, ratio ** (q - 2));

/** q = 1: Σ_k √(u_k² + μ²). q = ∞: μ log Σ_k 2cosh(u_k/μ). Else √(N² + μ²), for its corner at β = 0. */
export function smoothedNorm(problem: RobustProblem, theta: Float64Array, width: number): NormParts {
  if (problem.q === 1) return smoothedSum(problem, theta, width);
  if (problem.q === Number.POSITIVE_INFINITY) return smoothedMaximum(problem, theta, width);
  return smoothedOrigin(problem, theta, width);
}

function smoothedOrigin(problem: RobustProblem, theta: Float64Array, width: number): NormParts {
  const { attacked, first } = problem;
  const sharp = smoothNorm(problem, theta);
  const value = Math.hypot(sharp.value, width);
  const share = sharp.value / value;
  return {
    value,
    gradient: sharp.gradient.map((slope) => share * slope),
    addHessian(out, factor) {
      sharp.addHessian(out, factor * share);
      addOuterProduct(out, sharp.gradient, attacked, first, (factor * (1 - share * share)) / value);
    },
  };
}

function smoothedSum({ attacked, first, threat }: RobustProblem, theta: Float64Array, width: number): NormParts {
  const { budgets } = threat.settings;
  const gradient = new Float64Array(theta.length);
  const curvature = new Float64Array(theta.length);
  let value = 0;
  for (const k of attacked) {
    const b = budgets[k];
    const u = b * theta[first + k];
    const size = Math.hypot(u, width);
    value += size;
    gradient[first + k] = (b * u) / size;
    curvature[first + k] = (b * b * (width / size) * (width / size)) / size;
  }
  return {
    value,
    gradient,
    addHessian(out, factor) {
      for (const k of attacked) out.data[(first + k) * (out.columns + 1)] += factor * curvature[first + k];
    },
  };
}

function smoothedMaximum({ attacked, first, threat }: RobustProblem, theta: Float64Array, width: number): NormParts {
  const { budgets } = threat.settings;
  const u = Float64Array.from(attacked, (k) => budgets[k] * theta[first + k]);
  const largest = maximumMagnitude(u);
  const up = u.map((value) => Math.exp((value - largest) / width));
  const down = u.map((value) => Math.exp((-value - largest) / width));
  let total = 0;
  up.forEach((value, a) => {
    total += value + down[a];
  });
  const gradient = new Float64Array(theta.length);
  attacked.forEach((k, a) => {
    gradient[first + k] = (budgets[k] * (up[a] - down[a])) / total;
  });
  return {
    value: largest + width * Math.log(total),
    gradient,
    addHessian(out, factor) {
      addOuterProduct(out, gradient, attacked, first, -factor / width);
      attacked.forEach((k, a) => {
        const share = (up[a] + down[a]) / total;
        out.data[(first + k) * (out.columns + 1)] += (factor / width) * budgets[k] ** 2 * share;
      });
    },
  };
}

/** Lower triangle += factor·gg' on the attacked coordinates. */
function addOuterProduct(
  out: Matrix,
  g: Float64Array,
  attacked: readonly number[],
  first: number,
  factor: number,
): void {
  for (const [a, k] of attacked.entries()) {
    const row = (first + k) * out.columns + first;
    const scaled = factor * g[first + k];
    for (let b = 0; b <= a; b++) out.data[row + attacked[b]] += scaled * g[first + attacked[b]];
  }
}
