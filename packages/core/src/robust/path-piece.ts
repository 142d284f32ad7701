import type { Work } from "../parallel/work.js";
import { onCoefficientCorners, RESIDUAL_TOLERANCE } from "./active-newton.js";
import { type ActivePoint, activePoint, evaluateActive } from "./active-point.js";
import type { ActiveState } from "./active-state.js";
import { ActiveSystem } from "./active-system.js";
import type { RobustProblem } from "./optimum-problem.js";
import { type PathMotion, pathMotion } from "./path-bend.js";
import { afterChange, eventOf, marginOf, possibleEnds, type SetChange } from "./path-events.js";
import { CORRECTOR_GOAL, isOptimal, LOCATED, type Stand, type Stretch } from "./path-follow.js";
import { pieceNewton } from "./path-newton.js";
import { type PieceSystem, pathVelocity } from "./path-velocity.js";

/** How many ends of a piece are tried before it is given up. */
const MAXIMUM_ENDS = 5;
const MAXIMUM_PASSES = 10;
/** A step with an old system that leaves more than this share asks for a new one. */
const SLOW = 0.1;
/** By how much of a step its end may lie elsewhere than foreseen. */
const STRAY = 0.5;

/** Whether pieces are smooth but for the coefficients' corners: then their ends can be told in advance. */
export const hasSmoothPieces = ({ q, hasKinkedRows }: RobustProblem): boolean =>
  !hasKinkedRows && (q === 1 || q === Number.POSITIVE_INFINITY);

/** A stand with its motion to second order. */
export interface PieceStand extends Stand {
  readonly motion: PathMotion;
}

export async function pieceStand(
  problem: RobustProblem,
  optimum: PieceSystem,
  work: Work,
  tally: { passes: number },
): Promise<PieceStand> {
  const motion = await pathMotion(problem, optimum, pathVelocity(problem, optimum), work, tally);
  return { optimum: { ...optimum, iterations: 1 }, velocity: motion.velocity, motion };
}

/**
 * From a stand along its piece to `target`, or to where the piece ends before. The end is foreseen to second order; Newton's
 * method then moves parameters and radius at once, so that the change's margin vanishes where the gradient does.
 * @returns null where that does not settle: several changes at once, say.
 */
export async function followPiece(
  problem: RobustProblem,
  from: PieceStand,
  target: number,
  work: Work,
  tally: { passes: number },
): Promise<Stretch | null> {
  const { point: origin } = from.optimum;
  const start = origin.radius;
  let { change, radius } = foreseenEnd(problem, from, target);
  for (let end = 0; end < MAXIMUM_ENDS; end++) {
    if (radius - start <= LOCATED * target) return null;
    const settled = await settle(
      problem,
      { from: start, foreseen: radius },
      predictPiece(from, radius - start),
      change,
      work,
      tally,
    );
    if (settled === null || settled.point.radius <= start || settled.point.radius > target) {
      // An end that is not where it was foreseen.
      if (change === null) return null;
      change = null;
      continue;
    }
    const { point } = settled;
    const after = change ? stateChanged(problem, point, change) : point;
    if (isOptimal(problem, after) && after.residual <= Math.max(RESIDUAL_TOLERANCE, after.rounding)) {
      const system = change ? new ActiveSystem(problem, after, settled.system.hessian) : settled.system;
      return {
        stand: await pieceStand(problem, { point: after, system }, work, tally),
        events: change ? [eventOf(change, point.radius, 0)] : [],
        predicted: predictPiece(from, point.radius - start).theta,
      };
    }
    // Something is beyond its corner, so that the piece has ended before.
    const earlier = oversteppedEnd(problem, settled, change);
    if (earlier === null) return null;
    ({ change, radius } = earlier);
  }
  return null;
}

const stateChanged = (problem: RobustProblem, point: ActivePoint, change: SetChange): ActivePoint =>
  activePoint(problem, point.radius, afterChange(problem, point, change), point.sums, point.reach);

/** θ + hθ̇ + ½h²θ̈ with the corners as they are. */
function predictPiece({ optimum, motion: { velocity, bend } }: PieceStand, h: number): ActiveState {
  const { state } = optimum.point;
  return {
    ...state,
    theta: state.theta.map((value, j) => value + h * (velocity.theta[j] + 0.5 * h * bend.theta[j])),
  };
}

interface PieceEnd {
  readonly change: SetChange | null;
  readonly radius: number;
}

