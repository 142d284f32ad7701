import { numericalError } from "../../errors.js";
import type { Work } from "../../parallel/work.js";
import { maximumMagnitude } from "../../threats/norms.js";
import { hessianTimes } from "../inverse-hessian.js";
import { quadraticForm, quadraticLasso } from "./feature-sign.js";
import { objectiveOf, restrictedPart, type SmoothPart, type SparseProblem, smoothPart } from "./problem.js";

/** Newton steps of the score's H norm, relative to the fit. */
const LAST_STEP = 1e-11;
const NEGLIGIBLE_STEP = 1e-14;
const STALLED_STEP = 1e-8;
const MAXIMUM_STEPS = 100;
const MAXIMUM_ROUNDS = 1000;
/** Parameters that may join the working set at once, at the least. */
const FEWEST_NEW = 32;
/** A zero's gradient may exceed λ by this share. */
const SLACK = 1e-12;

/** The minimiser of F, and the evidence. */
export interface SparseOptimum {
  /** d */
  readonly theta: Float64Array;
  /** L there, with ∇L on all d parameters. */
  readonly smooth: SmoothPart;
  /** F(θ) */
  readonly objective: number;
  /** The largest breach of the optimality conditions, relative to the size of its terms. */
  readonly residual: number;
  readonly iterations: number;
}

/**
 * Proximal Newton on a working set: F is minimised over the parameters that are not 0 and those whose gradient exceeds λ, until no
 * gradient outside does. Every Newton step solves its own lasso, ½Δ'HΔ + ∇L'Δ + Σλ|θ+Δ|, to rounding, and is halved until F does
 * not rise. A pass costs n·d for the gradient and n·k² for the k parameters of the working set.
 * @throws numerical: not reached.
 */
export async function minimiseSparse(problem: SparseProblem, start: Float64Array, work?: Work): Promise<SparseOptimum> {
  const { penalties } = problem;
  const theta = start.slice();
  const working = new Set([...theta.keys()].filter((j) => penalties[j] === 0 || theta[j] !== 0));
  let iterations = 0;
  for (let round = 0; round < MAXIMUM_ROUNDS; round++) {
    if (round > 0 || working.size > 0) iterations += await settle(problem, working, theta, work);
    const smooth = await smoothPart(problem, theta, work);
    const excess = smooth.gradient.map((g, j) => (working.has(j) ? 0 : Math.abs(g) - penalties[j] * (1 + SLACK)));
    const violating = [...excess.keys()].filter((j) => excess[j] > 0).toSorted((i, j) => excess[j] - excess[i]);
    if (violating.length === 0) {
      const objective = objectiveOf(problem, smooth.loss, theta);
      return { theta, smooth, objective, residual: await residualOf(problem, theta, smooth, work), iterations };
    }
    for (const j of violating.slice(0, Math.max(FEWEST_NEW, working.size))) working.add(j);
  }
  throw numericalError("The lasso did not converge: its set of features keeps changing.");
}

/** Minimises F over the working set, in place; returns the Newton steps taken. */
async function settle(
  problem: SparseProblem,
  working: ReadonlySet<number>,
  theta: Float64Array,
  work?: Work,
): Promise<number> {
  const kept = [...working].toSorted((i, j) => i - j);
  const penalties = Float64Array.from(kept, (j) => problem.penalties[j]);
  const { quadratic } = problem.model.loss;
  const write = (values: Float64Array): void => {
    kept.forEach((j, a) => {
      theta[j] = values[a];
    });
  };
  let z: Float64Array = Float64Array.from(kept, (j) => theta[j]);
  let at = await restrictedPart(problem, kept, z, true, work);
  let { hessian } = at;
  let lastStep = Number.POSITIVE_INFINITY;
  const value = (part: SmoothPart, values: Float64Array): number => {
    write(values);
    return objectiveOf(problem, part.loss, theta);
  };
  for (let steps = 1; steps <= MAXIMUM_STEPS; steps++) {
    if (!quadratic && at.hessian) ({ hessian } = at);
    if (hessian === null) break;
    const b = hessianTimes(hessian, z).map((sum, a) => sum - at.gradient[a]);
    const target = quadraticLasso({ H: hessian, b, penalties }, z);
    const step = target.map((to, a) => to - z[a]);
    const size = Math.sqrt(quadraticForm(hessian, z)) + Math.sqrt(at.residualSquare) || 1;
    const relative = Math.sqrt(quadraticForm(hessian, step)) / size;
    const stalled = relative <= STALLED_STEP && relative > 0.5 * lastStep;
    lastStep = relative;
    if (relative <= NEGLIGIBLE_STEP || stalled || relative <= LAST_STEP) {
      write(target);
      return steps;
    }
    const before = value(at, z);
    const rounding = 1e-13 * Math.abs(before);
    let next: { z: Float64Array; at: SmoothPart } | null = null;
    for (let t = 1; t > 1e-6 && next === null; t /= 2) {
      const moved = t === 1 ? target : z.map((from, a) => from + t * step[a]);
      const part = await restrictedPart(problem, kept, moved, !quadratic, work);
      if (quadratic || value(part, moved) <= before + rounding) next = { z: moved, at: part };
    }
    if (next === null) {
      write(z);
      if (relative <= STALLED_STEP) return steps;
      break;
    }
    ({ z, at } = next);
  }
  throw numericalError(
    "The lasso did not converge: look for columns that are nearly copies of each other, or add a ridge (elastic net), such as --l2 0.01.",
  );
}

/** max_j of the breach at j over √(Σwℓ'²/Σwℓ''·H_jj) + P_j|θ_j| + λ_j; H_jj on the parameters that are not 0. */
export async function residualOf(
  problem: SparseProblem,
  theta: Float64Array,
  { gradient, residualSquare }: SmoothPart,
  work?: Work,
): Promise<number> {
  const { ridge, penalties } = problem;
  const kept = [...theta.keys()].filter((j) => penalties[j] === 0 || theta[j] !== 0);
  const values = Float64Array.from(kept, (j) => theta[j]);
  const { hessian } = await restrictedPart(problem, kept, values, true, work);
  const possible = penalties.slice();
  kept.forEach((j, a) => {
    const curvature = hessian ? hessian.data[a * (kept.length + 1)] - ridge[j] : 0;
    possible[j] += Math.sqrt(residualSquare * Math.max(0, curvature)) + ridge[j] * Math.abs(theta[j]);
  });
  return maximumMagnitude(
    breaches(gradient, theta, penalties).map((breach, j) => (possible[j] > 0 ? breach / possible[j] : 0)),
  );
}

/** |∇L_j + λ_j sgn θ_j| where θ_j ≠ 0 or nothing is penalised, (|∇L_j| − λ_j)₊ at zeros (d). */
const breaches = (gradient: Float64Array, theta: Float64Array, penalties: Float64Array): Float64Array =>
  gradient.map((g, j) =>
    theta[j] !== 0 || penalties[j] === 0
      ? Math.abs(g + penalties[j] * Math.sign(theta[j]))
      : Math.max(0, Math.abs(g) - penalties[j]),
  );
