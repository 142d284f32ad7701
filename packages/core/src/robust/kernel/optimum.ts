import { throwIfAborted } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import { combined, product, scaled, scaledRows } from "../../linalg/products.js";
import type { AttackSurface } from "../../models/kernel/sphere.js";
import type { Work } from "../../parallel/work.js";
import { dot } from "../../solvers/inverse-hessian.js";
import type { KernelFit } from "../../solvers/kernel-fit.js";
import { regularSolve } from "../../solvers/kernel-system.js";
import type { Threat } from "../../threats/threat.js";
import { Anderson } from "./anderson.js";
import { type KernelRobustGradient, kernelRobustGradient } from "./robust-gradient.js";
import { type KernelWorstCase, kernelWorstCase } from "./worst-case.js";

/** θ_ε of a kernel regression: the best answer to attacks that were found by search. */
export interface KernelOptimum {
  /** θ_ε (n×k) */
  readonly theta: Matrix;
  /** R_ε(θ_ε), the penalty included. */
  readonly objective: number;
  /** Σw‖Kθ_ε − y‖² on the rows as they are. */
  readonly naturalLoss: number;
  /** ‖∇R_ε(θ_ε)‖_{H⁻¹} relative to that at θ̂: what is left of the way. */
  readonly residual: number;
  readonly converged: boolean;
  readonly iterations: number;
  readonly attack: KernelWorstCase;
}

export interface KernelOptimumOptions extends Work {
  readonly surface?: AttackSurface | undefined;
  /** Of the residual; default 1e-6. */
  readonly tolerance?: number;
  /** Default 100. */
  readonly maximumIterations?: number;
  /** Of each search for the worst attack; default 50. */
  readonly innerSteps?: number;
  /** θ to begin at (n×k); default θ̂. */
  readonly start?: Matrix | undefined;
}

/** Shorter steps that are tried before the search for the attack is refined. */
const SHORTENINGS = 4;
/** Of R_ε: rises below this are rounding. */
const ROUNDING = 1e-13;

/**
 * argmin_θ R_ε(θ), R_ε(θ) = max over all attacks jointly of L (MATH 7): steps of Newton's method with the natural Hessian,
 * accelerated by Anderson's method, each attack begun at the last one; R_ε, a maximum of convex functions, never rises. Where it
 * has corners (p = 1 and ∞) the way may end short of the optimum, as `residual` says.
 * @param radius ρ = εc
 * @throws usage: a radius that makes no sense; cancelled
 */
export async function kernelRobustOptimum(
  fit: KernelFit,
  threat: Threat,
  radius: number,
  { surface, tolerance = 1e-6, maximumIterations = 100, innerSteps = 50, start, ...work }: KernelOptimumOptions = {},
): Promise<KernelOptimum> {
  const { ridge, penalty, centres } = fit;
  /** How much more curved than the natural risk R_ε has turned out to be, in units of λ. */
  let caution = 0;
  let innerTolerance: number = INNER_TOLERANCE.loosest;
  const at = async (theta: Matrix, from: Matrix | undefined): Promise<Place> => {
    const attack = await kernelWorstCase(fit, theta, threat, radius, {
      signal: work.signal,
      surface,
      steps: innerSteps,
      tolerance: innerTolerance,
      start: from,
    });
    const rest =
      penalty === "coefficients"
        ? ridge * dot(theta.data, theta.data)
        : centres === "fixed"
          ? ridge * dot(theta.data, product(fit.gram, theta).data)
          : 0;
    return { theta, attack, objective: attack.value + rest, gradient: kernelRobustGradient(fit, theta, attack) };
  };
  const anderson = new Anderson();
  let now = await at(fit.theta, undefined);
  const first = now.gradient.length;
  if (start) now = await at(start, now.attack.moved.x);
  let iterations = 0;
  const left = (): number => (first > 0 ? now.gradient.length / first : 0);
  for (; iterations < maximumIterations && left() > tolerance; iterations++) {
    throwIfAborted(work.signal);
    // The attack is sought as closely as the parameters are: the gap is quadratic in what is left of either.
    innerTolerance = Math.min(innerTolerance, Math.max(INNER_TOLERANCE.closest, (INNER_SHARE * left()) ** 2));
    work.onProgress?.({ phase: "robust optimum", done: iterations, total: maximumIterations });
    const next = await lower(now);
    if (next === null) {
      if (innerTolerance <= INNER_TOLERANCE.closest) break;
      innerTolerance = Math.max(INNER_TOLERANCE.closest, 1e-3 * innerTolerance);
    }
    now = next ?? (await at(now.theta, now.attack.moved.x));
  }
  const natural = combined(1, product(fit.gram, now.theta), -1, fit.y);
  return {
    theta: now.theta,
    objective: now.objective,
    naturalLoss: dot(scaledRows(natural, fit.weights).data, natural.data),
    residual: left(),
    converged: left() <= tolerance,
    iterations,
    attack: now.attack,
  };

  /** A place further down: a lower objective, or a smaller gradient where what the search left open hides that. */
  async function lower(from: Place): Promise<Place | null> {
    const { rows, columns } = from.theta;
    const { step, length } = from.gradient;
    const ceiling = from.objective * (1 + ROUNDING) + from.attack.gap;
    const isLower = ({ objective, gradient }: Place): boolean =>
      objective < from.objective || (objective <= ceiling && gradient.length < length);
    const ahead = new Matrix(anderson.next(from.theta.data, step.data), rows, columns);
    const accelerated = await at(ahead, from.attack.moved.x);
    if (isLower(accelerated)) return accelerated;
    anderson.reset();
    const shorter = shortenedSteps(fit, from);
    for (let k = 0; k < SHORTENINGS; k++) {
      const plain = await at(combined(1, from.theta, -1, shorter(caution)), from.attack.moved.x);
      if (isLower(plain)) {
        caution /= 4;
        return plain;
      }
      caution = Math.max(1, 8 * caution);
    }
    return null;
  }
}

/** Of each attack's relative gap, and how much closer than the parameters it is sought. */
const INNER_TOLERANCE = { loosest: 1e-4, closest: 1e-12 } as const;
const INNER_SHARE = 1e-2;

interface Place {
  readonly theta: Matrix;
  readonly attack: KernelWorstCase;
  readonly objective: number;
  readonly gradient: KernelRobustGradient;
}

/**
 * Steps with the curvature of the attacked rows and c times λ more of it, (K_δ'WK_δ + (1+c)λI)⁻¹½∇R_ε: R_ε is far more curved
 * than the natural risk in directions that only the ridge determines. With λθ'Kθ: the plain step over 1 + c.
 */
function shortenedSteps(fit: KernelFit, { attack, gradient }: Place): (caution: number) => Matrix {
  const { penalty, ridge, weights } = fit;
  if (penalty === "rkhs") return (caution) => scaled(1 / (1 + caution), gradient.step);
  const { gram } = attack;
  return (caution) => regularSolve(gram, weights, (1 + caution) * ridge, gradient.half);
}
