import { randomStream } from "./random.js";

/** Up to `count` different rows of `rows` in order, each as likely as the next (Floyd's method). @param stream of the seed. */
export function drawRows(rows: number, count: number, seed: number, stream = 0): Int32Array {
  const random = randomStream(seed, stream);
  const chosen = new Set<number>();
  for (let last = Math.max(0, rows - count); last < rows; last++) {
    const row = Math.floor(random.uniform() * (last + 1));
    chosen.add(chosen.has(row) ? last : row);
  }
  return Int32Array.from(chosen).sort();
}
