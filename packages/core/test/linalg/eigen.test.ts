import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Blas } from "../../src/linalg/blas.js";
import { backends, required } from "./backends.js";
import { RandomNumbers } from "./reference.js";

/** Largest absolute entry. */
const largest = (x: Float64Array): number => x.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** ‖V'ΛV − A‖ and ‖VV' − I‖ in the largest entry, with the rows of V as eigenvectors. */
function errors(
  n: number,
  a: Float64Array,
  w: Float64Array,
  v: Float64Array,
): { residual: number; orthogonality: number } {
  let residual = 0;
  let orthogonality = 0;
  const columns = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) columns[j * n + i] = v[i * n + j];
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      let inner = 0;
      for (let k = 0; k < n; k++) {
        sum += columns[i * n + k] * w[k] * columns[j * n + k];
        inner += v[i * n + k] * v[j * n + k];
      }
      residual = Math.max(residual, Math.abs(sum - a[i * n + j]));
      orthogonality = Math.max(orthogonality, Math.abs(inner - (i === j ? 1 : 0)));
    }
  }
  return { residual, orthogonality };
}

function expectDecomposed(blas: Blas, n: number, a: Float64Array): Float64Array {
  const v = a.slice();
  for (let i = 0; i < n; i++) v.fill(Number.NaN, i * n + i + 1, (i + 1) * n); // the upper triangle is not read
  const w = new Float64Array(n);
  blas.syevd(n, v, w);
  const norm = largest(a);
  const { residual, orthogonality } = errors(n, a, w, v);
  const subnormal = n * Number.MIN_VALUE; // below the normal range the spacing of numbers is absolute
  expect(residual).toBeLessThanOrEqual(1e-13 * Math.max(1, Math.sqrt(n)) * norm + subnormal);
  expect(orthogonality).toBeLessThan(1e-13 * Math.max(1, Math.sqrt(n)));
  expect([...w]).toEqual([...w].toSorted((x, y) => x - y));
  return w;
}

function symmetric(n: number, entry: (i: number, j: number) => number): Float64Array {
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      a[i * n + j] = entry(i, j);
      a[j * n + i] = a[i * n + j];
    }
  }
  return a;
}

describe.each(backends)("syevd of the $name back end", (backend) => {
  const test = it.skipIf(backend.blas === undefined);

  test("decomposes random matrices of every size and scale", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.constantFrom(1, 1e-200, 1e200),
        fc.integer(),
        (n, scale, seed) => {
          const random = new RandomNumbers(seed);
          const a = symmetric(n, () => scale * random.next());
          expectDecomposed(required(backend), n, a);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("knows the eigenvalues of the second difference, 2 − 2cos(kπ/(n+1))", () => {
    const n = 150;
    const values = expectDecomposed(
      required(backend),
      n,
      symmetric(n, (i, j) => (i === j ? 2 : i - j === 1 ? -1 : 0)),
    );
    const expected = values.map((_, k) => 2 - 2 * Math.cos(((k + 1) * Math.PI) / (n + 1)));
    expect(largest(values.map((value, k) => value - expected[k]))).toBeLessThan(1e-13);
  });

  test.each<[string, (i: number, j: number) => number]>([
    ["zero", () => 0],
    ["the identity", (i, j) => (i === j ? 1 : 0)],
    ["diagonal in falling order", (i, j) => (i === j ? -i : 0)],
    ["all ones, of rank 1", () => 1],
    ["of rank 2", (i, j) => Math.cos(i) * Math.cos(j) + Math.sin(3 * i) * Math.sin(3 * j)],
    [
      "Wilkinson's, with pairs that agree to the last digit",
      (i, j) => (i === j ? Math.abs(i - 20) : i - j === 1 ? 1 : 0),
    ],
    ["Hilbert's", (i, j) => 1 / (i + j + 1)],
    ["graded upwards", (i, j) => 10 ** ((i + j - 40) / 4)],
    ["graded downwards", (i, j) => 10 ** (-(i + j) / 4)],
    ["of wildly different entries", (i, j) => 10 ** (((i * 7 + j * 7) % 61) - 60)],
    [
      "a large number beside a block whose squares vanish",
      (i, j) => (i === 0 && j === 0 ? 1 : 1e-170 * Math.sin(i + j)),
    ],
    ["of subnormal numbers", (i, j) => Number.MIN_VALUE * (1 + ((i + j) % 5))],
  ])("decomposes the matrix that is %s", (_name, entry) => {
    const values = expectDecomposed(required(backend), 41, symmetric(41, entry));
    expect(values.every(Number.isFinite)).toBe(true);
  });

  test("decomposes a matrix of 400 rows whose rotations do not fit one batch", () => {
    const random = new RandomNumbers(11);
    expectDecomposed(
      required(backend),
      401,
      symmetric(401, () => random.next()),
    );
  });

  test("refuses a matrix that is not finite", () => {
    const a = Float64Array.of(1, 0, Number.NaN, 1);
    expect(() => required(backend).syevd(2, a, new Float64Array(2))).toThrow(/Row 2 of a matrix to be diagonalised/);
  });
});
