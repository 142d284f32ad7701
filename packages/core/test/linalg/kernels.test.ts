import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backends, required } from "./backends.js";
import {
  at,
  distance,
  GAP,
  lowerPart,
  mirrored,
  packed,
  positiveDefinite,
  product,
  RandomNumbers,
  randomStrided,
  type Strided,
} from "./reference.js";

const TOLERANCE = 1e-12;

const size = fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 5, 8, 15, 16, 17), fc.integer({ min: 0, max: 70 }));
const gap = fc.constantFrom(0, 0, 1, 3);
const factor = fc.constantFrom(0, 1, -1, 0.5, -2.25);
const seed = fc.integer();

/** op(X) is rows×columns. */
const stored = (random: RandomNumbers, transpose: boolean, rows: number, columns: number, gaps: number): Strided =>
  transpose ? randomStrided(random, columns, rows, gaps) : randomStrided(random, rows, columns, gaps);

/** With beta = 0 whatever is in C must not matter. */
function spoil(c: Strided, beta: number, fill: (i: number, j: number) => boolean = () => true): void {
  if (beta !== 0) return;
  for (let i = 0; i < c.rows; i++) {
    for (let j = 0; j < c.columns; j++) if (fill(i, j)) c.data[i * c.ld + j] = Number.NaN;
  }
}

const inLower = (i: number, j: number): boolean => j <= i;

const vectorAsMatrix = (data: Float64Array): Strided => ({ data, rows: data.length, columns: 1, ld: 1 });

