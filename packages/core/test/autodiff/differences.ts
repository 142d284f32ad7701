import { constant, type Tensor } from "../../src/autodiff/index.js";
import type { Shape } from "./cases.js";

/** Numbers that depend on the seed alone, in (−1.5, 1.5). */
export function numbers(count: number, seed: number): Float64Array {
  let state = seed * 2654435761 + 12345;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return ((state >>> 0) / 2 ** 32) * 3 - 1.5;
  });
}

export const drawn = ([rows, columns]: Shape, seed: number): Tensor =>
  constant(numbers(rows * columns, seed), rows, columns);

/** `points[k]` shifted by h along direction k: x_k + h·t_k. */
export const shifted = (points: readonly Tensor[], directions: readonly Tensor[], h: number): Tensor[] =>
  points.map((x, k) =>
    constant(
      x.values.map((value, i) => value + h * directions[k].values[i]),
      x.rows,
      x.columns,
    ),
  );

/** d/dh f(h) at 0 by central differences of fourth order, entry by entry: error of order step⁴. */
export function slopeAtZero(f: (h: number) => ArrayLike<number>, step = 1e-3): Float64Array {
  const [far, near, nearBack, farBack] = [f(2 * step), f(step), f(-step), f(-2 * step)].map((v) =>
    Float64Array.from(v),
  );
  return near.map((value, i) => (8 * (value - nearBack[i]) - (far[i] - farBack[i])) / (12 * step));
}

/** Σ_i a_i b_i over tensors given side by side. */
export const inner = (a: readonly Tensor[], b: readonly Tensor[]): number =>
  a.reduce((total, x, k) => x.values.reduce((t, value, i) => t + value * b[k].values[i], total), 0);

/** max |a − b|, infinite where lengths differ or a number is not finite. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const apart = Math.abs(a[i] - b[i]);
    worst = Number.isFinite(apart) ? Math.max(worst, apart) : Infinity;
  }
  return worst;
}
