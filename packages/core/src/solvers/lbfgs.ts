import { throwIfAborted, usageError } from "../errors.js";
import { timeSlices, type Work } from "../parallel/work.js";
import { dot } from "./inverse-hessian.js";
import { pairsOf, quasiNewton, type SecantPair } from "./secant-pairs.js";
import { type Evaluate, type MinimiserPoint, wolfeSearch } from "./wolfe-search.js";

export interface LbfgsOptions extends Work {
  /** How large the gradient is beside what its terms could add up to, or whatever else the caller holds to be small at a minimum. */
  readonly relativeGradient: (point: MinimiserPoint) => number;
  /** Of `relativeGradient`. Default 1e-8. */
  readonly tolerance?: number;
  /** Default 1000. */
  readonly maximumIterations?: number;
  /** Pairs of steps and changes of the gradient that are kept. Default 10. */
  readonly memory?: number;
}

export interface LbfgsResult extends MinimiserPoint {
  /** "stalled": no lower point along the direction of descent, since rounding is all that is left, or the gradient is wrong. */
  readonly end: "converged" | "iteration-limit" | "stalled";
  readonly converged: boolean;
  readonly relativeGradient: number;
  readonly iterations: number;
  readonly evaluations: number;
}

/**
 * A local minimum of a smooth function by the limited-memory quasi-Newton method of Liu and Nocedal (1989), with a search for
 * the strong Wolfe conditions.
 * @throws usage: settings that make no sense, a function that is not finite at the start; cancelled.
 */
export async function minimiseLbfgs(
  objective: Evaluate,
  start: Float64Array,
  options: LbfgsOptions,
): Promise<LbfgsResult> {
  const { relativeGradient, tolerance = 1e-8, maximumIterations = 1000, memory = 10 } = options;
  if (!(memory >= 1)) throw usageError(`L-BFGS must keep at least 1 pair, got ${memory}.`);
  const slices = timeSlices(options);
  let evaluations = 0;
  const evaluate: Evaluate = async (theta) => {
    throwIfAborted(options.signal);
    evaluations++;
    return objective(theta);
  };
  const theta = start.slice();
  let point: MinimiserPoint = { theta, ...(await evaluate(theta)) };
  if (!Number.isFinite(point.value)) {
    throw usageError(
      "The function to be minimised is not finite at the start: begin elsewhere, or rescale the columns.",
    );
  }
  let pairs: readonly SecantPair[] = [];
  for (let iterations = 0; ; ) {
    const size = relativeGradient(point);
    const finish = (end: LbfgsResult["end"]): LbfgsResult => ({
      ...point,
      end,
      converged: end === "converged",
      relativeGradient: size,
      iterations,
      evaluations,
    });
    if (size <= tolerance) return finish("converged");
    if (iterations >= maximumIterations) return finish("iteration-limit");
    const next = await step(point, pairs, evaluate);
    if (next === null && pairs.length === 0) return finish("stalled");
    pairs = next === null ? [] : [...pairs, ...pairOf(point, next)].slice(-memory);
    if (next === null) continue; // once more, along the gradient
    point = next;
    iterations++;
    if (slices.due()) await slices.pause({ phase: "minimising", done: iterations, total: maximumIterations });
  }
}

async function step(
  point: MinimiserPoint,
  pairs: readonly SecantPair[],
  evaluate: Evaluate,
): Promise<MinimiserPoint | null> {
  const direction = quasiNewton(point.gradient, pairs, scaledBy(pairs.at(-1)));
  if (!(dot(direction, point.gradient) < 0)) return null;
  const first = pairs.length > 0 ? 1 : Math.min(1, 1 / Math.sqrt(dot(point.gradient, point.gradient)));
  return wolfeSearch(point, direction, first, evaluate);
}

const pairOf = (from: MinimiserPoint, to: MinimiserPoint): SecantPair[] =>
  pairsOf(
    to.theta.map((value, j) => value - from.theta[j]),
    to.gradient.map((value, j) => value - from.gradient[j]),
  );

/** A multiple of the unit matrix, of the size of the inverse Hessian along the last step. */
const scaledBy =
  (last: SecantPair | undefined) =>
  (vector: Float64Array): Float64Array => {
    if (!last) return vector;
    const scale = 1 / (last.inverse * dot(last.change, last.change));
    return vector.map((value) => value * scale);
  };
