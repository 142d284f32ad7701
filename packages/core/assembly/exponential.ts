/** Exponentials and logarithms, two at a time, as in Sun's fdlibm (e_exp.c, s_log1p.c). */

// Constants lie in memory, from where an instruction takes them: engines would make them anew for every number.
/** 1.5·2⁵²: what is added to it is rounded to a whole number, which its last bits hold. */
export const ROUNDING = memory.data<f64>([6755399441055744]);
export const INVERSE_LN2 = memory.data<f64>([1.4426950408889634]);
/** log 2 in two parts: whole multiples of the first are exact. */
export const LN2_HIGH = memory.data<f64>([6.93147180369123816490e-1]);
export const LN2_LOW = memory.data<f64>([1.90821492927058770002e-10]);
/** e^r = 1 + r + rc / (2 − c) with c = r − r²·P(r²); coefficients of P from the last on. */
const EXPONENTIAL = memory.data<f64>([
  4.13813679705723846039e-8, -1.65339022054652515390e-6, 6.61375632143793436117e-5, -2.77777777770155933842e-3,
  1.66666666666666019037e-1,
]);
/** Exponentials of less are 0: they would be subnormal numbers. */
const LEAST = memory.data<f64>([-708]);
const HALF = memory.data<f64>([0.5]);
export const ONE = memory.data<f64>([1]);
export const TWO = memory.data<f64>([2]);
const SQRT2_MINUS_1 = memory.data<f64>([0.41421356237309503]);
/** log((1 + s) / (1 − s)) = 2s + s·z·P(z) with z = s²; coefficients of P from the last on. */
const LOGARITHM = memory.data<f64>([
  1.479819860511658591e-1, 1.531383769920937332e-1, 1.818357216161805012e-1, 2.222219843214978396e-1,
  2.857142874366239149e-1, 3.999999999940941908e-1, 6.666666666666735130e-1,
]);

// @ts-ignore: decorator
@inline
export function constant(address: usize, k: usize = 0): v128 {
  return v128.load64_splat(address + (k << 3));
}

/** One step of Horner's scheme: p·x + coefficient k. */
// @ts-ignore: decorator
@inline
export function horner(p: v128, x: v128, coefficients: usize, k: usize): v128 {
  return f64x2.add(f64x2.mul(p, x), constant(coefficients, k));
}

/** c of r, |r| ≤ ½ log 2. */
// @ts-ignore: decorator
@inline
export function reducedTerm(r: v128): v128 {
  const s = f64x2.mul(r, r);
  let p = horner(constant(EXPONENTIAL), s, EXPONENTIAL, 1);
  p = horner(p, s, EXPONENTIAL, 2);
  p = horner(p, s, EXPONENTIAL, 3);
  p = horner(p, s, EXPONENTIAL, 4);
  return f64x2.sub(r, f64x2.mul(s, p));
}

/** e^a for a ≤ 0, to a unit in the last place. */
// @ts-ignore: decorator
@inline
export function exponential(a: v128): v128 {
  return powerOf(a, f64x2.splat(0), false);
}

/** e^{a + rest} for a ≤ 0 and |rest| small beside 1, to a unit in the last place. */
// @ts-ignore: decorator
@inline
export function exponentialOfSum(a: v128, rest: v128): v128 {
  return powerOf(a, rest, true);
}

/** e^r·2^k with |r| ≤ ½ log 2. */
// @ts-ignore: decorator
@inline
function powerOf(a: v128, rest: v128, hasRest: bool): v128 {
  const inside = f64x2.pmax(a, constant(LEAST));
  const rounded = f64x2.add(f64x2.mul(inside, constant(INVERSE_LN2)), constant(ROUNDING));
  const k = f64x2.sub(rounded, constant(ROUNDING));
  const high = f64x2.sub(inside, f64x2.mul(k, constant(LN2_HIGH)));
  let low = f64x2.mul(k, constant(LN2_LOW));
  if (hasRest) low = f64x2.sub(low, rest);
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
export function logOnePlus(e: v128): v128 {
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
