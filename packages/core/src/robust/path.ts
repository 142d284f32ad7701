import { usageError } from "../errors.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import type { AnyThreat } from "../threats/threat-on.js";
import { solveActive } from "./active-newton.js";
import { findOptimum, isCollapsed } from "./optimum.js";
import { robustProblem } from "./optimum-problem.js";
import { nullOptimum, optimumOf, type RobustOptimum } from "./optimum-result.js";
import type { RobustPathEvent } from "./path-events.js";
import { CORRECTOR_ITERATIONS } from "./path-follow.js";
import { PathWalk, type RobustPathPoint } from "./path-walk.js";

/** How far the path of robust optima is followed, and how closely its points lie. */
export interface RobustPathOptions extends Work {
  /** The last radius ρ (default: the collapse radius). */
  readonly radiusMax?: number;
  /** The relative error that a prediction from one point to the next may have (default 0.01): how close points lie. */
  readonly tolerance?: number;
  /** Default 10,000. */
  readonly maximumSteps?: number;
}

/** θ_ρ for every radius from 0 on (MATH 10a). */
export interface RobustPath {
  readonly points: readonly RobustPathPoint[];
  readonly events: readonly RobustPathEvent[];
  /** ρ from which on the null model is optimal. */
  readonly collapseRadius: number;
  /** Newton iterations, each one pass over the data. */
  readonly iterations: number;
  /** The exact optimum at any radius ≥ 0, from the nearest point of the path. */
  at(radius: number, work?: Work): Promise<RobustOptimum>;
}

/**
 * The exact robust optimum for every radius: predictor dθ/dρ, corrector Newton's method on the same corners, steps as long as
 * the prediction allows. Changes of the corners are located exactly; rows' changes of Poisson losses in large data step by step.
 * @throws usage: as `robustOptimum`. numerical: an optimum was not reached, or too many steps.
 */
export async function robustPath(
  fit: Fit,
  threat: AnyThreat,
  { radiusMax, tolerance = 0.01, maximumSteps = 10_000, ...work }: RobustPathOptions = {},
): Promise<RobustPath> {
  if (radiusMax !== undefined && !(radiusMax >= 0 && radiusMax < Number.POSITIVE_INFINITY))
    throw usageError(`The path's last radius must be a number ≥ 0, got ${radiusMax}.`);
  if (!(tolerance > 0)) throw usageError(`The path's tolerance must be a number > 0, got ${tolerance}.`);
  const problem = await robustProblem(fit, threat, work);
  const { collapseRadius } = problem;
  const end = radiusMax ?? collapseRadius;
  const walk = new PathWalk(problem, { tolerance, maximumSteps }, work);
  if (collapseRadius > 0) await walk.follow(end);
  if (end >= collapseRadius) await walk.collapse(end);
  const { points, events, states } = walk;
  return {
    points,
    events,
    collapseRadius,
    iterations: walk.tally.passes,
    async at(radius, more = {}) {
      if (!(radius >= 0 && radius < Number.POSITIVE_INFINITY))
        throw usageError(`The radius must be a number ≥ 0, got ${radius}.`);
      if (isCollapsed(problem, radius)) return nullOptimum(problem, radius, more);
      const { resting } = walk;
      const still = radius > 0 && resting && radius <= resting.end && (await resting.point.optimumAt(radius, more));
      if (still) return still;
      let nearest = 0;
      states.forEach((_, k) => {
        if (Math.abs(points[k].radius - radius) < Math.abs(points[nearest].radius - radius)) nearest = k;
      });
      const by = radius - points[nearest].radius;
      const theta = points[nearest].parameters.map((value, j) => value + by * points[nearest].velocity[j]);
      const near = { ...states[nearest], theta };
      const options = { maximumIterations: CORRECTOR_ITERATIONS };
      const optimum =
        (await solveActive(problem, radius, near, options, more)) ?? (await findOptimum(problem, radius, theta, more));
      return optimumOf(problem, optimum);
    },
  };
}
