import type { Work } from "../parallel/work.js";
import { type ActivePoint, activePoint, evaluateActive } from "./active-point.js";
import { reviseSets } from "./active-revision.js";
import { BOUND_SLACK, cornerSlack, TIE_SLACK } from "./active-slack.js";
import type { ActiveState } from "./active-state.js";
import { ActiveSystem } from "./active-system.js";
import type { RobustProblem } from "./optimum-problem.js";
import { advance } from "./smoothing-newton.js";

/** The residual that Newton's method aims for, and the one that it may end with where rounding stops it. */
const RESIDUAL_GOAL = 1e-13;
export const RESIDUAL_TOLERANCE = 1e-10;

/** After this many steps with a residual like this, larger than at the start, the state was too far off. */
const PATIENCE = 6;
const LOST = 1e-2;

export interface ActiveOptimum {
  readonly point: ActivePoint;
  /** Newton's system there. */
  readonly system: ActiveSystem;
  readonly iterations: number;
}

export interface ActiveOptions {
  readonly maximumIterations: number;
  /** Keep the corners of the state whatever the multipliers say: to follow a piece of the path to where it ends. */
  readonly fixed?: boolean;
  /** The residual to aim for (default 1e-13: what rounding allows). */
  readonly goal?: number;
  /** Counts the passes over the data, those of a vain search too. */
  readonly tally?: { passes: number };
}

/**
 * Newton's method on the corners of a state, corners being taken up where a row or coefficient would cross one and left where
 * a multiplier leaves its bounds. Returns null where it does not reach an optimum: the state was too far off.
 */
export async function solveActive(
  problem: RobustProblem,
  radius: number,
  start: ActiveState,
  { maximumIterations, fixed = false, goal = RESIDUAL_GOAL, tally }: ActiveOptions,
  work?: Work,
): Promise<ActiveOptimum | null> {
  let state = start;
  let lastSize = Number.POSITIVE_INFINITY;
  let firstSize = Number.POSITIVE_INFINITY;
  for (let iterations = 1; iterations <= maximumIterations; iterations++) {
    let point = await evaluateActive(problem, radius, state, work);
    if (tally) tally.passes++;
    if (!(point.residual < Number.POSITIVE_INFINITY && point.norm.value >= 0 && hasCurvature(point))) return null;
    const revision = fixed ? null : reviseSets(problem, point);
    if (revision?.sidesChanged) {
      state = revision.state;
      continue;
    }
    if (revision) point = activePoint(problem, radius, revision.state, point.sums, point.reach);
    const size = fixed ? point.pieceResidual : point.residual;
    const reachable = Math.max(RESIDUAL_TOLERANCE, point.rounding);
    const settled = size <= goal || (size <= reachable && size > 0.25 * lastSize);
    if (iterations === 1) firstSize = size;
    if (iterations > PATIENCE && size > Math.max(LOST, firstSize)) return null;
    lastSize = size;
    const system = new ActiveSystem(problem, point);
    if (!revision && settled && onCorners(problem, point)) return { point, system, iterations };
    state = newtonStep(problem, point, system, fixed);
  }
  return null;
}

/** Whether Newton's system can be set up: multipliers far beyond their bounds spoil the curvature. */
function hasCurvature({ sums: { gram } }: ActivePoint): boolean {
  let trace = 0;
  for (let j = 0; j < gram.rows; j++) trace += gram.data[j * (gram.rows + 1)];
  return Number.isFinite(trace);
}

/** Whether stuck rows, zero and tied coefficients are where they should be. */
function onCorners(problem: RobustProblem, { defects, state, norm }: ActivePoint): boolean {
  const slack = cornerSlack(problem);
  const offset = offsetToCorners(problem, state, norm.value);
  return defects.every((defect) => Math.abs(defect) <= slack) && (offset === null || offset.every((by) => by === 0));
}

/** What brings zero coefficients to 0 and tied ones to a common size N (d), or null where there are none. */
export function offsetToCorners(
  { first, threat }: RobustProblem,
  { theta, zeros, tied, signs }: ActiveState,
  N: number,
): Float64Array | null {
  if (zeros.length === 0 && tied.length < 2) return null;
  const offset = new Float64Array(theta.length);
  for (const k of zeros) offset[first + k] = -theta[first + k];
  if (tied.length > 1) {
    for (const k of tied) {
      const by = (signs[k] * N) / threat.settings.budgets[k] - theta[first + k];
      if (Math.abs(by) > TIE_SLACK * Math.abs(theta[first + k])) offset[first + k] = by;
    }
  }
  return offset;
}

function newtonStep(problem: RobustProblem, point: ActivePoint, system: ActiveSystem, fixed: boolean): ActiveState {
  const { state, gradient, defects, norm } = point;
  const { step, lambda } = system.solve(gradient, defects, offsetToCorners(problem, state, norm.value));
  const theta = onCoefficientCorners(problem, state, advance(problem, state.theta, step, 1));
  const kappa = state.kappa.slice();
  const stuck: number[] = [];
  const perKappa = gapSlopes(problem, point);
  state.stuck.forEach((row, e) => {
    const value = kappa[row] + lambda[e] / perKappa[e];
    const inside = Math.abs(value) <= 1 + BOUND_SLACK;
    if (fixed || inside) stuck.push(row);
    kappa[row] = fixed ? value : Math.max(-1, Math.min(1, value));
  });
  return { ...state, theta, kappa, stuck };
}

/** θ (d) with zero coefficients at 0 and tied ones at their common size, free of rounding. */
export function onCoefficientCorners(
  { first, threat }: RobustProblem,
  { zeros, tied, signs }: Pick<ActiveState, "zeros" | "tied" | "signs">,
  theta: Float64Array,
): Float64Array {
  const { budgets } = threat.settings;
  const out = theta.slice();
  for (const k of zeros) out[first + k] = 0;
  if (tied.length > 1) {
    let N = 0;
    for (const k of tied) N += (signs[k] * budgets[k] * out[first + k]) / tied.length;
    for (const k of tied) out[first + k] = (signs[k] * N) / budgets[k];
  }
  return out;
}

/** |E|: w_i ∂D_i/∂f = ½ w_i (ℓ'(f+R) − ℓ'(f−R)), what λ_i changes by per unit of κ_i. */
export function gapSlopes(
  { fit: { model, data } }: RobustProblem,
  { state: { stuck }, sums: { scores }, reach }: ActivePoint,
): Float64Array {
  const { loss } = model;
  return Float64Array.from(stuck, (i) => {
    const rise = loss.first(scores[i] + reach, data.y[i]) - loss.first(scores[i] - reach, data.y[i]);
    return 0.5 * data.weights[i] * rise;
  });
}
