import { poissonQuantile } from "./poisson-count.js";
import { mixed } from "./random.js";

/** In (0, 1). @param hash of 32 bits */
const shareOf = (hash: number): number => (hash + 0.5) / 2 ** 32;

/** The first digits of a hash that tell most counts of mean 1, and those that do not. */
const DIGITS = 12;
const REST = 32 - DIGITS;
const UNTOLD = 255;
const UNIT_COUNTS = unitCounts();

function unitCounts(): Uint8Array {
  return Uint8Array.from({ length: 2 ** DIGITS }, (_, first) => {
    const least = poissonQuantile(shareOf(first * 2 ** REST), 1);
    return least === poissonQuantile(shareOf((first + 1) * 2 ** REST - 1), 1) ? least : UNTOLD;
  });
}

/**
 * How often units are drawn in a run of draws: independent Poisson counts, each a hash of (seed, draw, unit) and of nothing else, so
 * that they are the same whoever asks for which of them, and in which order (the Poisson bootstrap: N. Chamandy, O. Muralidharan,
 * A. Najmi, S. Naidu, "Estimating uncertainty for massive data streams", 2012).
 */
export class DrawnCounts {
  private readonly one: Int32Array;
  private readonly two: Int32Array;

  /** @param from the first draw @param draws K */
  constructor(
    seed: number,
    from: number,
    readonly draws: number,
  ) {
    const start = mixed(seed | 0);
    this.one = Int32Array.from({ length: draws }, (_, k) => mixed(start ^ mixed(from + k + 0x9e3779b9)));
    this.two = this.one.map((key) => mixed(key + 0x7f4a7c15));
  }

  /** Writes K counts of mean 1 to out[at …]. @param unit 0 … 2^53 */
  writeUnit(unit: number, out: Float64Array, at: number): void {
    const { one, two, draws } = this;
    const [low, high] = [unit | 0, Math.imul(Math.floor(unit / 2 ** 32), 0x9e3779b1)];
    for (let k = 0; k < draws; k++) {
      const hash = mixed((mixed(low ^ one[k]) ^ high) + two[k]) >>> 0;
      const count = UNIT_COUNTS[hash >>> REST];
      out[at + k] = count === UNTOLD ? poissonQuantile(shareOf(hash), 1) : count;
    }
  }

  /** The same with another mean. */
  write(unit: number, mean: number, out: Float64Array, at: number): void {
    const { one, two, draws } = this;
    const [low, high] = [unit | 0, Math.imul(Math.floor(unit / 2 ** 32), 0x9e3779b1)];
    for (let k = 0; k < draws; k++) {
      out[at + k] = poissonQuantile(shareOf(mixed((mixed(low ^ one[k]) ^ high) + two[k]) >>> 0), mean);
    }
  }
}
