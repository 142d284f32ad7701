import type { RandomStream } from "./random.js";

/** Beyond this mean a Poisson count is drawn as a rounded normal. */
const LARGE_MEAN = 50;

/** A Poisson count of the given mean, by inversion: one uniform number a count. */
export function poissonCount(random: RandomStream, mean: number): number {
  if (mean > LARGE_MEAN) return Math.max(0, Math.round(mean + Math.sqrt(mean) * random.normal()));
  const u = random.uniform();
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
