import { normalQuantile } from "./distributions.js";
import type { RandomStream } from "./random.js";

/** Beyond this mean a Poisson count is drawn as a rounded normal. */
const LARGE_MEAN = 50;

/** P(count ≤ k) of a Poisson count of mean 1, k = 0, 1, …: all that a double can tell apart. */
const UNIT_DISTRIBUTION = unitDistribution();

function unitDistribution(): Float64Array {
  const sums: number[] = [];
  let probability = Math.exp(-1);
  let sum = 0;
  for (let k = 0; probability > 1e-18; k++) {
    sum += probability;
    sums.push(sum);
    probability /= k + 1;
  }
  return Float64Array.from(sums);
}

/** A Poisson count of mean 1, by inversion. */
export function unitPoissonCount(random: RandomStream): number {
  const u = random.uniform();
  let count = 0;
  while (count < UNIT_DISTRIBUTION.length && u > UNIT_DISTRIBUTION[count]) count++;
  return count;
}

/** A Poisson count of the given mean, by inversion: one uniform number a count. */
export function poissonCount(random: RandomStream, mean: number): number {
  if (mean > LARGE_MEAN) return roundedNormal(mean, random.normal());
  return inverted(random.uniform(), mean);
}

/** The count whose distribution function first reaches u, in (0, 1). */
export const poissonQuantile = (u: number, mean: number): number =>
  mean > LARGE_MEAN ? roundedNormal(mean, normalQuantile(u)) : inverted(u, mean);

const roundedNormal = (mean: number, normal: number): number =>
  Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));

function inverted(u: number, mean: number): number {
  let probability = Math.exp(-mean);
  let sum = probability;
  let count = 0;
  while (u > sum && probability > 0) {
    count++;
    probability *= mean / count;
    sum += probability;
  }
  return count;
}
