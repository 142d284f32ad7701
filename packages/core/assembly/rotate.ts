import { multiplyAdd } from "./simd";

/**
 * Applies a chain of plane rotations to consecutive rows, from the last pair to the first: for i = count − 1 … 0, with
 * c = cosines[i] and s = sines[i], (row i, row i+1) ← (c·row i − s·row i+1, s·row i + c·row i+1). `columns` is even;
 * rows lie `step` bytes apart.
 */
export function rotateRows(count: i32, columns: i32, cosines: usize, sines: usize, rows: usize, step: usize): void {
  const end = <usize>columns << 3;
  for (let i = count - 1; i >= 0; i--) {
    const c = v128.load64_splat(cosines + (<usize>i << 3));
    const s = v128.load64_splat(sines + (<usize>i << 3));
    const minus = f64x2.neg(s);
    const upper = rows + <usize>i * step;
    const lower = upper + step;
    for (let at: usize = 0; at < end; at += 16) {
      const x = v128.load(upper + at);
      const y = v128.load(lower + at);
      v128.store(upper + at, multiplyAdd(c, x, f64x2.mul(minus, y)));
      v128.store(lower + at, multiplyAdd(s, x, f64x2.mul(c, y)));
    }
  }
}
