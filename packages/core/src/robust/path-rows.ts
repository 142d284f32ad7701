import type { Work } from "../parallel/work.js";
import { onCoefficientCorners, RESIDUAL_TOLERANCE, solveActive } from "./active-newton.js";
import type { ActivePoint } from "./active-point.js";
import { BOUND_SLACK, cornerSlack } from "./active-slack.js";
import type { ActiveState } from "./active-state.js";
import { ActiveSystem } from "./active-system.js";
import type { RobustProblem } from "./optimum-problem.js";
import {
  afterChange,
  eventOf,
  type Margin,
  marginOf,
  possibleEnds,
  type RobustPathEvent,
  type SetChange,
} from "./path-events.js";
import {
  CORRECTOR_GOAL,
  CORRECTOR_ITERATIONS,
  isOptimal,
  LOCATED,
  predict,
  type Stand,
  type Stretch,
  standAt,
} from "./path-follow.js";
import { pieceNewton } from "./path-newton.js";
import { type PathVelocity, pathVelocity } from "./path-velocity.js";
import { RowWindow } from "./path-window.js";

const MAXIMUM_ITERATIONS = 8;
/** A step with an old system that leaves more than this share asks for a new one. */
const SLOW = 0.02;
const MAXIMUM_ENDS = 6;
/** A margin that is negative by this many times rounding has vanished before. */
const OVERSTEPPED = 10;
/** Two events closer than this, in the accuracy that they are located to, may come in either order. */
const BACKWARDS = 100;
/** More events in a row at one radius than this are no events. */
const MAXIMUM_STANDSTILL = 20;

/**
 * From a stand through the events of many rows to `target`, to the window's end, or to the first event of a coefficient: for
 * squared losses, whose sums follow from moments and from the few rows near their corner (`RowWindow`). One pass over the data
 * at the start and one at the end, which shows whether another row has crossed. null where one has, or a step did not settle.
 */
export async function followRows(
  problem: RobustProblem,
  from: Stand,
  target: number,
  work: Work,
  tally: { passes: number },
): Promise<Stretch | null> {
  const window = await RowWindow.around(problem, from, target, work);
  tally.passes++;
  const events: RobustPathEvent[] = [];
  let state = window.state;
  let radius = from.optimum.point.radius;
  let standstill = 0;
  let feature: SetChange | null = null;
  while (feature === null) {
    const step = pieceStep(problem, window, state, radius);
    if (step === null) return null;
    standstill = step.point.radius - radius > LOCATED * problem.collapseRadius ? 0 : standstill + 1;
    if (standstill > MAXIMUM_STANDSTILL) return null;
    radius = step.point.radius;
    state = step.point.state;
    const { change } = step;
    if (change === null) break;
    events.push(eventOf(change, radius, 0));
    if (change.kind === "residual-sticks") state = { ...state, stuck: [...state.stuck, change.index] };
    else if (change.kind === "residual-leaves") {
      window.setKappa(change.index, Math.sign(state.kappa[change.index]));
      state = { ...state, stuck: state.stuck.filter((row) => row !== change.index) };
    } else {
      feature = change;
      state = afterChange(problem, step.point, change);
    }
  }
  if (radius <= from.optimum.point.radius) return null;
  const found = await solveActive(
    problem,
    radius,
    { ...state, kappa: state.kappa.slice() },
    { maximumIterations: CORRECTOR_ITERATIONS, fixed: true, goal: CORRECTOR_GOAL, tally },
    work,
  );
  if (found === null || !isOptimal(problem, found.point)) return null;
  const predicted = predict(problem, from, radius - from.optimum.point.radius, null).theta;
  return { stand: standAt(problem, found), events, predicted };
}

interface WindowStep {
  readonly point: ActivePoint;
  readonly change: SetChange | null;
}

