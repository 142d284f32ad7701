/** Half the width and the step of the grid: beyond 9 the normal density is below 1e-18. */
const REACH = 9;
const STEP = 0.25;

/**
 * E g(T, U) for independent standard normal T and U. The trapezoidal rule, which for a function that is analytic near the
 * real axis converges faster than any power of the step.
 */
export function gaussianMean(g: (t: number, u: number) => number): number {
  let sum = 0;
  let weights = 0;
  for (let t = -REACH; t <= REACH; t += STEP) {
    for (let u = -REACH; u <= REACH; u += STEP) {
      const weight = Math.exp(-0.5 * (t * t + u * u));
      sum += weight * g(t, u);
      weights += weight;
    }
  }
  return sum / weights;
}
