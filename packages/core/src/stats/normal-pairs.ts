/**
 * Normal numbers by the thousand from xoroshiro128+: the generator's step is written out, so that its state stays in registers. The
 * digits are those of `uniformFloat64` and Marsaglia's polar method, called one by one.
 */

/** (s01, s00, s11, s10): two words of 64 bits, each with its upper half first. */
export type GeneratorState = readonly [number, number, number, number];

/** The 26 upper and 27 lower bits of a uniform number, and what each counts. */
const UPPER = 2 ** 26 - 1;
const LOWER = 2 ** 27 - 1;
const OF_UPPER = 2 ** -26;
const OF_LOWER = 2 ** -53;

/**
 * Fills an array of even length, pair by pair: (x, y)·√(−2 log r²/r²) for (x, y) uniform in the unit disc. Returns the state after the
 * last number.
 */
export function fillNormalPairs(state: GeneratorState, out: Float64Array): GeneratorState {
  let [s01, s00, s11, s10] = state;
  for (let at = 0; at < out.length; at += 2) {
    let x = 0;
    let y = 0;
    let square = 0;
    do {
      for (let side = 0; side < 2; side++) {
        let uniform = 0;
        do {
          let first = 0;
          let second = 0;
          for (let half = 0; half < 2; half++) {
            first = second;
            second = (s00 + s10) | 0;
            const a0 = s10 ^ s00;
            const a1 = s11 ^ s01;
            const lower = s00;
            s00 = (s00 << 24) ^ (s01 >>> 8) ^ a0 ^ (a0 << 16);
            s01 = (s01 << 24) ^ (lower >>> 8) ^ a1 ^ ((a1 << 16) | (a0 >>> 16));
            s10 = (a1 << 5) ^ (a0 >>> 27);
            s11 = (a0 << 5) ^ (a1 >>> 27);
          }
          uniform = (first & UPPER) * OF_UPPER + (second & LOWER) * OF_LOWER;
        } while (uniform === 0);
        x = y;
        y = 2 * uniform - 1;
      }
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const factor = Math.sqrt((-2 * Math.log(square)) / square);
    out[at] = x * factor;
    out[at + 1] = y * factor;
  }
  return [s01, s00, s11, s10];
}
