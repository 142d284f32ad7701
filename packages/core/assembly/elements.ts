/** A module of its own: functions of many numbers, two at a time and in place. Addresses are in bytes, and counts n are even. */
import {
  constant, exponential, INVERSE_LN2, LN2_HIGH, LN2_LOW, logOnePlus, ONE, reducedTerm, ROUNDING, TWO,
} from "./exponential";

const SIX = memory.data<f64>([6]);
const MINUS_TWO = memory.data<f64>([-2]);
/** tanh x is 1 to the last digit from x = 20 on. */
const LEAST = memory.data<f64>([-40]);
const SIGN = memory.data<f64>([-0.0]);

/** The first address that callers may use. */
export const FREE: usize = __heap_base;

/**
 * x ← tanh x to four units in the last place: with −2|x| = r + k log 2 and e^r − 1 = 2r / (2 − c), tanh|x| = (1 − e^{−2|x|}) / (1 + e^{−2|x|})
 * is one quotient, in which nothing cancels: ((1 − 2^k)(2 − c) − 2^k·2r) / ((1 + 2^k)(2 − c) + 2^k·2r).
 */
export function tanh(n: i32, x: usize): void {
  for (const end = x + (<usize>n << 3); x < end; x += 16) {
    const value = v128.load(x);
    const sign = v128.and(value, constant(SIGN));
    const a = f64x2.pmax(f64x2.mul(v128.or(value, constant(SIGN)), constant(TWO)), constant(LEAST));
    const rounded = f64x2.add(f64x2.mul(a, constant(INVERSE_LN2)), constant(ROUNDING));
    const k = f64x2.sub(rounded, constant(ROUNDING));
    const r = f64x2.sub(f64x2.sub(a, f64x2.mul(k, constant(LN2_HIGH))), f64x2.mul(k, constant(LN2_LOW)));
    const rest = f64x2.sub(constant(TWO), reducedTerm(r));
    const power = i64x2.add(constant(ONE), i64x2.shl(rounded, 52));
    const moved = f64x2.mul(power, f64x2.add(r, r));
    const above = f64x2.sub(f64x2.mul(f64x2.sub(constant(ONE), power), rest), moved);
    const below = f64x2.add(f64x2.mul(f64x2.add(constant(ONE), power), rest), moved);
    v128.store(x, v128.or(f64x2.div(above, below), sign));
  }
}

/** g ← g·(1 − y²), the slope of y = tanh x. */
export function tanhSlope(n: i32, g: usize, y: usize): void {
  for (const end = g + (<usize>n << 3); g < end; g += 16, y += 16) {
    const value = v128.load(y);
    v128.store(g, f64x2.mul(v128.load(g), f64x2.sub(constant(ONE), f64x2.mul(value, value))));
  }
}

/** g ← g·(−2y)(1 − y²), its second derivative. */
export function tanhBend(n: i32, g: usize, y: usize): void {
  for (const end = g + (<usize>n << 3); g < end; g += 16, y += 16) {
    const value = v128.load(y);
    const slope = f64x2.sub(constant(ONE), f64x2.mul(value, value));
    v128.store(g, f64x2.mul(f64x2.mul(f64x2.mul(constant(MINUS_TWO), v128.load(g)), value), slope));
  }
}

/** g ← g·(6y² − 2)(1 − y²), its third derivative. */
export function tanhTurn(n: i32, g: usize, y: usize): void {
  for (const end = g + (<usize>n << 3); g < end; g += 16, y += 16) {
    const value = v128.load(y);
    const square = f64x2.mul(value, value);
    const factor = f64x2.mul(f64x2.sub(f64x2.mul(constant(SIX), square), constant(TWO)), f64x2.sub(constant(ONE), square));
    v128.store(g, f64x2.mul(v128.load(g), factor));
  }
}

/** e^{−|x|} */
// @ts-ignore: decorator
@inline
function tail(x: v128): v128 {
  return exponential(f64x2.neg(f64x2.abs(x)));
}

/** σ(x) = 1 / (1 + e^{−x}) given e = e^{−|x|}: nothing cancels in either tail. */
// @ts-ignore: decorator
@inline
function share(x: v128, e: v128): v128 {
  return f64x2.div(v128.bitselect(e, constant(ONE), f64x2.lt(x, f64x2.splat(0))), f64x2.add(constant(ONE), e));
}

