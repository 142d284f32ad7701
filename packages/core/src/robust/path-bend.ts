import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { maximumMagnitude } from "../threats/norms.js";
import type { RobustProblem } from "./optimum-problem.js";
import { motionAgainst, type PathVelocity, type PieceSystem } from "./path-velocity.js";

/** How a piece of the path moves on, to second order. */
export interface PathMotion {
  readonly velocity: PathVelocity;
  /** d²/dρ² of the same quantities. */
  readonly bend: PathVelocity;
}

/** A velocity that a pass over the data changes by more than this share is looked at again. */
const ROUGH = 1e-5;
const MAXIMUM_PASSES = 4;

/**
 * Velocity and bend of a piece without stuck rows on which N is linear (p = 1, ∞), from a system that need not be exact. With
 * t_i = f_i + κ_iR, Ṙ = N + ρṄ, ṫ_i = v_i'θ̇ + κ_iṘ and P = Σ w κℓ', the total derivative of ∇R along the path is
 * Σ w ℓ''ṫ v + (P + ρṖ)∂N + ρP·d∂N/dρ + diag(ridge)θ̇; what is left of it corrects θ̇. Likewise θ̈ makes up for
 * Σ w (ℓ'''ṫ² + 2κṄℓ'') v + (2Ṗ + ρP̈)∂N + 2(P + ρṖ)·d∂N/dρ, where P̈ leaves θ̈ out.
 */
export async function pathMotion(
  problem: RobustProblem,
  optimum: PieceSystem,
  rough: PathVelocity,
  work: Work,
  tally: { passes: number },
): Promise<PathMotion> {
  const { fit, first, threat } = problem;
  const { budgets } = threat.settings;
  const { sums, norm, radius, state } = optimum.point;
  const none = new Float64Array(0);
  let velocity = rough;
  for (let pass = 1; ; pass++) {
    const rates = await rowRates(problem, optimum, velocity, work);
    tally.passes++;
    const turn = new Float64Array(velocity.theta.length);
    for (const k of [...state.zeros, ...state.tied]) turn[first + k] = budgets[k] * velocity.shares[k];
    const onTurn = sums.push + radius * rates.push;
    const onNorm = 2 * rates.push + radius * rates.pushBend;
    const left = velocity.theta.map(
      (value, j) => rates.slope[j] + onTurn * norm.gradient[j] + radius * sums.push * turn[j] + fit.ridge[j] * value,
    );
    const correction = motionAgainst(problem, optimum, left, none, null);
    velocity = {
      theta: velocity.theta.map((value, j) => value + correction.theta[j]),
      norm: velocity.norm + correction.norm,
      kappa: velocity.kappa,
      shares: velocity.shares.map((value, k) => value + correction.shares[k]),
    };
    const settled = maximumMagnitude(correction.theta) <= ROUGH * maximumMagnitude(velocity.theta);
    if (!settled && pass < MAXIMUM_PASSES) continue;
    const bent = rates.slopeBend.map((value, j) => value + onNorm * norm.gradient[j] + 2 * onTurn * turn[j]);
    return { velocity, bend: motionAgainst(problem, optimum, bent, none, null) };
  }
}

interface RowRates {
  /** Σ w ℓ''ṫ v, and Σ w (ℓ'''ṫ² + 2κṄℓ'') v (d) */
  readonly slope: Float64Array;
  readonly slopeBend: Float64Array;
  /** Ṗ = Σ w κℓ''ṫ, and Σ w κ(ℓ'''ṫ² + 2κṄℓ'') */
  readonly push: number;
  readonly pushBend: number;
}

/** One pass over the data. */
async function rowRates(
  { fit: { model, data } }: RobustProblem,
  { point: { sums, norm, radius, reach, state } }: PieceSystem,
  velocity: PathVelocity,
  work: Work,
): Promise<RowRates> {
  const { loss, map } = model;
  const reachRate = norm.value + radius * velocity.norm;
  let push = 0;
  let pushBend = 0;
  const { pull } = await sweep(
    map,
    data,
    { theta: asColumn(velocity.theta), pull: 2, phase: "robust optimum" },
    ({ block: { y, w, firstRow }, scores, pull: omega }) => {
      for (let i = 0; i < y.length; i++) {
        const side = state.kappa[firstRow + i];
        const t = sums.scores[firstRow + i] + side * reach;
        const rate = scores.data[i] + side * reachRate;
        const second = w[i] * loss.second(t, y[i]);
        const once = second * rate;
        const twice = w[i] * loss.third(t, y[i]) * rate * rate + second * side * 2 * velocity.norm;
        omega.data[2 * i] = once;
        omega.data[2 * i + 1] = twice;
        push += side * once;
        pushBend += side * twice;
      }
    },
    work,
  );
  return {
    slope: Float64Array.from({ length: map.count }, (_, j) => pull.data[2 * j]),
    slopeBend: Float64Array.from({ length: map.count }, (_, j) => pull.data[2 * j + 1]),
    push,
    pushBend,
  };
}
