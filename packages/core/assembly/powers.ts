/** Monomials of many rows, factor by factor: every `step` bytes from an address on there is one row's number. */

/** out ← factor · x^power, or out ← out · x^power, which for power = 0 is the factor itself. */
export function power(
  r: i32,
  multiply: bool,
  factor: f64,
  exponent: i32,
  x: usize,
  stepX: usize,
  out: usize,
  stepOut: usize,
): void {
  if (multiply) {
    for (let i = 0; i < r; i++, x += stepX, out += stepOut) store<f64>(out, load<f64>(out) * whole(load<f64>(x), exponent));
  } else if (exponent == 1) {
    for (let i = 0; i < r; i++, x += stepX, out += stepOut) store<f64>(out, factor * load<f64>(x));
  } else if (exponent == 2) {
    for (let i = 0; i < r; i++, x += stepX, out += stepOut) store<f64>(out, factor * (load<f64>(x) * load<f64>(x)));
  } else {
    for (let i = 0; i < r; i++, x += stepX, out += stepOut) store<f64>(out, factor * whole(load<f64>(x), exponent));
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
