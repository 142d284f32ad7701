import { offsetToCorners } from "./active-newton.js";
import type { RobustProblem } from "./optimum-problem.js";
import { marginOf, type SetChange } from "./path-events.js";
import { motionAgainst, type PathVelocity, type PieceSystem } from "./path-velocity.js";

/** What a piece is to be followed to: the radius at which the margin of a change is 0. */
export interface PieceGoal {
  readonly change: SetChange;
  /** How the piece moves with the radius, by which the radius is chosen. */
  readonly velocity: PathVelocity;
  /** The same where the piece began: its signs say which bounds multipliers move to. */
  readonly heading: PathVelocity;
}

/**
 * Newton's step on a piece at a radius; with a goal also the change of the radius that, together with the velocity, brings the
 * margin to 0 to first order. null where the margin does not depend on the radius.
 */
export function pieceNewton(
  problem: RobustProblem,
  piece: PieceSystem,
  goal: PieceGoal | null,
): { newton: PathVelocity; by: number } | null {
  const { point } = piece;
  const offset = offsetToCorners(problem, point.state, point.norm.value);
  const newton = motionAgainst(problem, piece, point.gradient, point.defects, offset);
  if (goal === null) return { newton, by: 0 };
  const { change, velocity, heading } = goal;
  const now = marginOf(problem, point, velocity, change, heading);
  const by = -(now.value + marginOf(problem, point, newton, change, heading).rate) / now.rate;
  return Math.abs(by) < Number.POSITIVE_INFINITY ? { newton, by } : null;
}
