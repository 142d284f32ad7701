import { dot } from "./inverse-hessian.js";

/** A step s, the change y of the gradient along it, and 1/s'y. */
export interface SecantPair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  readonly inverse: number;
}

/** Pairs with less curvature than this (s'y beside ‖s‖‖y‖) are rounding. */
const LEAST_CURVATURE = 1e-12;

/** None where the function does not curve upwards along the step. */
export function pairsOf(step: Float64Array, change: Float64Array): SecantPair[] {
  const curvature = dot(step, change);
  if (!(curvature > LEAST_CURVATURE * Math.sqrt(dot(step, step) * dot(change, change)))) return [];
  return [{ step, change, inverse: 1 / curvature }];
}

/**
 * −B∇f, B the inverse Hessian that the pairs imply beside a first one, by the two loops over them (Nocedal and Wright 2006, algorithm 7.4).
 * @param first what the first one makes of a vector, which it may write to
 */
export function quasiNewton(
  gradient: Float64Array,
  pairs: readonly SecantPair[],
  first: (vector: Float64Array) => Float64Array,
): Float64Array {
  const negative = gradient.map((g) => -g);
  const weights = pairs.toReversed().map(({ step, change, inverse }) => {
    const weight = inverse * dot(step, negative);
    add(negative, -weight, change);
    return weight;
  });
  const direction = first(negative);
  weights.reverse();
  pairs.forEach(({ step, change, inverse }, k) => add(direction, weights[k] - inverse * dot(change, direction), step));
  return direction;
}

function add(to: Float64Array, factor: number, vector: Float64Array): void {
  for (let j = 0; j < to.length; j++) to[j] += factor * vector[j];
}
