import { maximumMagnitude } from "../threats/norms.js";
import type { ActivePoint } from "./active-point.js";
import { type ActiveState, plainState } from "./active-state.js";
import type { RobustProblem } from "./optimum-problem.js";
import { worseEnds } from "./optimum-rows.js";
import type { PathVelocity } from "./path-velocity.js";

export type PathEventKind =
  | "residual-sticks"
  | "residual-leaves"
  | "coefficient-zero"
  | "coefficient-leaves"
  | "tie-forms"
  | "tie-breaks"
  | "collapse";

/** Where the corners that the optimum sits on change. */
export interface RobustPathEvent {
  /** ρ */
  readonly radius: number;
  /** The event lies within this distance of `radius`; 0 where it was located to 1e-10 of the collapse radius. */
  readonly within: number;
  readonly kind: PathEventKind;
  /** 0-based, for residuals. */
  readonly row?: number;
  /** 0-based, for coefficients and ties. */
  readonly feature?: number;
}

/** One corner that is taken up or left. */
export interface SetChange {
  readonly kind: Exclude<PathEventKind, "collapse">;
  /** Row or feature. */
  readonly index: number;
}

const isRowChange = ({ kind }: SetChange): boolean => kind === "residual-sticks" || kind === "residual-leaves";

/** What differs between two states. A row that has changed sides has stuck and left on the way. */
export function changesBetween(
  { kinked }: RobustProblem,
  from: ActiveState,
  to: ActiveState,
): { rows: SetChange[]; features: SetChange[] } {
  const rows: SetChange[] = [];
  const [before, after] = [new Set(from.stuck), new Set(to.stuck)];
  for (let i = 0; i < kinked.length; i++) {
    if (kinked[i] === 0) continue;
    const was = before.has(i);
    const is = after.has(i);
    const crossed = !was && !is && from.kappa[i] * to.kappa[i] < 0;
    if ((is && !was) || crossed) rows.push({ kind: "residual-sticks", index: i });
    if ((was && !is) || crossed) rows.push({ kind: "residual-leaves", index: i });
  }
  return {
    rows,
    features: [
      ...difference(to.zeros, from.zeros).map((index): SetChange => ({ kind: "coefficient-zero", index })),
      ...difference(from.zeros, to.zeros).map((index): SetChange => ({ kind: "coefficient-leaves", index })),
      ...difference(to.tied, from.tied).map((index): SetChange => ({ kind: "tie-forms", index })),
      ...difference(from.tied, to.tied).map((index): SetChange => ({ kind: "tie-breaks", index })),
    ],
  };
}

/** Below this share of the largest, a residual or coefficient of the fit is on its corner already (MATH 1.2). */
const ON_CORNER = 1e-9;

/** What has changed since θ̂ by an optimum close to it, corners left out that θ̂ itself lies on. */
export function changesFromFit(problem: RobustProblem, { state, reach }: ActivePoint): SetChange[] {
  const { fit, first, threat, corner, cornerSize } = problem;
  const { budgets } = threat.settings;
  const { parameters, scores, data } = fit;
  const sizes = budgets.map((b, k) => b * Math.abs(parameters[first + k]));
  const largest = maximumMagnitude(sizes);
  const awayOf: Readonly<Record<SetChange["kind"], (index: number) => number>> = {
    "residual-sticks": (row) => Math.abs(scores[row] - (corner?.at(data.y[row], 0) ?? 0)) / cornerSize,
    "residual-leaves": (row) => Math.abs(scores[row] - (corner?.at(data.y[row], 0) ?? 0)) / cornerSize,
    "coefficient-zero": (k) => sizes[k] / largest,
    "coefficient-leaves": () => 0,
    "tie-forms": (k) => (largest - sizes[k]) / largest,
    "tie-breaks": () => 0,
  };
  const from = plainState(problem, parameters, worseEnds(problem, scores, reach));
  const { rows, features } = changesBetween(problem, from, state);
  return [...rows, ...features].filter(({ kind, index }) => awayOf[kind](index) > ON_CORNER);
}

function difference(a: readonly number[], b: readonly number[]): number[] {
  const others = new Set(b);
  return a.filter((value) => !others.has(value));
}

export const eventOf = (change: SetChange, radius: number, within: number): RobustPathEvent => ({
  radius,
  within,
  kind: change.kind,
  ...(isRowChange(change) ? { row: change.index } : { feature: change.index }),
});

/** How far a piece of the path is from a change, ≥ 0 on the piece, and how fast that shrinks. */
export interface Margin {
  readonly value: number;
  readonly rate: number;
}

