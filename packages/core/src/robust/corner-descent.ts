import type { Work } from "../parallel/work.js";
import {
  type ActiveOptimum,
  gapSlopes,
  offsetToCorners,
  onCoefficientCorners,
  RESIDUAL_TOLERANCE,
} from "./active-newton.js";
import { activePoint, evaluateActive } from "./active-point.js";
import { reviseSets } from "./active-revision.js";
import { BOUND_SLACK, cornerSlack } from "./active-slack.js";
import type { ActiveState } from "./active-state.js";
import { ActiveSystem } from "./active-system.js";
import type { RobustProblem } from "./optimum-problem.js";
import { advance } from "./smoothing-newton.js";

const MAXIMUM_STEPS = 100;
const RESIDUAL_GOAL = 1e-13;

/**
 * Newton's method that takes corners up and leaves them one at a time, for squared losses: a step ends where the first row meets its
 * corner, which is then held, and of the held rows whose multipliers are out of bounds only the worst is let go. Slower than
 * `solveActive`, but sure of its way among rows that lie much closer together than the optimum moves in one step. Null where it
 * does not end.
 */
export async function descendCorners(
  problem: RobustProblem,
  radius: number,
  start: ActiveState,
  tally: { passes: number },
  work?: Work,
): Promise<ActiveOptimum | null> {
  let state = start;
  let lastSize = Number.POSITIVE_INFINITY;
  for (let iterations = 1; iterations <= MAXIMUM_STEPS; iterations++) {
    let point = await evaluateActive(problem, radius, state, work);
    tally.passes++;
    if (!(point.residual < Number.POSITIVE_INFINITY && point.norm.value > 0)) return null;
    // Coefficients only: rows stay where they are held.
    const sides = reviseSets(problem, { ...point, sums: { ...point.sums, scores: problem.fit.data.y } });
    if (sides)
      point = activePoint(
        problem,
        radius,
        { ...sides.state, stuck: state.stuck, kappa: state.kappa },
        point.sums,
        point.reach,
      );
    const { gradient, defects, norm, sums } = point;
    const system = new ActiveSystem(problem, point);
    const worst = worstMultiplier(state);
    const slack = cornerSlack(problem);
    const reachable = Math.max(RESIDUAL_TOLERANCE, point.rounding);
    const size = point.pieceResidual;
    const settled = size <= RESIDUAL_GOAL || (size <= reachable && size > 0.25 * lastSize);
    lastSize = size;
    if (!sides && settled && defects.every((defect) => Math.abs(defect) <= slack)) {
      if (worst < 0) return reviseSets(problem, point) === null ? { point, system, iterations } : null;
      state = letGo(state, worst);
      lastSize = Number.POSITIVE_INFINITY;
      continue;
    }
    state = point.state;
    const { step, lambda } = system.solve(gradient, defects, offsetToCorners(problem, state, norm.value));
    const perKappa = gapSlopes(problem, point);
    const towards = onCoefficientCorners(problem, state, advance(problem, state.theta, step, 1));
    const { sums: after } = await evaluateActive(problem, radius, { ...state, theta: towards }, work, false);
    tally.passes++;
    const kappa = state.kappa.slice();
    let [share, blocking] = [1, -1];
    const held = new Set(state.stuck);
    problem.fit.data.y.forEach((y, i) => {
      if (problem.kinked[i] === 0 || held.has(i)) return;
      const [before, then] = [sums.scores[i] - y, after.scores[i] - y];
      if (iterations === 1) kappa[i] = Math.sign(then) || kappa[i];
      else if (kappa[i] * then < -slack) {
        const met = Math.max(0, (kappa[i] * before) / (kappa[i] * (before - then)));
        if (met < share) [share, blocking] = [met, i];
      }
    });
    state.stuck.forEach((row, e) => {
      kappa[row] += (share * lambda[e]) / perKappa[e];
    });
    const theta = share === 1 ? towards : state.theta.map((value, j) => value + share * (towards[j] - value));
    state = { ...state, theta, kappa, stuck: blocking < 0 ? state.stuck : [...state.stuck, blocking] };
    if (blocking >= 0) lastSize = Number.POSITIVE_INFINITY;
    if (state.stuck.length > theta.length) return null;
  }
  return null;
}

function letGo(state: ActiveState, row: number): ActiveState {
  const kappa = state.kappa.slice();
  kappa[row] = Math.sign(kappa[row]);
  return { ...state, kappa, stuck: state.stuck.filter((held) => held !== row) };
}

/** The stuck row whose multiplier is furthest beyond its bounds; −1 where none is. */
function worstMultiplier({ stuck, kappa }: ActiveState): number {
  let [worst, size] = [-1, 1 + BOUND_SLACK];
  for (const row of stuck) if (Math.abs(kappa[row]) > size) [worst, size] = [row, Math.abs(kappa[row])];
  return worst;
}
