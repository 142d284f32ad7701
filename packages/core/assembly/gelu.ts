/** A module of its own: xΦ(x), of the standard normal distribution, and its derivatives. Addresses are in bytes, and counts n are even. */
import { constant, exponential, exponentialOfSum, horner, ONE, TWO } from "./exponential";

/** Φ(−z) = e^{−z²/2}·P(z)/Q(z) to 1e-16 of it for 0 ≤ z ≤ 38 (least squares); coefficients from the last on, none of them negative. */
const ABOVE = memory.data<f64>([
  1.354092573653159e-6, 3.655258362115798e-5, 4.8276207121116183e-4, 4.036776773287522e-3, 2.3376710482444926e-2,
  9.689990367751494e-2, 2.8756148584854246e-1, 5.915803369905688e-1, 7.731824125503745e-1, 0.5,
]);
const BELOW = memory.data<f64>([
  3.3942067315990132e-6, 9.162373961313923e-5, 1.2134992645755362e-3, 1.021032252539082e-2, 5.98000405765076e-2,
  2.528274769372403e-1, 7.770204688714271e-1, 1.706438663753922, 2.5536010656654757, 2.3442493859036064, 1,
]);
const MINUS_HALF = memory.data<f64>([-0.5]);
const FOUR = memory.data<f64>([4]);
/** 1 / √(2π) */
const DENSITY = memory.data<f64>([0.3989422804014327]);
const FARTHEST = memory.data<f64>([40]);
/** All but the last 27 bits: what is left has a square without rounding. */
const LEADING = memory.data<u64>([0xfffffffff8000000]);

/** The first address that callers may use. */
export const FREE: usize = __heap_base;

/** The number of −40 … 40 nearest to x: beyond, tails times x are 0, and infinity times 0 would be no number. */
// @ts-ignore: decorator
@inline
function within(x: v128): v128 {
  return f64x2.pmin(f64x2.pmax(x, f64x2.neg(constant(FARTHEST))), constant(FARTHEST));
}

/** φ(x)·√(2π) = e^{−x²/2}: with s the leading half of z = |x|, −s²/2 − (z − s)(z + s)/2 is that exponent without its rounding. */
// @ts-ignore: decorator
@inline
function bell(x: v128): v128 {
  const z = f64x2.abs(x);
  const s = v128.and(z, constant(LEADING));
  const rest = f64x2.mul(constant(MINUS_HALF), f64x2.mul(f64x2.sub(z, s), f64x2.add(z, s)));
  return exponentialOfSum(f64x2.mul(constant(MINUS_HALF), f64x2.mul(s, s)), rest);
}

/** Φ(x), given e = e^{−x²/2}. */
// @ts-ignore: decorator
@inline
function distribution(x: v128, e: v128): v128 {
  const z = f64x2.abs(x);
  let p = horner(constant(ABOVE), z, ABOVE, 1);
  for (let k = 2; k < 10; k++) p = horner(p, z, ABOVE, k);
  let q = horner(constant(BELOW), z, BELOW, 1);
  for (let k = 2; k < 11; k++) q = horner(q, z, BELOW, k);
  const tail = f64x2.div(f64x2.mul(e, p), q);
  return v128.bitselect(tail, f64x2.sub(constant(ONE), tail), f64x2.lt(x, f64x2.splat(0)));
}

/** x ← xΦ(x) */
export function gelu(n: i32, x: usize): void {
  for (const end = x + (<usize>n << 3); x < end; x += 16) {
    const value = within(v128.load(x));
    v128.store(x, f64x2.mul(f64x2.pmax(v128.load(x), value), distribution(value, bell(value))));
  }
}

/** g ← g·(Φ(x) + xφ(x)) */
export function geluSlope(n: i32, g: usize, x: usize): void {
  for (const end = g + (<usize>n << 3); g < end; g += 16, x += 16) {
    const value = within(v128.load(x));
    const e = bell(value);
    const moved = f64x2.mul(f64x2.mul(constant(DENSITY), value), e);
    v128.store(g, f64x2.mul(v128.load(g), f64x2.add(distribution(value, e), moved)));
  }
}

/** g ← g times its second derivative, (2 − x²)φ(x). */
export function geluBend(n: i32, g: usize, x: usize): void {
  for (const end = g + (<usize>n << 3); g < end; g += 16, x += 16) {
    const value = within(v128.load(x));
    const factor = f64x2.mul(constant(DENSITY), f64x2.sub(constant(TWO), f64x2.mul(value, value)));
    v128.store(g, f64x2.mul(v128.load(g), f64x2.mul(factor, bell(value))));
  }
}

/** g ← g times its third derivative, (x² − 4)xφ(x). */
export function geluTurn(n: i32, g: usize, x: usize): void {
  for (const end = g + (<usize>n << 3); g < end; g += 16, x += 16) {
    const value = within(v128.load(x));
    const factor = f64x2.mul(f64x2.mul(constant(DENSITY), value), f64x2.sub(f64x2.mul(value, value), constant(FOUR)));
    v128.store(g, f64x2.mul(v128.load(g), f64x2.mul(factor, bell(value))));
  }
}
