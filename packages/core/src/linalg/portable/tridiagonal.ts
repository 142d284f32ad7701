/** The first half of the symmetric eigenvalue problem: Householder reflections make A tridiagonal, A = Q T Q'. */
import type { Arena } from "./arena.js";
import { operand } from "./operand.js";
import { multiplyInto } from "./product.js";
import { multiplySymmetric } from "./vectors.js";

/**
 * A ← A − v p' − p v' in the lower triangle of the leading size×size block, two rows at a time so that they share
 * loads.
 */
function subtractRankTwo(size: number, v: Float64Array, p: Float64Array, a: Float64Array, lda: number): void {
  let i = 0;
  for (; i + 2 <= size; i += 2) {
    const r0 = i * lda;
    const r1 = r0 + lda;
    const v0 = v[i];
    const p0 = p[i];
    const v1 = v[i + 1];
    const p1 = p[i + 1];
    for (let j = 0; j <= i; j++) {
      const vj = v[j];
      const pj = p[j];
      a[r0 + j] -= v0 * pj + p0 * vj;
      a[r1 + j] -= v1 * pj + p1 * vj;
    }
    a[r1 + i + 1] -= 2 * v1 * p1;
  }
  if (i < size) for (let j = 0, at = i * lda; j <= i; j++) a[at + j] -= v[i] * p[j] + p[i] * v[j];
}

/**
 * A = Q T Q', T with diagonal d and subdiagonal e (e[i] couples i and i+1). Reflection i acts on the first i
 * coordinates; its vector v, scaled so that the reflection is 1 − v v'·tau[i], replaces the first i entries of row i.
 */
export function tridiagonalise(n: number, a: Float64Array, d: Float64Array, e: Float64Array, tau: Float64Array): void {
  const p = new Float64Array(n);
  for (let i = n - 1; i > 0; i--) {
    const row = i * n;
    const v = a.subarray(row, row + i);
    d[i] = a[row + i];
    tau[i] = 0;
    e[i - 1] = 0;
    // The reflection of a row does not depend on its size, but the squares of a tiny row would vanish.
    const size = v.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (size === 0) continue;
    for (let j = 0; j < i; j++) v[j] /= size;
    let tail = 0; // what the reflection has to remove: the squares of all but the last entry
    for (let j = 0; j < i - 1; j++) tail += v[j] * v[j];
    const last = v[i - 1];
    e[i - 1] = size * last;
    if (tail === 0) continue;
    const length = Math.sqrt(last * last + tail);
    const image = last > 0 ? -length : length; // the sign without cancellation in last − image
    e[i - 1] = size * image;
    v[i - 1] = last - image;
    const scale = 1 / v[i - 1];
    for (let j = 0; j < i; j++) v[j] *= scale;
    const t = (image - last) / image;
    tau[i] = t;
    // H A H = A − v w' − w v' with w = t·(A v − ½ t·(v'A v)·v)
    p.fill(0, 0, i);
    multiplySymmetric(i, t, a, n, v, 0, p);
    let curvature = 0;
    for (let j = 0; j < i; j++) curvature += p[j] * v[j];
    const half = 0.5 * t * curvature;
    for (let j = 0; j < i; j++) p[j] -= half * v[j];
    subtractRankTwo(i, v, p, a, n);
  }
  d[0] = a[0];
}

/** Reflections that are multiplied into Q' together. */
const BLOCK = 64;

/**
 * The upper triangular T with H_1 ⋯ H_b = 1 − V T V', V = [v_1 … v_b], from the rows of V' (b×length) and tau: column j
 * of T is tau_j·(−T V'v_j) above the diagonal and tau_j on it.
 */
function blockFactor(arena: Arena, size: number, length: number, rows: Float64Array, tau: Float64Array): Float64Array {
  const inner = new Float64Array(size * size); // V'V, lower triangle
  const v = operand(false, rows, length);
  multiplyInto(arena, true, size, size, length, 1, v, undefined, 0, inner, 0, size);
  const t = new Float64Array(size * size);
  for (let j = 0; j < size; j++) {
    t[j * size + j] = tau[j];
    for (let i = 0; i < j; i++) {
      let sum = 0;
      for (let k = i; k < j; k++) sum += t[i * size + k] * inner[j * size + k];
      t[i * size + j] = -tau[j] * sum;
    }
  }
  return t;
}

/** Turns the reflections that `tridiagonalise` left in `a` into Q' = H_1 H_2 ⋯ H_{n−1}, in place and in blocks. */
export function formTransposedBasis(arena: Arena, n: number, a: Float64Array, tau: Float64Array): void {
  for (let from = 0; from < n; from += BLOCK) {
    const size = Math.min(BLOCK, n - from);
    const to = from + size;
    const rows = new Float64Array(size * to);
    for (let i = from; i < to; i++) {
      rows.set(a.subarray(i * n, i * n + i), (i - from) * to);
      a.fill(0, i * n, i * n + to);
      a[i * n + i] = 1;
    }
    for (let i = 0; i < from; i++) a.fill(0, i * n + from, i * n + to);
    // So far the leading block is the product of the reflections before; G ← G − ((G V) T) V' brings in the next ones.
    const v = operand(false, rows, to);
    const t = blockFactor(arena, size, to, rows, tau.subarray(from, to));
    const gv = new Float64Array(to * size);
    const gvt = new Float64Array(to * size);
    multiplyInto(arena, false, to, size, to, 1, operand(false, a, n), operand(true, rows, to), 0, gv, 0, size);
    multiplyInto(arena, false, to, size, size, 1, operand(false, gv, size), operand(false, t, size), 0, gvt, 0, size);
    multiplyInto(arena, false, to, to, size, -1, operand(false, gvt, size), v, 1, a, 0, n);
  }
}
