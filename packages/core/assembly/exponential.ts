/** e^r of reduced arguments, two at a time, as in Sun's fdlibm (e_exp.c). */

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
