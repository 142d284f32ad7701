/**
 * The symmetric eigenvalue problem. Householder reflections make A tridiagonal, A = Q T Q'; implicit QL steps with
 * Wilkinson's shift make T diagonal; the plane rotations of those steps are collected and applied to the rows of Q' in
 * WebAssembly, a narrow panel of columns at a time.
 */
import type { Arena } from "./arena.js";
import { diagonalise } from "./ql.js";
import { RotationQueue } from "./rotations.js";
import { formTransposedBasis, tridiagonalise } from "./tridiagonal.js";

/**
 * The power of two that brings the largest entry of the lower triangle into [1, 2), so that squares neither overflow
 * nor vanish.
 */
function scaleToOne(n: number, a: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < n; i++) {
    for (let at = i * n, end = at + i; at <= end; at++) largest = Math.max(largest, Math.abs(a[at]));
  }
  if (largest === 0) return 1;
  // 2^−1023 and 2^1024 themselves would leave the range of normal numbers.
  const exponent = Math.min(1000, Math.max(-1000, Math.floor(Math.log2(largest))));
  const factor = 2 ** -exponent;
  for (let i = 0; i < n; i++) for (let at = i * n, end = at + i; at <= end; at++) a[at] *= factor;
  return 2 ** exponent;
}

/**
 * Eigenvalues of the symmetric n×n matrix `a` (lower triangle) into `w`, ascending, and unit eigenvectors into its
 * rows.
 */
export function decomposeSymmetric(arena: Arena, n: number, a: Float64Array, w: Float64Array): boolean {
  const scale = scaleToOne(n, a);
  const d = new Float64Array(n);
  const e = new Float64Array(n);
  const tau = new Float64Array(n);
  tridiagonalise(n, a, d, e, tau);
  formTransposedBasis(arena, n, a, tau);
  const rotations = new RotationQueue(arena, n, a);
  if (!diagonalise(n, d, e, rotations)) return false;
  rotations.apply();
  const order = Array.from(d, (_, i) => i).toSorted((i, j) => d[i] - d[j]);
  const unsorted = a.slice(0, n * n);
  order.forEach((from, to) => {
    w[to] = d[from] * scale;
    a.set(unsorted.subarray(from * n, from * n + n), to * n);
  });
  return true;
}