describe.each(backends)("kernels of the $name back end", (backend) => {
  const test = it.skipIf(backend.blas === undefined);

  test("gemm agrees with the triple loop for every shape, stride, transpose, alpha and beta", () => {
    const blas = required(backend);
    fc.assert(
      fc.property(
        fc.tuple(size, size, size, gap, gap, gap),
        fc.boolean(),
        fc.boolean(),
        factor,
        factor,
        seed,
        ([m, n, k, gapA, gapB, gapC], transposeA, transposeB, alpha, beta, start) => {
          const random = new RandomNumbers(start);
          const a = stored(random, transposeA, m, k, gapA);
          const b = stored(random, transposeB, k, n, gapB);
          const c = randomStrided(random, m, n, gapC);
          spoil(c, beta);
          const expected = product(transposeA, transposeB, alpha, a, b, beta, c);
          blas.gemm(transposeA, transposeB, m, n, k, alpha, a.data, a.ld, b.data, b.ld, beta, c.data, c.ld);
          expect(distance(c.data, expected)).toBeLessThan(TOLERANCE * (1 + k));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("gemm works on parts of larger arrays", () => {
    const blas = required(backend);
    const random = new RandomNumbers(7);
    const whole = random.vector(200);
    const a = { data: whole.subarray(13), rows: 3, columns: 5, ld: 9 };
    const b = { data: whole.subarray(60), rows: 5, columns: 4, ld: 11 };
    const c = { data: whole.subarray(121), rows: 3, columns: 4, ld: 7 };
    const expected = product(false, false, 1, a, b, 0, c);
    blas.gemm(false, false, 3, 4, 5, 1, a.data, a.ld, b.data, b.ld, 0, c.data, c.ld);
    expect(distance(c.data, expected)).toBeLessThan(TOLERANCE);
  });

  test("gemm accepts shared memory", () => {
    const blas = required(backend);
    const shared = new Float64Array(new SharedArrayBuffer(12 * 8));
    shared.set([1, 2, 3, 4, 5, 6, 7, 8]);
    blas.gemm(false, false, 2, 2, 2, 1, shared, 2, shared.subarray(4), 2, 0, shared.subarray(8), 2);
    expect([...shared.subarray(8)]).toEqual([19, 22, 43, 50]);
  });

  test("gemv agrees with the double loop", () => {
    const blas = required(backend);
    fc.assert(
      fc.property(size, size, gap, fc.boolean(), factor, factor, seed, (m, n, gapA, transpose, alpha, beta, start) => {
        const random = new RandomNumbers(start);
        const a = randomStrided(random, m, n, gapA);
        const x = vectorAsMatrix(random.vector(transpose ? m : n));
        const y = vectorAsMatrix(random.vector(transpose ? n : m));
        spoil(y, beta);
        const expected = product(transpose, false, alpha, a, x, beta, y);
        blas.gemv(transpose, m, n, alpha, a.data, a.ld, x.data, beta, y.data);
        expect(distance(y.data, expected)).toBeLessThan(TOLERANCE * (1 + x.rows));
      }),
      { numRuns: 300 },
    );
  });

  test("syrk agrees with the triple loop and leaves the upper triangle alone", () => {
    const blas = required(backend);
    fc.assert(
      fc.property(size, size, gap, gap, factor, factor, seed, (n, k, gapA, gapC, alpha, beta, start) => {
        const random = new RandomNumbers(start);
        const a = randomStrided(random, k, n, gapA);
        const c = randomStrided(random, n, n, gapC);
        spoil(c, beta, inLower);
        const expected = product(true, false, alpha, a, a, beta, c, inLower);
        blas.syrk(n, k, alpha, a.data, a.ld, beta, c.data, c.ld);
        expect(distance(c.data, expected)).toBeLessThan(TOLERANCE * (1 + k));
      }),
      { numRuns: 300 },
    );
  });

  test("symv reads the lower triangle only", () => {
    const blas = required(backend);
    fc.assert(
      fc.property(size, gap, factor, factor, seed, (n, gapA, alpha, beta, start) => {
        const random = new RandomNumbers(start);
        const a = randomStrided(random, n, n, gapA);
        const x = vectorAsMatrix(random.vector(n));
        const y = vectorAsMatrix(random.vector(n));
        spoil(y, beta);
        const expected = product(false, false, alpha, mirrored(a), x, beta, y);
        for (let i = 0; i < n; i++) a.data.fill(Number.NaN, i * a.ld + i + 1, i * a.ld + n);
        blas.symv(n, alpha, a.data, a.ld, x.data, beta, y.data);
        expect(distance(y.data, expected)).toBeLessThan(TOLERANCE * (1 + n));
      }),
      { numRuns: 200 },
    );
  });

  test("potrf reproduces the matrix and leaves the upper triangle alone", () => {
    const blas = required(backend);
    fc.assert(
      fc.property(size, gap, seed, (n, gapA, start) => {
        const a = positiveDefinite(new RandomNumbers(start), n, gapA, 1e-3);
        const factored = { ...a, data: a.data.slice() };
        expect(blas.potrf(n, factored.data, factored.ld)).toBe(0);
        const lower = lowerPart(factored);
        const again = product(false, true, 1, lower, lower, 0, packed(mirrored(a)));
        expect(distance(again, mirrored(a).data)).toBeLessThan(TOLERANCE);
        for (let i = 0; i < n; i++) {
          for (let j = i + 1; j < a.ld && i * a.ld + j < a.data.length; j++) expect(at(factored, i, j)).toBe(GAP);
        }
      }),
      { numRuns: 150 },
    );
  });

  test("potrf names the pivot at which an indefinite matrix fails", () => {
    const blas = required(backend);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 80 }), fc.nat(), seed, (n, choice, start) => {
        const row = choice % n;
        const a = positiveDefinite(new RandomNumbers(start), n, 0, 1);
        a.data[row * n + row] = -1e-3; // the leading blocks before this row stay positive definite
        expect(blas.potrf(n, a.data, n)).toBe(row + 1);
      }),
      { numRuns: 100 },
    );
  });

  test.each([Number.NaN, Infinity, -Infinity])("potrf never accepts a matrix with %d in it", (bad) => {
    const blas = required(backend);
    for (const [row, column] of [
      [0, 0],
      [5, 2],
      [19, 19],
      [19, 0],
    ]) {
      const a = positiveDefinite(new RandomNumbers(3), 20, 1, 1);
      a.data[row * a.ld + column] = bad;
      expect(blas.potrf(20, a.data, a.ld)).toBe(row + 1);
    }
  });

  test("potrf does not take an overflow for success", () => {
    const a = Float64Array.of(1e-300, 0, 0, 1e300, 1, 0, 1e300, 1, 1);
    expect(required(backend).potrf(3, a, 3)).toBe(2);
  });

  test("trsm solves with L and with L'", () => {
    const blas = required(backend);
    fc.assert(
      fc.property(size, size, gap, gap, fc.boolean(), seed, (m, n, gapL, gapB, transpose, start) => {
        const random = new RandomNumbers(start);
        const l = positiveDefinite(random, m, gapL, 0.1);
        expect(blas.potrf(m, l.data, l.ld)).toBe(0);
        const expected = randomStrided(random, m, n, gapB);
        const right = product(transpose, false, 1, lowerPart(l), expected, 0, expected);
        for (let i = 0; i < m; i++) l.data.fill(Number.NaN, i * l.ld + i + 1, i * l.ld + m);
        blas.trsm(transpose, m, n, l.data, l.ld, right, expected.ld);
        // cond(L) is the root of cond(L L') ≤ 70/0.1.
        expect(distance(right, expected.data)).toBeLessThan(30 * TOLERANCE);
      }),
      { numRuns: 200 },
    );
  });

  test("potrs solves the system that was factored", () => {
    const blas = required(backend);
    fc.assert(
      fc.property(size, fc.integer({ min: 0, max: 9 }), gap, gap, seed, (n, columns, gapA, gapB, start) => {
        const random = new RandomNumbers(start);
        const a = positiveDefinite(random, n, gapA, 0.1);
        const expected = randomStrided(random, n, columns, gapB);
        const right = product(false, false, 1, mirrored(a), expected, 0, expected);
        blas.potrf(n, a.data, a.ld);
        blas.potrs(n, columns, a.data, a.ld, right, expected.ld);
        expect(distance(right, expected.data)).toBeLessThan(1000 * TOLERANCE);
      }),
      { numRuns: 200 },
    );
  });

  test("potrs refuses numbers that are not finite", () => {
    const blas = required(backend);
    const l = Float64Array.of(2, 0, 1, 2);
    expect(() => blas.potrs(2, 1, l, 2, Float64Array.of(1, Number.NaN), 1)).toThrow(/Row 2 of the right-hand side/);
    expect(() => blas.potrs(2, 1, Float64Array.of(2, 0, 1, 0), 2, Float64Array.of(1, 1), 1)).toThrow(/pivot 2/);
  });
});