/** To the end of the piece that a state is on, or as far as the window goes. */
function pieceStep(problem: RobustProblem, window: RowWindow, state: ActiveState, start: number): WindowStep | null {
  const origin = window.pointAt(start, state);
  const system = new ActiveSystem(problem, origin);
  const velocity = pathVelocity(problem, { point: origin, system });
  const end = window.endOf(state, start, velocity);
  if (end <= start) return { point: origin, change: null };
  const kappas = state.stuck.map((row) => state.kappa[row]);
  let first = firstEnd(problem, window, origin, velocity, { change: null, radius: end }, 0);
  for (let attempt = 0; attempt < MAXIMUM_ENDS; attempt++) {
    state.stuck.forEach((row, e) => {
      window.setKappa(row, kappas[e]);
    });
    const point = settle(problem, window, { origin, system, velocity }, first);
    if (point === null) return null;
    if (point.radius > end) {
      first = { change: null, radius: end };
      continue;
    }
    const earlier = firstEnd(
      problem,
      window,
      point,
      velocity,
      { change: null, radius: Number.POSITIVE_INFINITY },
      OVERSTEPPED,
      first.change,
    );
    if (earlier.change === null) return { point, change: first.change };
    first = earlier;
  }
  return null;
}

interface End {
  readonly change: SetChange | null;
  readonly radius: number;
}

/**
 * The first margin to vanish after a point, by value and rate. With a looseness only margins count that are beyond 0 by more
 * than so many times rounding: those that vanished before the point.
 */
function firstEnd(
  problem: RobustProblem,
  window: RowWindow,
  point: ActivePoint,
  velocity: PathVelocity,
  otherwise: End,
  looseness: number,
  known: SetChange | null = null,
): End {
  let first = otherwise;
  const beyond = looseness * cornerSlack(problem);
  const consider = (change: SetChange, { value, rate }: Margin, slack: number): void => {
    if (rate >= 0 || (looseness > 0 && value >= -slack)) return;
    if (known !== null && known.kind === change.kind && known.index === change.index) return;
    const radius = point.radius - (looseness > 0 ? value : Math.max(0, value)) / rate;
    if (radius < first.radius) first = { change, radius };
  };
  window.eachLoose(point.state, velocity.theta, (index, value, rate) =>
    consider({ kind: "residual-sticks", index }, { value, rate }, beyond),
  );
  for (const index of point.state.stuck) {
    const change: SetChange = { kind: "residual-leaves", index };
    consider(change, marginOf(problem, point, velocity, change), looseness * BOUND_SLACK);
  }
  for (const change of possibleEnds(problem, point.state))
    consider(change, marginOf(problem, point, velocity, change), looseness * BOUND_SLACK * point.norm.value);
  return first;
}

/** A piece with Newton's system and the velocity at its start. */
interface Piece {
  readonly origin: ActivePoint;
  readonly system: ActiveSystem;
  readonly velocity: PathVelocity;
}

/**
 * Newton's method on a piece at a radius or where the margin of a change is 0, with the system of the piece's start as long as
 * that brings the gradient down fast.
 */
function settle(
  problem: RobustProblem,
  window: RowWindow,
  piece: Piece,
  { change, radius: foreseen }: End,
): ActivePoint | null {
  const { origin } = piece;
  const onCorners = (theta: Float64Array): Float64Array => onCoefficientCorners(problem, origin.state, theta);
  const located = LOCATED * problem.collapseRadius;
  let { system, velocity } = piece;
  let radius = foreseen;
  let state = window.moved(origin.state, velocity, radius - origin.radius, onCorners);
  let lastSize = Number.POSITIVE_INFINITY;
  for (let iteration = 0; iteration < MAXIMUM_ITERATIONS; iteration++) {
    if (change?.kind === "residual-sticks") window.refresh(state, change.index);
    const point = window.pointAt(radius, state);
    const size = point.pieceResidual;
    if (!(size < Number.POSITIVE_INFINITY)) return null;
    if (size > SLOW * lastSize) {
      system = new ActiveSystem(problem, point);
      velocity = pathVelocity(problem, { point, system });
    }
    const goal = change && { change, velocity, heading: piece.velocity };
    const step = pieceNewton(problem, { point, system }, goal);
    if (step === null) return null;
    const { newton, by } = step;
    const settled =
      size <= CORRECTOR_GOAL || (size <= Math.max(RESIDUAL_TOLERANCE, point.rounding) && size > 0.25 * lastSize);
    if (settled && Math.abs(by) <= located) return point;
    lastSize = size;
    radius += by;
    if (!(radius >= origin.radius - BACKWARDS * located)) return null;
    state = window.moved(state, newton, 1, onCorners);
    if (by !== 0) state = window.moved(state, velocity, by, onCorners);
  }
  return null;
}
