import type { Work } from "../parallel/work.js";
import { type ActiveOptimum, solveActive } from "./active-newton.js";
import type { ActivePoint } from "./active-point.js";
import { reviseSets } from "./active-revision.js";
import { BOUND_SLACK } from "./active-slack.js";
import type { ActiveState } from "./active-state.js";
import { findOptimum } from "./optimum.js";
import type { RobustProblem } from "./optimum-problem.js";
import type { PathMotion } from "./path-bend.js";
import { afterChange, eventOf, marginOf, type RobustPathEvent, type SetChange } from "./path-events.js";
import { type PathVelocity, pathVelocity } from "./path-velocity.js";
import { advance } from "./smoothing-newton.js";

/** An optimum on the path and how it moves on. */
export interface Stand {
  readonly optimum: ActiveOptimum;
  readonly velocity: PathVelocity;
  /** The motion to second order, where pieces can be followed by it. */
  readonly motion?: PathMotion;
}

/** Where following the path by what is known of it has led. */
export interface Stretch {
  readonly stand: Stand;
  /** The events on the way; where there are any, the last may be why the stretch ends. */
  readonly events: readonly RobustPathEvent[];
  /** θ as predicted from the stretch's start (d). */
  readonly predicted: Float64Array;
}

export const CORRECTOR_ITERATIONS = 10;
export const CORRECTOR_GOAL = 1e-11;
/** Where the corrector fails, corners are smoothed from this width on. */
const CORRECTOR_WIDTH = 1e-2;
const LOCATING_STEPS = 12;
/** Events are located to this share of the radius in question. */
export const LOCATED = 1e-11;
/** At an event a multiplier or margin is at its bound up to the accuracy of the event's radius. */
const LOOSENESS = 1e4;

export const standAt = (problem: RobustProblem, optimum: ActiveOptimum): Stand => ({
  optimum,
  velocity: pathVelocity(problem, optimum),
});

/** The state that a stand moves to by a change h of the radius; `bend` (d) is d²θ/dρ² where it is known. */
export function predict(
  problem: RobustProblem,
  { optimum, velocity }: Stand,
  h: number,
  bend: Float64Array | null,
): ActiveState {
  const { state } = optimum.point;
  const step = velocity.theta.map((value, j) => h * value + (bend ? 0.5 * h * h * bend[j] : 0));
  const kappa = state.kappa.slice();
  state.stuck.forEach((row, e) => {
    kappa[row] = Math.max(-1, Math.min(1, kappa[row] + h * velocity.kappa[e]));
  });
  return { ...state, theta: advance(problem, state.theta, step, 1), kappa };
}

/** The exact optimum at a radius, from a nearby state; null where Newton's method fails and there is to be no fallback. */
export async function correct(
  problem: RobustProblem,
  radius: number,
  near: ActiveState,
  work: Work,
  tally: { passes: number },
  fallback: boolean,
): Promise<ActiveOptimum | null> {
  const found = await solveActive(
    problem,
    radius,
    near,
    { maximumIterations: CORRECTOR_ITERATIONS, goal: CORRECTOR_GOAL, tally },
    work,
  );
  if (found || !fallback) return found;
  const again = await findOptimum(problem, radius, near.theta, work, CORRECTOR_WIDTH);
  tally.passes += again.iterations;
  return again;
}

/**
 * Where the piece of the path that `from` stands on ends: the first of the changes that a later optimum suggests, located by
 * Newton's method on its margin. null where that does not settle between the two.
 */
export async function locateFirst(
  problem: RobustProblem,
  from: Stand,
  changes: readonly SetChange[],
  limit: number,
  work: Work,
  tally: { passes: number },
): Promise<{ stand: Stand; event: RobustPathEvent } | null> {
  const start = from.optimum.point.radius;
  const open = changes.filter((change) => endsPiece(from.optimum.point.state, change));
  let at = from;
  for (let step = 0; step < LOCATING_STEPS; step++) {
    const { point } = at.optimum;
    const radius = point.radius;
    let first = Number.POSITIVE_INFINITY;
    let change: SetChange | null = null;
    for (const candidate of open) {
      const { value, rate } = marginOf(problem, point, at.velocity, candidate);
      // A margin that grows ends nothing, unless it was overstepped.
      const root = rate < 0 ? radius - value / rate : Number.POSITIVE_INFINITY;
      if (root < first) [first, change] = [root, candidate];
    }
    if (change === null || first < start - LOCATED * limit || first > limit * (1 + LOCATED)) return null;
    if (Math.abs(first - radius) <= LOCATED * limit) {
      const optimum = await solveActive(
        problem,
        radius,
        afterChange(problem, point, change),
        { maximumIterations: CORRECTOR_ITERATIONS, fixed: true, goal: CORRECTOR_GOAL, tally },
        work,
      );
      // Other corners may have been taken up or left on the way: then this is not the path.
      if (optimum === null || !isOptimal(problem, optimum.point)) return null;
      return { stand: standAt(problem, optimum), event: eventOf(change, radius, 0) };
    }
    const near = predict(problem, at, first - radius, null);
    const options = { maximumIterations: CORRECTOR_ITERATIONS, fixed: true, goal: CORRECTOR_GOAL, tally };
    const next = await solveActive(problem, Math.max(first, start), near, options, work);
    if (next === null) return null;
    at = standAt(problem, next);
  }
  return null;
}

/** Whether all that a piece holds is within its bounds, and nothing beyond a corner. */
export function isOptimal(problem: RobustProblem, point: ActivePoint): boolean {
  const { stuck, kappa } = point.state;
  const within = stuck.every((row) => Math.abs(kappa[row]) <= 1 + LOOSENESS * BOUND_SLACK);
  return within && reviseSets(problem, point, LOOSENESS) === null;
}

/** Whether a change can be the next one of a state: a row that is not stuck cannot leave, and so on. */
function endsPiece({ stuck, zeros, tied }: ActiveState, { kind, index }: SetChange): boolean {
  const held = { residual: stuck, coefficient: zeros, tie: tied }[
    kind.split("-")[0] as "residual" | "coefficient" | "tie"
  ];
  const takesUp = kind === "residual-sticks" || kind === "coefficient-zero" || kind === "tie-forms";
  return takesUp !== held.includes(index);
}