/** The first margin to vanish up to `target`, by value, rate and bend. */
function foreseenEnd(problem: RobustProblem, { optimum, motion }: PieceStand, target: number): PieceEnd {
  const { point } = optimum;
  let first: PieceEnd = { change: null, radius: target };
  for (const change of possibleEnds(problem, point.state)) {
    const { value, rate } = marginOf(problem, point, motion.velocity, change);
    const { rate: bend } = marginOf(problem, point, motion.bend, change, motion.velocity);
    const radius = point.radius + firstRoot(Math.max(0, value), rate, 0.5 * bend);
    // A margin that has yet to turn may as well not vanish: the step ends there, and what is found there decides.
    if (radius < first.radius) first = { change: rate < 0 ? change : null, radius };
  }
  return first;
}

/** The smallest h > 0 with a + bh + ch² = 0 for a ≥ 0, Infinity where there is none. */
function firstRoot(a: number, b: number, c: number): number {
  const discriminant = b * b - 4 * a * c;
  if (discriminant < 0 || (b >= 0 && c >= 0)) return Number.POSITIVE_INFINITY;
  const root = Math.sqrt(discriminant);
  return b < 0 ? (2 * a) / (root - b) : (-b - root) / (2 * c);
}

/** Which of the margins that are negative at a point beyond the end of its piece was the first, and about where. */
function oversteppedEnd(problem: RobustProblem, settled: PieceSystem, tried: SetChange | null): PieceEnd | null {
  const { point } = settled;
  const velocity = pathVelocity(problem, settled);
  let first: PieceEnd | null = null;
  for (const change of possibleEnds(problem, point.state)) {
    if (change.index === tried?.index) continue;
    const { value, rate } = marginOf(problem, point, velocity, change);
    if (value >= 0 || rate >= 0) continue;
    const radius = point.radius - value / rate;
    if (first === null || radius < first.radius) first = { change, radius };
  }
  return first;
}

/** The corners of a piece and the one at its end: where its margin is 0 to first order it is set to 0 exactly. */
const cornersAt = (problem: RobustProblem, point: ActivePoint, change: SetChange | null): ActiveState =>
  change?.kind === "coefficient-zero" || change?.kind === "tie-forms"
    ? afterChange(problem, point, change)
    : point.state;

const withTheta = (state: ActiveState, theta: Float64Array): ActiveState => ({ ...state, theta });

/**
 * Newton's method on a piece at a radius or, with a change, at the radius where its margin is 0. One system serves several
 * steps as long as it brings the gradient down fast.
 */
async function settle(
  problem: RobustProblem,
  { from, foreseen }: { readonly from: number; readonly foreseen: number },
  start: ActiveState,
  change: SetChange | null,
  work: Work,
  tally: { passes: number },
): Promise<PieceSystem | null> {
  let radius = foreseen;
  let state = start;
  let system: ActiveSystem | null = null;
  let lastSize = Number.POSITIVE_INFINITY;
  for (let pass = 0; pass < MAXIMUM_PASSES; pass++) {
    const point = await evaluateActive(problem, radius, state, work, system === null);
    tally.passes++;
    const size = point.pieceResidual;
    if (!(size < Number.POSITIVE_INFINITY)) return null;
    const settled =
      size <= CORRECTOR_GOAL || (size <= Math.max(RESIDUAL_TOLERANCE, point.rounding) && size > 0.25 * lastSize);
    if (system !== null && !settled && size > SLOW * lastSize) {
      system = null;
      lastSize = Number.POSITIVE_INFINITY;
      continue;
    }
    lastSize = size;
    system ??= new ActiveSystem(problem, point);
    const piece: PieceSystem = { point, system };
    const velocity = change && pathVelocity(problem, piece);
    const step = pieceNewton(problem, piece, change && velocity && { change, velocity, heading: velocity });
    if (step === null) return null;
    const { newton, by } = step;
    if (settled && Math.abs(by) <= LOCATED * problem.collapseRadius) return piece;
    radius += by;
    if (!(Math.abs(radius - foreseen) <= STRAY * (foreseen - from))) return null;
    const theta = state.theta.map((value, j) => value + newton.theta[j] + by * (velocity?.theta[j] ?? 0));
    state = withTheta(state, onCoefficientCorners(problem, cornersAt(problem, point, change), theta));
  }
  return null;
}
