/**
 * Products of a matrix with one vector, four rows at a time, so that the vector is loaded once for all four. Steps are
 * in bytes.
 */
import { laneSum, multiplyAdd } from "./simd";

/** y ← y + A·x, A m×n; m is a multiple of four and n is even. */
export function multiplyVector(m: i32, n: i32, a: usize, step: usize, x: usize, y: usize): void {
  const endOfX = x + (<usize>n << 3);
  for (let i = 0; i < m; i += 4) {
    let s0 = f64x2.splat(0), s1 = s0, s2 = s0, s3 = s0;
    let r0 = a;
    let r2 = a + (step << 1);
    for (let at = x; at < endOfX; at += 16) {
      const value = v128.load(at);
      s0 = multiplyAdd(v128.load(r0), value, s0);
      s1 = multiplyAdd(v128.load(r0 + step), value, s1);
      s2 = multiplyAdd(v128.load(r2), value, s2);
      s3 = multiplyAdd(v128.load(r2 + step), value, s3);
      r0 += 16;
      r2 += 16;
    }
    store<f64>(y, load<f64>(y) + laneSum(s0));
    store<f64>(y, load<f64>(y, 8) + laneSum(s1), 8);
    store<f64>(y, load<f64>(y, 16) + laneSum(s2), 16);
    store<f64>(y, load<f64>(y, 24) + laneSum(s3), 24);
    a += step << 2;
    y += 32;
  }
}

/** y ← y + A'·x, A m×n; m is a multiple of four and n is even. */
export function multiplyVectorTransposed(m: i32, n: i32, a: usize, step: usize, x: usize, y: usize): void {
  const endOfY = y + (<usize>n << 3);
  for (let i = 0; i < m; i += 4) {
    const x0 = v128.load64_splat(x);
    const x1 = v128.load64_splat(x, 8);
    const x2 = v128.load64_splat(x, 16);
    const x3 = v128.load64_splat(x, 24);
    let r0 = a;
    let r2 = a + (step << 1);
    for (let at = y; at < endOfY; at += 16) {
      let sum = multiplyAdd(v128.load(r0), x0, v128.load(at));
      sum = multiplyAdd(v128.load(r0 + step), x1, sum);
      sum = multiplyAdd(v128.load(r2), x2, sum);
      v128.store(at, multiplyAdd(v128.load(r2 + step), x3, sum));
      r0 += 16;
      r2 += 16;
    }
    a += step << 2;
    x += 32;
  }
}