/** σ'(x) = σ(x)σ(−x) = e / (1 + e)² */
// @ts-ignore: decorator
@inline
function shareSlope(e: v128): v128 {
  const whole = f64x2.add(constant(ONE), e);
  return f64x2.div(e, f64x2.mul(whole, whole));
}

/** x ← σ(x) */
export function sigmoid(n: i32, x: usize): void {
  for (const end = x + (<usize>n << 3); x < end; x += 16) {
    const value = v128.load(x);
    v128.store(x, share(value, tail(value)));
  }
}

/** g ← g·σ(x) */
export function sigmoidTimes(n: i32, g: usize, x: usize): void {
  for (const end = g + (<usize>n << 3); g < end; g += 16, x += 16) {
    const value = v128.load(x);
    v128.store(g, f64x2.mul(v128.load(g), share(value, tail(value))));
  }
}

/** g ← g·σ'(x) */
export function sigmoidSlope(n: i32, g: usize, x: usize): void {
  for (const end = g + (<usize>n << 3); g < end; g += 16, x += 16) {
    v128.store(g, f64x2.mul(v128.load(g), shareSlope(tail(v128.load(x)))));
  }
}

/** g ← g times its second derivative, σ'(x)(σ(−x) − σ(x)). */
export function sigmoidBend(n: i32, g: usize, x: usize): void {
  for (const end = g + (<usize>n << 3); g < end; g += 16, x += 16) {
    const value = v128.load(x);
    const e = tail(value);
    const difference = f64x2.sub(share(f64x2.neg(value), e), share(value, e));
    v128.store(g, f64x2.mul(v128.load(g), f64x2.mul(shareSlope(e), difference)));
  }
}

/** g ← g times its third derivative, σ'(x)(1 − 6σ'(x)). */
export function sigmoidTurn(n: i32, g: usize, x: usize): void {
  for (const end = g + (<usize>n << 3); g < end; g += 16, x += 16) {
    const slope = shareSlope(tail(v128.load(x)));
    const factor = f64x2.mul(slope, f64x2.sub(constant(ONE), f64x2.mul(constant(SIX), slope)));
    v128.store(g, f64x2.mul(v128.load(g), factor));
  }
}

/** x ← log(1 + e^x) */
export function softplus(n: i32, x: usize): void {
  for (const end = x + (<usize>n << 3); x < end; x += 16) {
    const value = v128.load(x);
    v128.store(x, f64x2.add(f64x2.max(value, f64x2.splat(0)), logOnePlus(tail(value))));
  }
}

/** x ← max(x, 0); 0 where x is not a number. */
export function relu(n: i32, x: usize): void {
  for (const end = x + (<usize>n << 3); x < end; x += 16) {
    const value = v128.load(x);
    v128.store(x, v128.and(value, f64x2.gt(value, f64x2.splat(0))));
  }
}

/** g ← g where x > 0, else 0. */
export function reluSlope(n: i32, g: usize, x: usize): void {
  for (const end = g + (<usize>n << 3); g < end; g += 16, x += 16) {
    v128.store(g, v128.and(v128.load(g), f64x2.gt(v128.load(x), f64x2.splat(0))));
  }
}

export function add(n: i32, a: usize, b: usize): void {
  for (const end = a + (<usize>n << 3); a < end; a += 16, b += 16) v128.store(a, f64x2.add(v128.load(a), v128.load(b)));
}

export function subtract(n: i32, a: usize, b: usize): void {
  for (const end = a + (<usize>n << 3); a < end; a += 16, b += 16) v128.store(a, f64x2.sub(v128.load(a), v128.load(b)));
}

export function multiply(n: i32, a: usize, b: usize): void {
  for (const end = a + (<usize>n << 3); a < end; a += 16, b += 16) v128.store(a, f64x2.mul(v128.load(a), v128.load(b)));
}

export function divide(n: i32, a: usize, b: usize): void {
  for (const end = a + (<usize>n << 3); a < end; a += 16, b += 16) v128.store(a, f64x2.div(v128.load(a), v128.load(b)));
}

/** Whether all are finite; x − x is 0 for those and NaN for others, and needs no branch. */
export function finite(n: i32, x: usize): bool {
  let sums = f64x2.splat(0);
  for (const end = x + (<usize>n << 3); x < end; x += 16) {
    const value = v128.load(x);
    sums = f64x2.add(sums, f64x2.sub(value, value));
  }
  return f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1) == 0;
}
