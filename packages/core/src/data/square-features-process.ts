import type { RandomStream } from "../stats/random.js";
import { type GeneratingProcess, process } from "./processes.js";

/** The process of Example 5.1 and Figure 2(a): y = Σ_j(β₁_j x_j + β₂_j x_j²/4) + ξ, x uniform on (−1, 1)^M. */
export function squareFeaturesProcess({
  beta1,
  beta2,
  noise,
}: {
  readonly beta1: ArrayLike<number>;
  readonly beta2: ArrayLike<number>;
  readonly noise: (random: RandomStream) => number;
}): GeneratingProcess {
  return process("y = Σ(β₁x + β₂x²/4) + ξ, x uniform on (−1, 1)", beta1.length, {
    inputs: (random, x) => {
      for (let k = 0; k < x.length; k++) x[k] = 2 * random.uniform() - 1;
    },
    mean: (x) => x.reduce((sum, value, k) => sum + beta1[k] * value + (beta2[k] * value * value) / 4, 0),
    noise,
  });
}

/** σξ, ξ ~ N(0, 1) */
export const normalNoise =
  (sigma: number) =>
  (random: RandomStream): number =>
    sigma * random.normal();

/** σ(E − 1), E exponential: mean 0, skewed, so that E sgn is 2/e − 1. */
export const skewedNoise =
  (sigma: number) =>
  (random: RandomStream): number =>
    sigma * (-Math.log(random.uniform()) - 1);
