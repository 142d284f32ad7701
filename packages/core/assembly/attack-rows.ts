/**
 * What an attack asks of every row of a block: sizes, directions, corners and sums over the rows. Matrices are r×m with rows behind
 * each other; addresses are in bytes, counts in numbers.
 */
import { laneSum } from "./simd";

/** Sums of squares beyond these have lost digits to under- or overflow. */
const LEAST_SQUARE: f64 = 1e-280;
const MOST_SQUARE: f64 = 1e280;

/** Σ x² of the m numbers from x on. */
// @ts-ignore: decorator
@inline
function squares(m: i32, x: usize): f64 {
  const end = x + (<usize>m << 3);
  let even = f64x2.splat(0), odd = even;
  for (; x + 32 <= end; x += 32) {
    const a = v128.load(x), b = v128.load(x, 16);
    even = f64x2.add(even, f64x2.mul(a, a));
    odd = f64x2.add(odd, f64x2.mul(b, b));
  }
  let sum = laneSum(f64x2.add(even, odd));
  for (; x < end; x += 8) sum += load<f64>(x) * load<f64>(x);
  return sum;
}

/** out[i] ← ‖row i‖₂; returns how many rows were too small or too large to be squared. */
export function norms(r: i32, m: i32, x: usize, out: usize): i32 {
  let unsafe = 0;
  for (let i = 0; i < r; i++, x += <usize>m << 3, out += 8) {
    const sum = squares(m, x);
    unsafe += i32(!(sum > LEAST_SQUARE && sum < MOST_SQUARE));
    store<f64>(out, Math.sqrt(sum));
  }
  return unsafe;
}

/**
 * Row i ← row i / ‖row i‖₂, and out[i] ← ‖row i‖₂; returns how many rows were too small or too large to be squared: these stay as they
 * are, and their out[i] is −1.
 */
export function units(r: i32, m: i32, x: usize, out: usize): i32 {
  let unsafe = 0;
  for (let i = 0; i < r; i++, out += 8) {
    const sum = squares(m, x);
    const end = x + (<usize>m << 3);
    if (!(sum > LEAST_SQUARE && sum < MOST_SQUARE)) {
      unsafe++;
      store<f64>(out, -1);
      x = end;
      continue;
    }
    const size = Math.sqrt(sum);
    const both = f64x2.splat(size);
    for (; x + 16 <= end; x += 16) v128.store(x, f64x2.div(v128.load(x), both));
    for (; x < end; x += 8) store<f64>(x, load<f64>(x) / size);
    store<f64>(out, size);
  }
  return unsafe;
}

/** x ← constant + factor ⊙ x, row by row. Both vectors (m) stand twice, so that two rows are one flat run of pairs. */
export function affine(r: i32, m: i32, x: usize, constant: usize, factor: usize): void {
  const width = <usize>m << 3;
  for (let i = 0; i + 2 <= r; i += 2, x += width << 1) {
    for (let at: usize = 0; at < width << 1; at += 16) {
      const scaled = f64x2.mul(v128.load(factor + at), v128.load(x + at));
      v128.store(x + at, f64x2.add(v128.load(constant + at), scaled));
    }
  }
  if (r & 1) {
    for (let at: usize = 0; at < width; at += 8)
      store<f64>(x + at, load<f64>(constant + at) + load<f64>(factor + at) * load<f64>(x + at));
  }
}

/**
 * Of all entries: out[0] ← the largest of |x|·upper, out[1] ← the least of |x|·lower. Both vectors (m) stand twice; entries that are
 * not numbers are passed over.
 */
export function extremes(r: i32, m: i32, x: usize, upper: usize, lower: usize, out: usize): void {
  const width = <usize>m << 3;
  let most = f64x2.splat(0), least = f64x2.splat(Infinity);
  for (let i = 0; i + 2 <= r; i += 2, x += width << 1) {
    for (let at: usize = 0; at < width << 1; at += 16) {
      const size = f64x2.abs(v128.load(x + at));
      most = f64x2.pmax(most, f64x2.mul(size, v128.load(upper + at)));
      least = f64x2.pmin(least, f64x2.mul(size, v128.load(lower + at)));
    }
  }
  if (r & 1) {
    for (let at: usize = 0; at < width; at += 8) {
      const size = f64x2.abs(v128.load64_splat(x + at));
      most = f64x2.pmax(most, f64x2.mul(size, v128.load64_splat(upper + at)));
      least = f64x2.pmin(least, f64x2.mul(size, v128.load64_splat(lower + at)));
    }
  }
  store<f64>(out, max(f64x2.extract_lane(most, 0), f64x2.extract_lane(most, 1)));
  store<f64>(out, min(f64x2.extract_lane(least, 0), f64x2.extract_lane(least, 1)), 8);
}

/** sums (m) += Σ ω_i d_i and products (m) += Σ ω_i d_i ⊙ x_i, two columns and two rows at a time. */
export function pull(r: i32, m: i32, d: usize, x: usize, omega: usize, sums: usize, products: usize): void {
  const width = <usize>m << 3;
  const end = omega + (<usize>r << 3);
  let at: usize = 0;
  for (; at + 16 <= width; at += 16) {
    let s0 = f64x2.splat(0), s1 = s0, p0 = s0, p1 = s0;
    let from = at;
    let weight = omega;
    for (; weight + 16 <= end; weight += 16, from += width << 1) {
      const a = f64x2.mul(v128.load64_splat(weight), v128.load(d + from));
      const b = f64x2.mul(v128.load64_splat(weight, 8), v128.load(d + from + width));
      s0 = f64x2.add(s0, a);
      s1 = f64x2.add(s1, b);
      p0 = f64x2.add(p0, f64x2.mul(a, v128.load(x + from)));
      p1 = f64x2.add(p1, f64x2.mul(b, v128.load(x + from + width)));
    }
    if (weight < end) {
      const a = f64x2.mul(v128.load64_splat(weight), v128.load(d + from));
      s0 = f64x2.add(s0, a);
      p0 = f64x2.add(p0, f64x2.mul(a, v128.load(x + from)));
    }
    v128.store(sums + at, f64x2.add(v128.load(sums + at), f64x2.add(s0, s1)));
    v128.store(products + at, f64x2.add(v128.load(products + at), f64x2.add(p0, p1)));
  }
  if (at < width) {
    let s: f64 = 0, p: f64 = 0;
    for (let weight = omega, from = at; weight < end; weight += 8, from += width) {
      const a = load<f64>(weight) * load<f64>(d + from);
      s += a;
      p += a * load<f64>(x + from);
    }
    store<f64>(sums + at, load<f64>(sums + at) + s);
    store<f64>(products + at, load<f64>(products + at) + p);
  }
}
