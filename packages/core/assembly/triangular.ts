/**
 * Triangular solves and the Cholesky factorisation by recursive halving: all but a thin band of the work is matrix
 * products. Addresses are in bytes, steps are the bytes from one row to the next, triangles are lower ones, row-major.
 */
import { multiply } from "./multiply";
import { laneSum, multiplyAdd } from "./simd";

const SMALL: i32 = 16;

/** A multiple of four near the middle, so that tiles stay whole. */
// @ts-ignore: decorator
@inline
function half(n: i32): i32 {
  return ((n >> 1) + 3) & ~3;
}

// @ts-ignore: decorator
@inline
function entry(a: usize, step: usize, i: i32, j: i32): usize {
  return a + <usize>i * step + (<usize>j << 3);
}

/** y ← y − s·x over n numbers. */
function subtractMultiple(n: i32, s: f64, x: usize, y: usize): void {
  const minus = f64x2.splat(-s);
  const end = x + (<usize>(n & ~1) << 3);
  while (x < end) {
    v128.store(y, multiplyAdd(minus, v128.load(x), v128.load(y)));
    x += 16;
    y += 16;
  }
  if (n & 1) store<f64>(y, load<f64>(y) - s * load<f64>(x));
}

/** y ← y / s over n numbers. */
function divide(n: i32, s: f64, y: usize): void {
  const end = y + (<usize>n << 3);
  for (; y < end; y += 8) store<f64>(y, load<f64>(y) / s);
}

/** x'y over n numbers. */
function dot(n: i32, x: usize, y: usize): f64 {
  let sum = f64x2.splat(0);
  const end = x + (<usize>(n & ~1) << 3);
  while (x < end) {
    sum = multiplyAdd(v128.load(x), v128.load(y), sum);
    x += 16;
    y += 16;
  }
  const total = laneSum(sum);
  return n & 1 ? total + load<f64>(x) * load<f64>(y) : total;
}

/** B ← L⁻¹·B, B m×n. */
export function solveLeft(m: i32, n: i32, l: usize, stepL: usize, b: usize, stepB: usize): void {
  if (m <= SMALL) {
    for (let i = 0; i < m; i++) {
      const row = b + <usize>i * stepB;
      for (let k = 0; k < i; k++) subtractMultiple(n, load<f64>(entry(l, stepL, i, k)), b + <usize>k * stepB, row);
      divide(n, load<f64>(entry(l, stepL, i, i)), row);
    }
    return;
  }
  const top = half(m);
  const below = b + <usize>top * stepB;
  solveLeft(top, n, l, stepL, b, stepB);
  multiply(false, m - top, n, top, -1, entry(l, stepL, top, 0), stepL, 8, b, stepB, 8, below, stepB);
  solveLeft(m - top, n, entry(l, stepL, top, top), stepL, below, stepB);
}

/** B ← L'⁻¹·B, B m×n. */
export function solveLeftTransposed(m: i32, n: i32, l: usize, stepL: usize, b: usize, stepB: usize): void {
  if (m <= SMALL) {
    for (let i = m - 1; i >= 0; i--) {
      const row = b + <usize>i * stepB;
      divide(n, load<f64>(entry(l, stepL, i, i)), row);
      for (let k = 0; k < i; k++) subtractMultiple(n, load<f64>(entry(l, stepL, i, k)), row, b + <usize>k * stepB);
    }
    return;
  }
  const top = half(m);
  const below = b + <usize>top * stepB;
  solveLeftTransposed(m - top, n, entry(l, stepL, top, top), stepL, below, stepB);
  multiply(false, top, n, m - top, -1, entry(l, stepL, top, 0), 8, stepL, below, stepB, 8, b, stepB);
  solveLeftTransposed(top, n, l, stepL, b, stepB);
}

/** B ← B·L'⁻¹, B m×n: every row of B is solved forwards. */
export function solveRight(m: i32, n: i32, l: usize, stepL: usize, b: usize, stepB: usize): void {
  if (n <= SMALL) {
    let i = 0;
    for (; i + 4 <= m; i += 4) {
      solveFourRows(n, l, stepL, b, stepB);
      b += stepB << 2;
    }
    for (; i < m; i++) {
      solveRow(n, l, stepL, b);
      b += stepB;
    }
    return;
  }
  const left = half(n);
  const right = b + (<usize>left << 3);
  solveRight(m, left, l, stepL, b, stepB);
  multiply(false, m, n - left, left, -1, b, stepB, 8, entry(l, stepL, left, 0), 8, stepL, right, stepB);
  solveRight(m, n - left, entry(l, stepL, left, left), stepL, right, stepB);
}

/** The base case of `solveRight` for one row. */
function solveRow(n: i32, l: usize, stepL: usize, row: usize): void {
  for (let j = 0; j < n; j++) {
    const at = row + (<usize>j << 3);
    store<f64>(at, (load<f64>(at) - dot(j, l, row)) / load<f64>(l + (<usize>j << 3)));
    l += stepL;
  }
}

/** Ends the step of one row: x_j ← (x_j − sum − what an odd j leaves over)/pivot, j numbers being solved. */
function finish(j: i32, l: usize, b: usize, sum: v128): void {
  let rest = laneSum(sum);
  const at = <usize>j << 3;
  if (j & 1) rest += load<f64>(l + at - 8) * load<f64>(b + at - 8);
  store<f64>(b + at, (load<f64>(b + at) - rest) / load<f64>(l + at));
}

/** The base case of `solveRight` for four rows at once, which share the loads of L and hide each other's latency. */
function solveFourRows(n: i32, l: usize, stepL: usize, b0: usize, step: usize): void {
  const b1 = b0 + step, b2 = b1 + step, b3 = b2 + step;
  for (let j = 0; j < n; j++) {
    let s0 = f64x2.splat(0), s1 = s0, s2 = s0, s3 = s0;
    const even = <usize>(j & ~1) << 3;
    for (let at: usize = 0; at < even; at += 16) {
      const x = v128.load(l + at);
      s0 = multiplyAdd(x, v128.load(b0 + at), s0);
      s1 = multiplyAdd(x, v128.load(b1 + at), s1);
      s2 = multiplyAdd(x, v128.load(b2 + at), s2);
      s3 = multiplyAdd(x, v128.load(b3 + at), s3);
    }
    finish(j, l, b0, s0);
    finish(j, l, b1, s1);
    finish(j, l, b2, s2);
    finish(j, l, b3, s3);
    l += stepL;
  }
}

/** A = LL' in place of the lower triangle. 0, or the 1-based pivot that was not positive. */
export function cholesky(n: i32, a: usize, step: usize): i32 {
  if (n <= SMALL) {
    for (let i = 0; i < n; i++) {
      const row = a + <usize>i * step;
      solveRow(i, a, step, row);
      const at = row + (<usize>i << 3);
      const pivot = load<f64>(at) - dot(i, row, row);
      if (!(pivot > 0)) return i + 1;
      store<f64>(at, Math.sqrt(pivot));
    }
    return 0;
  }
  const first = half(n);
  const failedAt = cholesky(first, a, step);
  if (failedAt != 0) return failedAt;
  const below = a + <usize>first * step;
  const corner = below + (<usize>first << 3);
  solveRight(n - first, first, a, step, below, step);
  multiply(true, n - first, n - first, first, -1, below, step, 8, below, 8, step, corner, step);
  const failedBelow = cholesky(n - first, corner, step);
  return failedBelow == 0 ? 0 : first + failedBelow;
}
