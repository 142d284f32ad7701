/** A module of its own: the logistic loss of many rows, two at a time. Addresses are in bytes. */
import { constant, horner, INVERSE_LN2, LN2_HIGH, LN2_LOW, reducedTerm, ROUNDING } from "./exponential";

/** Exponentials of less are 0: they would be subnormal numbers. */
const LEAST = memory.data<f64>([-708]);
const HALF = memory.data<f64>([0.5]);
const ONE = memory.data<f64>([1]);
const TWO = memory.data<f64>([2]);
const SQRT2_MINUS_1 = memory.data<f64>([0.41421356237309503]);
/** log((1 + s) / (1 − s)) = 2s + s·z·P(z) with z = s²; coefficients of P from the last on, as in Sun's fdlibm (s_log1p.c). */
const LOGARITHM = memory.data<f64>([
  1.479819860511658591e-1, 1.531383769920937332e-1, 1.818357216161805012e-1, 2.222219843214978396e-1,
  2.857142874366239149e-1, 3.999999999940941908e-1, 6.666666666666735130e-1,
]);

/** The first address that callers may use. */
export const FREE: usize = __heap_base;

/** e^a for a ≤ 0, to a unit in the last place: e^r·2^k with |r| ≤ ½ log 2. */
// @ts-ignore: decorator
@inline
function exponential(a: v128): v128 {
  const inside = f64x2.pmax(a, constant(LEAST));
  const rounded = f64x2.add(f64x2.mul(inside, constant(INVERSE_LN2)), constant(ROUNDING));
  const k = f64x2.sub(rounded, constant(ROUNDING));
  const high = f64x2.sub(inside, f64x2.mul(k, constant(LN2_HIGH)));
  const low = f64x2.mul(k, constant(LN2_LOW));
  const r = f64x2.sub(high, low);
  const c = reducedTerm(r);
  const quotient = f64x2.div(f64x2.mul(r, c), f64x2.sub(constant(TWO), c));
  const power = f64x2.sub(constant(ONE), f64x2.sub(f64x2.sub(low, quotient), high));
  const scaled = i64x2.add(power, i64x2.shl(rounded, 52));
  return v128.andnot(scaled, f64x2.lt(a, constant(LEAST)));
}

/** log(1 + e) for 0 ≤ e ≤ 1, to two units in the last place: log(1 + f) + k log 2 with k = 0 or 1 and |f| < 0.42. */
// @ts-ignore: decorator
@inline
function logOnePlus(e: v128): v128 {
  const large = f64x2.gt(e, constant(SQRT2_MINUS_1));
  const f = v128.bitselect(f64x2.mul(constant(HALF), f64x2.sub(e, constant(ONE))), e, large);
  const k = v128.and(constant(ONE), large);
  const half = f64x2.mul(constant(HALF), f64x2.mul(f, f));
  const s = f64x2.div(f, f64x2.add(constant(TWO), f));
  const z = f64x2.mul(s, s);
  let p = horner(constant(LOGARITHM), z, LOGARITHM, 1);
  p = horner(p, z, LOGARITHM, 2);
  p = horner(p, z, LOGARITHM, 3);
  p = horner(p, z, LOGARITHM, 4);
  p = horner(p, z, LOGARITHM, 5);
  p = horner(p, z, LOGARITHM, 6);
  const series = f64x2.mul(s, f64x2.add(half, f64x2.mul(z, p)));
  const rest = f64x2.sub(half, f64x2.add(series, f64x2.mul(k, constant(LN2_LOW))));
  return f64x2.sub(f64x2.mul(k, constant(LN2_HIGH)), f64x2.sub(rest, f));
}

/** e^{−|f|} of every row, for y = ±1. */
// @ts-ignore: decorator
@inline
function exponentials(end: usize, f: usize, out: usize): void {
  for (let at: usize = 0; at < end; at += 16) {
    v128.store(out + at, exponential(f64x2.neg(f64x2.abs(v128.load(f + at)))));
  }
}

/**
 * log(1 + e^{−yf}), its slope and its curvature in f, for y = ±1; n is even. Two short loops rather than one: a processor has more
 * rows of a short one under way at a time.
 */
export function logistic(n: i32, f: usize, y: usize, values: usize, slopes: usize, curvatures: usize): void {
  const end = <usize>n << 3;
  exponentials(end, f, curvatures);
  for (let at: usize = 0; at < end; at += 16) {
    const t = f64x2.neg(f64x2.mul(v128.load(y + at), v128.load(f + at)));
    const negative = f64x2.lt(t, f64x2.splat(0));
    v128.store(values + at, f64x2.add(v128.andnot(t, negative), logOnePlus(v128.load(curvatures + at))));
  }
  bend(end, f, y, slopes, curvatures);
}

/** Its slope and its curvature alone. */
export function logisticBends(n: i32, f: usize, y: usize, slopes: usize, curvatures: usize): void {
  const end = <usize>n << 3;
  exponentials(end, f, curvatures);
  bend(end, f, y, slopes, curvatures);
}

/** @param curvatures e^{−|f|}, which they become */
// @ts-ignore: decorator
@inline
function bend(end: usize, f: usize, y: usize, slopes: usize, curvatures: usize): void {
  for (let at: usize = 0; at < end; at += 16) {
    const sign = v128.load(y + at);
    const t = f64x2.neg(f64x2.mul(sign, v128.load(f + at)));
    const e = v128.load(curvatures + at);
    const inverse = f64x2.div(constant(ONE), f64x2.add(constant(ONE), e));
    const tail = f64x2.mul(e, inverse);
    const share = v128.bitselect(tail, inverse, f64x2.lt(t, f64x2.splat(0))); // 1 / (1 + e^{−t})
    v128.store(slopes + at, f64x2.neg(f64x2.mul(sign, share)));
    v128.store(curvatures + at, f64x2.mul(tail, inverse));
  }
}
