import { binomial } from "./binomial.js";
import type { RandomStream } from "./random.js";

/** Up to this many cells one uniform number has digits enough for two of them. */
const TWO_IN_ONE = 2 ** 20;

/** Adds `draws` draws with replacement from cells of equal chance to `counts`. */
export function drawEqual(random: RandomStream, draws: number, counts: Float64Array): void {
  const cells = counts.length;
  let left = draws;
  while (left > 0) {
    const position = random.uniform() * cells;
    const cell = Math.floor(position);
    counts[cell]++;
    left--;
    if (left === 0 || cells > TWO_IN_ONE) continue;
    counts[Math.floor((position - cell) * cells)]++;
    left--;
  }
}

/**
 * Adds `draws` draws with replacement from cells of the given chances (not negative, summing to 1) to `counts`: one
 * binomial number a cell, given what the cells before it have taken. The cost does not grow with the number of draws.
 */
export function drawMultinomial(
  random: RandomStream,
  chances: Float64Array,
  draws: number,
  counts: Float64Array,
): void {
  // Summed from the back, what is left is never 0 by rounding while a cell with a chance is still to come.
  const rest = new Float64Array(chances.length + 1);
  for (let i = chances.length - 1; i >= 0; i--) rest[i] = rest[i + 1] + chances[i];
  let left = draws;
  for (let i = 0; i < chances.length && left > 0; i++) {
    if (chances[i] === 0) continue;
    const taken = rest[i + 1] === 0 ? left : binomial(random, left, chances[i] / rest[i]);
    counts[i] += taken;
    left -= taken;
  }
}
