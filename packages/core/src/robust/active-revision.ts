import type { ActivePoint } from "./active-point.js";
import { BOUND_SLACK, cornerSlack, NEGLIGIBLE, TIE_SLACK } from "./active-slack.js";
import type { ActiveState } from "./active-state.js";
import type { RobustProblem } from "./optimum-problem.js";

/**
 * The sets that a point itself asks for: rows and coefficients that have crossed a corner are held there (the multipliers then
 * say whether they belong), multipliers beyond their bounds let go. null where nothing changes.
 * @param looseness by how much more than rounding something must be beyond a corner or bound to count.
 */
export function reviseSets(
  problem: RobustProblem,
  point: ActivePoint,
  looseness = 1,
): { state: ActiveState; sidesChanged: boolean } | null {
  const { state } = point;
  const signs = state.signs.slice();
  const theta = state.theta.slice();
  const zeros = reviseZeros(problem, point, { theta, signs }, looseness);
  const tied = reviseTies(problem, point, signs, looseness);
  const crossed = crossedRows(problem, point, looseness);
  if (zeros === state.zeros && tied === state.tied && crossed.length === 0) return null;
  const room = Math.max(0, state.theta.length - zeros.length - Math.max(0, tied.length - 1) - state.stuck.length);
  const held = crossed.slice(0, room);
  const flipped = crossed.slice(room);
  const kappa = flipped.length > 0 ? state.kappa.slice() : state.kappa;
  for (const i of flipped) kappa[i] = -kappa[i];
  const stuck = held.length > 0 ? [...state.stuck, ...held] : state.stuck;
  return { state: { ...state, theta, kappa, stuck, zeros, tied, signs }, sidesChanged: flipped.length > 0 };
}

/**
 * q = 1: multipliers within [−1, 1]. For 1 < q < 2 (p > 2) a coefficient is N·|τ|^{p−1}, which may be too small to be told from 0:
 * such ones are held at 0 too. Writes the sign, and for q > 1 the value, of a coefficient that leaves 0.
 */
function reviseZeros(
  { q, attacked, first, threat }: RobustProblem,
  { state: { zeros }, shares, norm }: ActivePoint,
  { theta, signs }: { readonly theta: Float64Array; readonly signs: Float64Array },
  looseness: number,
): readonly number[] {
  if (q >= 2) return zeros;
  const { p, budgets } = threat.settings;
  const bound = q === 1 ? 1 + looseness * BOUND_SLACK : NEGLIGIBLE ** (1 / (p - 1));
  const held = new Set(zeros);
  const next = attacked.filter((k) => {
    const j = first + k;
    if (held.has(k)) return Math.abs(shares[k]) <= bound;
    return q === 1
      ? signs[k] * theta[j] < -looseness * TIE_SLACK * norm.value
      : Math.abs(budgets[k] * theta[j]) < NEGLIGIBLE * norm.value;
  });
  const kept = new Set(next);
  if (next.length === zeros.length && zeros.every((k) => kept.has(k))) return zeros;
  for (const k of zeros) {
    if (kept.has(k)) continue;
    signs[k] = Math.sign(shares[k]);
    if (q > 1) theta[first + k] = (norm.value * signs[k] * Math.min(1, Math.abs(shares[k])) ** (p - 1)) / budgets[k];
  }
  return next;
}

function reviseTies(
  { q, attacked, first, threat }: RobustProblem,
  { state: { theta, tied }, shares, norm }: ActivePoint,
  signs: Float64Array,
  looseness: number,
): readonly number[] {
  if (q !== Number.POSITIVE_INFINITY) return tied;
  const { budgets } = threat.settings;
  const held = new Set(tied);
  const stay = tied.filter((k) => tied.length === 1 || signs[k] * shares[k] >= -looseness * BOUND_SLACK);
  const join = attacked.filter(
    (k) => !held.has(k) && budgets[k] * Math.abs(theta[first + k]) > norm.value * (1 + looseness * TIE_SLACK),
  );
  if (stay.length === tied.length && join.length === 0) return tied;
  for (const k of join) signs[k] = Math.sign(theta[first + k]);
  return [...stay, ...join];
}

/** Rows beyond a corner from the side they are held on, the nearest to it first. */
function crossedRows(problem: RobustProblem, { state, sums, reach }: ActivePoint, looseness: number): number[] {
  const { kinked, corner, fit } = problem;
  if (corner === null || reach === 0) return [];
  const slack = looseness * cornerSlack(problem);
  const held = new Set(state.stuck);
  const beyond = (i: number): number => -state.kappa[i] * (sums.scores[i] - corner.at(fit.data.y[i], reach));
  const crossed: number[] = [];
  for (let i = 0; i < kinked.length; i++) if (kinked[i] === 1 && beyond(i) > slack && !held.has(i)) crossed.push(i);
  return crossed.sort((a, b) => beyond(a) - beyond(b));
}
