/** Monomials of many rows, written factor by factor: a column of all rows at a time. */

/** Numbers of a step: where its feature and its input stand among theirs, the power, the factor, and whether it multiplies what is there. */
const STEP: usize = 5 << 3;

/**
 * Step by step v_ia ← factor · x_ij^power, or v_ia ← v_ia · x_ij^power. x is r×m, v r×d; a power of 0 writes the factor itself.
 */
export function powers(r: i32, m: i32, d: i32, steps: usize, count: i32, x: usize, v: usize): void {
  const stepX = <usize>m << 3;
  const stepV = <usize>d << 3;
  for (const end = steps + <usize>count * STEP; steps < end; steps += STEP) {
    const exponent = i32(load<f64>(steps, 16));
    const factor = load<f64>(steps, 24);
    let to = v + (usize(load<f64>(steps)) << 3);
    let from = x + (usize(load<f64>(steps, 8)) << 3);
    if (load<f64>(steps, 32) != 0) {
      for (let i = 0; i < r; i++, from += stepX, to += stepV) store<f64>(to, load<f64>(to) * whole(load<f64>(from), exponent));
    } else if (exponent == 1) {
      for (let i = 0; i < r; i++, from += stepX, to += stepV) store<f64>(to, factor * load<f64>(from));
    } else if (exponent == 2) {
      for (let i = 0; i < r; i++, from += stepX, to += stepV) store<f64>(to, factor * (load<f64>(from) * load<f64>(from)));
    } else {
      for (let i = 0; i < r; i++, from += stepX, to += stepV) store<f64>(to, factor * whole(load<f64>(from), exponent));
    }
  }
}

/** x^n by squaring. */
// @ts-ignore: decorator
@inline
function whole(x: f64, n: i32): f64 {
  let product = n & 1 ? x : 1.0;
  for (let square = x * x, left = n >> 1; left > 0; square *= square, left >>= 1) {
    if (left & 1) product *= square;
  }
  return product;
}
