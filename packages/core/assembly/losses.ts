/** A module of its own: the logistic loss of many rows, two at a time. Addresses are in bytes. */
import { constant, exponential, logOnePlus, ONE } from "./exponential";

/** The first address that callers may use. */
export const FREE: usize = __heap_base;

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
