/** A module of its own: points of the unit disc, of which normal numbers are made, by xoroshiro128+. Addresses are in bytes. */

/** The first address that callers may use. */
export const FREE: usize = __heap_base;

/** The 26 upper and 27 lower bits of a uniform number, and what each counts. */
const UPPER: u64 = (1 << 26) - 1;
const LOWER: u64 = (1 << 27) - 1;
const OF_UPPER: f64 = 1.4901161193847656e-8; // 2⁻²⁶
const OF_LOWER: f64 = 1.1102230246251565e-16; // 2⁻⁵³

/**
 * Pairs (x, y) of uniform numbers in (−1, 1) inside the unit disc but for its centre, side by side, and r² = x² + y² of each: as many as
 * are asked for.
 * @param state two numbers of 64 bits, which go on
 */
export function disc(count: i32, state: usize, pairs: usize, squares: usize): void {
  let s0 = load<u64>(state);
  let s1 = load<u64>(state, 8);
  for (let k = 0; k < count; k++, pairs += 16, squares += 8) {
    let x: f64 = 0;
    let y: f64 = 0;
    let square: f64 = 0;
    do {
      for (let side = 0; side < 2; side++) {
        let uniform: f64 = 0;
        do {
          const first = s0 + s1;
          let a = s1 ^ s0;
          s0 = rotl<u64>(s0, 24) ^ a ^ (a << 16);
          s1 = rotl<u64>(a, 37);
          const second = s0 + s1;
          a = s1 ^ s0;
          s0 = rotl<u64>(s0, 24) ^ a ^ (a << 16);
          s1 = rotl<u64>(a, 37);
          uniform = <f64>(<i64>(first & UPPER)) * OF_UPPER + <f64>(<i64>(second & LOWER)) * OF_LOWER;
        } while (uniform == 0);
        x = y;
        y = 2 * uniform - 1;
      }
      square = x * x + y * y;
    } while (square >= 1 || square == 0);
    store<f64>(pairs, x);
    store<f64>(pairs, y, 8);
    store<f64>(squares, square);
  }
  store<u64>(state, s0);
  store<u64>(state, s1, 8);
}
