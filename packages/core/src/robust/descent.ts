import { dot } from "../solvers/inverse-hessian.js";

/** "gradient": steepest descent; "lbfgs": limited-memory quasi-Newton. */
export type DescentMethod = "gradient" | "lbfgs";

/** A step and the change of the gradient over it, as plain numbers that can be written to a file. */
export interface SecantPair {
  readonly step: readonly number[];
  readonly change: readonly number[];
}

/** What a descent remembers from one iteration to the next, besides where it is. */
export interface DescentMemory {
  /** The latest pairs, oldest first. */
  readonly pairs: readonly SecantPair[];
  /** The length factor that the last search accepted; 0 at the start. */
  readonly factor: number;
}

export const EMPTY_MEMORY: DescentMemory = { pairs: [], factor: 0 };

/** A point with its value and gradient; `Extra` comes along with it. */
export interface DescentPoint {
  readonly theta: Float64Array;
  readonly objective: number;
  readonly gradient: Float64Array;
}

const MEMORY = 20;
/** Weak Wolfe conditions: enough decrease, and a slope that has risen enough. They suit functions with corners too. */
const DECREASE = 1e-4;
const SLOPE = 0.9;
/** Objectives this close, relatively, are the same but for rounding. */
const ROUNDING = 1e-13;
/** Trials of a search: until something lower is found, and until the slope there has risen enough. */
const MAXIMUM_TRIALS = 30;
const TRIALS_FOR_SLOPE = 8;

/**
 * One step of descent from `point`: along −∇R or its L-BFGS image, by a bisecting search for the weak Wolfe conditions. Null when
 * no trial along the direction is lower: rounding, or a corner.
 */
export async function descend<Point extends DescentPoint>(
  method: DescentMethod,
  point: Point,
  memory: DescentMemory,
  evaluate: (theta: Float64Array) => Promise<Point>,
): Promise<{ point: Point; memory: DescentMemory } | null> {
  const direction = method === "lbfgs" ? quasiNewton(point.gradient, memory.pairs) : point.gradient.map((g) => -g);
  const slope = dot(point.gradient, direction);
  if (!(slope < 0)) return null;
  const size = Math.sqrt(dot(point.gradient, point.gradient));
  const first = method === "lbfgs" && memory.pairs.length > 0 ? 1 : memory.factor || 1 / size;
  const found = await search(point, direction, slope, first, evaluate);
  if (found === null) return null;
  const step = found.point.theta.map((value, j) => value - point.theta[j]);
  const change = found.point.gradient.map((value, j) => value - point.gradient[j]);
  const curved = dot(step, change) > 1e-12 * Math.sqrt(dot(step, step) * dot(change, change));
  const pairs = curved ? [...memory.pairs, { step: [...step], change: [...change] }].slice(-MEMORY) : memory.pairs;
  return { point: found.point, memory: { pairs: method === "lbfgs" ? pairs : [], factor: found.factor } };
}

async function search<Point extends DescentPoint>(
  from: Point,
  direction: Float64Array,
  slope: number,
  first: number,
  evaluate: (theta: Float64Array) => Promise<Point>,
): Promise<{ point: Point; factor: number } | null> {
  const rounding = ROUNDING * Math.abs(from.objective);
  let [low, high] = [0, Number.POSITIVE_INFINITY];
  let factor = first;
  let lower: { point: Point; factor: number } | null = null;
  for (let trial = 0; trial < (lower ? TRIALS_FOR_SLOPE : MAXIMUM_TRIALS); trial++) {
    const point = await evaluate(from.theta.map((value, j) => value + factor * direction[j]));
    const there = dot(point.gradient, direction);
    // Where rounding hides the decrease, the slope alone says that the step is good.
    const hidden = -factor * slope < rounding && point.objective <= from.objective + rounding;
    if (hidden && Math.abs(there) <= -0.5 * slope) return { point, factor };
    // Overflow counts as too far.
    if (!(point.objective <= from.objective + DECREASE * factor * slope)) high = factor;
    else {
      if (point.objective < from.objective) lower = { point, factor };
      if (there >= SLOPE * slope) return lower;
      low = factor;
    }
    const next = high < Number.POSITIVE_INFINITY ? 0.5 * (low + high) : 2 * factor;
    if (!(next > low && next < high)) break;
    factor = next;
  }
  return lower;
}

/** −B∇R by the two-loop recursion over the pairs, starting from the scale of the last one. */
function quasiNewton(gradient: Float64Array, pairs: readonly SecantPair[]): Float64Array {
  const direction = gradient.map((g) => -g);
  const inner = (a: readonly number[], b: ArrayLike<number>): number => a.reduce((sum, v, j) => sum + v * b[j], 0);
  const weights = new Float64Array(pairs.length);
  for (let k = pairs.length - 1; k >= 0; k--) {
    const { step, change } = pairs[k];
    weights[k] = inner(step, direction) / inner(step, change);
    for (let j = 0; j < direction.length; j++) direction[j] -= weights[k] * change[j];
  }
  const last = pairs[pairs.length - 1];
  if (last) {
    const scale = inner(last.step, last.change) / inner(last.change, last.change);
    for (let j = 0; j < direction.length; j++) direction[j] *= scale;
  }
  pairs.forEach(({ step, change }, k) => {
    const back = weights[k] - inner(change, direction) / inner(step, change);
    for (let j = 0; j < direction.length; j++) direction[j] += back * step[j];
  });
  return direction;
}
