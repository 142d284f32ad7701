/** Textbook loops that the kernels are compared with, and numbers to feed them. */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Seeded numbers in [−1, 1). */
export class RandomNumbers {
  private readonly generator;

  constructor(seed: number) {
    this.generator = xoroshiro128plus(seed ^ 0x5eed_1234);
  }

  next(): number {
    return 2 * uniformFloat64(this.generator) - 1;
  }

  vector(length: number): Float64Array {
    return Float64Array.from({ length }, () => this.next());
  }
}

export interface Strided {
  readonly data: Float64Array;
  readonly rows: number;
  readonly columns: number;
  readonly ld: number;
}

/** What stands between the columns of a strided matrix and must survive. */
export const GAP = -777;

/** A rows×columns matrix of numbers in [−1, 1) whose rows start `columns + gap` apart. */
export function randomStrided(random: RandomNumbers, rows: number, columns: number, gap = 0): Strided {
  const ld = Math.max(1, columns + gap);
  const data = new Float64Array(rows * ld).fill(GAP);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) data[i * ld + j] = random.next();
  return { data, rows, columns, ld };
}

export const at = (a: Strided, i: number, j: number): number => a.data[i * a.ld + j];

/** op(A)[i][j]. */
const entry = (transpose: boolean, a: Strided, i: number, j: number): number => (transpose ? at(a, j, i) : at(a, i, j));

/** alpha·op(A)·op(B) + beta·C in the layout of C, entries with keep(i, j) false left as they are. */
export function product(
  transposeA: boolean,
  transposeB: boolean,
  alpha: number,
  a: Strided,
  b: Strided,
  beta: number,
  c: Strided,
  keep: (i: number, j: number) => boolean = () => true,
): Float64Array {
  const result = c.data.slice();
  const terms = transposeA ? a.rows : a.columns;
  for (let i = 0; i < c.rows; i++) {
    for (let j = 0; j < c.columns; j++) {
      if (!keep(i, j)) continue;
      let sum = 0;
      for (let p = 0; p < terms; p++) sum += entry(transposeA, a, i, p) * entry(transposeB, b, p, j);
      result[i * c.ld + j] = alpha * sum + (beta === 0 ? 0 : beta * at(c, i, j));
    }
  }
  return result;
}

/** The same entries, one row behind the other. */
export function packed(a: Strided): Strided {
  const data = new Float64Array(a.rows * a.columns);
  for (let i = 0; i < a.rows; i++) for (let j = 0; j < a.columns; j++) data[i * a.columns + j] = at(a, i, j);
  return { data, rows: a.rows, columns: a.columns, ld: Math.max(1, a.columns) };
}

/** Both triangles of the symmetric matrix whose lower one is given. */
export function mirrored(a: Strided): Strided {
  const full = packed(a);
  for (let i = 0; i < a.rows; i++) for (let j = 0; j < i; j++) full.data[j * a.columns + i] = at(a, i, j);
  return full;
}

/** The lower triangle, zeros above. */
export function lowerPart(a: Strided): Strided {
  const lower = packed(a);
  for (let i = 0; i < a.rows; i++) lower.data.fill(0, i * a.columns + i + 1, (i + 1) * a.columns);
  return lower;
}

/** Largest |x − y|; infinite where one of the two is not finite and the other differs. */
export function distance(x: Float64Array, y: Float64Array): number {
  if (x.length !== y.length) return Infinity;
  let largest = 0;
  for (let i = 0; i < x.length; i++) {
    if (Object.is(x[i], y[i])) continue;
    const difference = Math.abs(x[i] - y[i]);
    if (Number.isNaN(difference)) return Infinity;
    largest = Math.max(largest, difference);
  }
  return largest;
}

/** A positive definite matrix B B'/n + shift, in the lower triangle of a strided matrix whose upper one holds `GAP`. */
export function positiveDefinite(random: RandomNumbers, n: number, gap: number, shift: number): Strided {
  const b = randomStrided(random, n, n);
  const ld = Math.max(1, n + gap);
  const data = new Float64Array(n * ld).fill(GAP);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = i === j ? shift : 0;
      for (let p = 0; p < n; p++) sum += (at(b, i, p) * at(b, j, p)) / n;
      data[i * ld + j] = sum;
    }
  }
  return { data, rows: n, columns: n, ld };
}
