import { usageError } from "../errors.js";

/** The exponent of an l_p norm, 1 ≤ p ≤ ∞. */
export type Exponent = number;

/** Checks p and returns it. @throws usage: unless 1 ≤ p ≤ ∞ */
export function exponent(p: number): Exponent {
  if (!(p >= 1))
    throw usageError(`The norm must be a number p ≥ 1 or "inf", got ${p}: l_p is a norm only from p = 1 on.`);
  return p;
}

/** q with 1/p + 1/q = 1; 1 and ∞ are each other's dual (1/0 = ∞). */
export const dualExponent = (p: Exponent): Exponent => (p === Infinity ? 1 : p / (p - 1));

/** "1", "2", "1.5", "inf": how exponents are written in results. */
export const exponentName = (p: Exponent): string => (p === Infinity ? "inf" : String(p));

/** max_k |v_k| over entries `from` to `from + length`. */
export function maximumMagnitude(v: Float64Array, from = 0, length = v.length): number {
  let maximum = 0;
  for (let k = from; k < from + length; k++) {
    const a = Math.abs(v[k]);
    if (a > maximum) maximum = a;
  }
  return maximum;
}

/**
 * ‖v‖_p of a stretch of an array. Powers are taken after division by the largest magnitude, so that nothing over- or
 * underflows; p = 2 is computed directly while that is safe.
 */
export function norm(v: Float64Array, p: Exponent, from = 0, length = v.length): number {
  const end = from + length;
  if (p === 1) {
    let sum = 0;
    for (let k = from; k < end; k++) sum += Math.abs(v[k]);
    return sum;
  }
  if (p === 2) {
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    let k = from;
    for (; k + 7 < end; k += 8) {
      a += v[k] * v[k];
      b += v[k + 1] * v[k + 1];
      c += v[k + 2] * v[k + 2];
      d += v[k + 3] * v[k + 3];
      a += v[k + 4] * v[k + 4];
      b += v[k + 5] * v[k + 5];
      c += v[k + 6] * v[k + 6];
      d += v[k + 7] * v[k + 7];
    }
    if (k + 3 < end) {
      a += v[k] * v[k];
      b += v[k + 1] * v[k + 1];
      c += v[k + 2] * v[k + 2];
      d += v[k + 3] * v[k + 3];
      k += 4;
    }
    for (; k < end; k++) a += v[k] * v[k];
    const square = a + b + c + d;
    if (square > 1e-280 && square < 1e280) return Math.sqrt(square);
  }
  const scale = maximumMagnitude(v, from, length);
  if (scale === 0 || p === Infinity || !Number.isFinite(scale)) return scale;
  let sum = 0;
  for (let k = from; k < end; k++) sum += (Math.abs(v[k]) / scale) ** p;
  return scale * sum ** (1 / p);
}

/**
 * The direction φ(g) ∈ argmax_{‖d‖_p ≤ 1} g·d and the dual norm ‖g‖_q it attains (MATH 0):
 * φ_k = sgn(g_k) (|g_k| / ‖g‖_q)^{q−1}; p = 1: sgn(g_k) e_k at the first largest |g_k|; p = ∞: sgn(g); φ(0) = 0.
 * So g·φ = ‖g‖_q and ‖φ‖_p = 1. Writes φ to `out` (same stretch; g itself will do) and returns ‖g‖_q.
 */
export function dualDirection(g: Float64Array, p: Exponent, out: Float64Array, from = 0, length = g.length): number {
  const end = from + length;
  const q = dualExponent(p);
  const dualNorm = norm(g, q, from, length);
  if (dualNorm === 0) {
    out.fill(0, from, end);
  } else if (p === Infinity) {
    for (let k = from; k < end; k++) out[k] = Math.sign(g[k]);
  } else if (p === 2) {
    for (let k = from; k < end; k++) out[k] = g[k] / dualNorm;
  } else if (p === 1) {
    let largest = from;
    for (let k = from + 1; k < end; k++) if (Math.abs(g[k]) > Math.abs(g[largest])) largest = k;
    const sign = Math.sign(g[largest]);
    out.fill(0, from, end);
    out[largest] = sign;
  } else {
    for (let k = from; k < end; k++) out[k] = Math.sign(g[k]) * (Math.abs(g[k]) / dualNorm) ** (q - 1);
  }
  return dualNorm;
}