const MARGINS: Readonly<
  Record<
    SetChange["kind"],
    (problem: RobustProblem, point: ActivePoint, velocity: PathVelocity, index: number, heading: PathVelocity) => Margin
  >
> = {
  "residual-sticks": ({ corner, fit, rowFeatures }, { state, sums, norm, reach, radius }, velocity, row) => {
    const side = state.kappa[row];
    const v = rowFeatures([row]).data;
    let rate = (corner?.tilt(reach) ?? 0) * (norm.value + radius * velocity.norm);
    for (let j = 0; j < v.length; j++) rate += v[j] * velocity.theta[j];
    return { value: side * (sums.scores[row] - (corner?.at(fit.data.y[row], reach) ?? 0)), rate: side * rate };
  },
  "residual-leaves": (_, { state }, velocity, row, heading) => {
    const e = state.stuck.indexOf(row);
    const bound = Math.sign(heading.kappa[e]);
    return { value: 1 - bound * state.kappa[row], rate: -bound * velocity.kappa[e] };
  },
  "coefficient-zero": ({ first }, { state }, velocity, k) => ({
    value: state.signs[k] * state.theta[first + k],
    rate: state.signs[k] * velocity.theta[first + k],
  }),
  "coefficient-leaves": (_, { shares }, velocity, k, heading) => {
    const bound = Math.sign(heading.shares[k]);
    return { value: 1 - bound * shares[k], rate: -bound * velocity.shares[k] };
  },
  "tie-forms": ({ first, threat }, { state, norm }, velocity, k) => {
    const b = threat.settings.budgets[k];
    const value = state.theta[first + k];
    return {
      value: norm.value - b * Math.abs(value),
      rate: velocity.norm - b * Math.sign(value) * velocity.theta[first + k],
    };
  },
  "tie-breaks": (_, { state, shares }, velocity, k) => ({
    value: state.signs[k] * shares[k],
    rate: state.signs[k] * velocity.shares[k],
  }),
};

/**
 * The margin of a change at a point of the piece that it ends.
 * @param heading whose sign says which bound a multiplier moves to, where another motion's rate is asked for.
 */
export const marginOf = (
  problem: RobustProblem,
  point: ActivePoint,
  velocity: PathVelocity,
  { kind, index }: SetChange,
  heading: PathVelocity = velocity,
): Margin => MARGINS[kind](problem, point, velocity, index, heading);

/** Which changes of coefficients can end a piece. */
export function possibleEnds({ q, attacked }: RobustProblem, { zeros, tied }: ActiveState): SetChange[] {
  if (q === 1) {
    const held = new Set(zeros);
    return attacked.map((index) => ({ kind: held.has(index) ? "coefficient-leaves" : "coefficient-zero", index }));
  }
  if (q !== Number.POSITIVE_INFINITY) return [];
  const held = new Set(tied);
  return attacked
    .filter((k) => !held.has(k) || tied.length > 1)
    .map((index) => ({ kind: held.has(index) ? "tie-breaks" : "tie-forms", index }));
}

const without = (list: readonly number[], index: number): number[] => list.filter((value) => value !== index);

const withEntry = (values: Float64Array, index: number, entry: number): Float64Array =>
  values.map((value, k) => (k === index ? entry : value));

const SWITCHES: Readonly<
  Record<SetChange["kind"], (problem: RobustProblem, point: ActivePoint, index: number) => Partial<ActiveState>>
> = {
  "residual-sticks": (_, { state }, row) => ({ stuck: [...state.stuck, row] }),
  "residual-leaves": (_, { state }, row) => ({
    stuck: without(state.stuck, row),
    kappa: withEntry(state.kappa, row, Math.sign(state.kappa[row])),
  }),
  "coefficient-zero": (_, { state }, k) => ({ zeros: [...state.zeros, k] }),
  "coefficient-leaves": (_, { state, shares }, k) => ({
    zeros: without(state.zeros, k),
    signs: withEntry(state.signs, k, Math.sign(shares[k])),
  }),
  "tie-forms": ({ first }, { state }, k) => ({
    tied: [...state.tied, k],
    signs: withEntry(state.signs, k, Math.sign(state.theta[first + k])),
  }),
  "tie-breaks": (_, { state }, k) => ({ tied: without(state.tied, k) }),
};

/** The state on the other side of a change. */
export const afterChange = (problem: RobustProblem, point: ActivePoint, { kind, index }: SetChange): ActiveState => ({
  ...point.state,
  ...SWITCHES[kind](problem, point, index),
});
