import { randomStream } from "./random.js";

/** 0 … count−1 in random order (Fisher and Yates), the same for the same seed and stream. */
export function shuffled(count: number, seed: number, stream = 0): Int32Array {
  const { uniform } = randomStream(seed, stream);
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(uniform() * (last + 1));
    [order[last], order[other]] = [order[other], order[last]];
  }
  return order;
}
