/** The two back ends against each other on shapes that the portable one works through in pieces. */
import { describe, expect, it } from "vitest";
import type { Blas } from "../../src/linalg/blas.js";
import { backends, required } from "./backends.js";
import { distance, RandomNumbers } from "./reference.js";

const [portableBackend, nativeBackend] = backends;

const numbers = (count: number, seed = 1): Float64Array => new RandomNumbers(seed).vector(count);

describe(`portable against ${nativeBackend.name}`, () => {
  const test = it.skipIf(nativeBackend.blas === undefined);

  /** Largest difference of what an operation writes into a copy of `start`. */
  function difference(start: Float64Array, operation: (blas: Blas, out: Float64Array) => void): number {
    const results = [portableBackend, nativeBackend].map((backend) => {
      const out = start.slice();
      operation(required(backend), out);
      return out;
    });
    expect(distance(results[0], start)).toBeGreaterThan(0);
    return distance(results[0], results[1]);
  }

  test.each([
    [3, 4, 200_000],
    [70_000, 3, 40],
    [3, 70_000, 40],
    [1030, 1100, 300],
    [1, 1, 300_000],
  ])("gemm of a %d×%d result over %d terms, all four ways", (m, n, k) => {
    const a = numbers(m * k, 2);
    const b = numbers(k * n, 3);
    for (const transposeA of [false, true]) {
      for (const transposeB of [false, true]) {
        const error = difference(numbers(m * n), (blas, c) => {
          const lda = transposeA ? m : k;
          const ldb = transposeB ? k : n;
          blas.gemm(transposeA, transposeB, m, n, k, 0.5, a, lda, b, ldb, -1, c, n);
        });
        expect(error).toBeLessThan(1e-12 * Math.sqrt(k));
      }
    }
  });

  test.each([
    [40, 30_001],
    [1100, 50],
    [2100, 7],
  ])("syrk of order %d over %d rows", (n, k) => {
    const a = numbers(k * (n + 1), 2);
    const error = difference(numbers(n * (n + 3)), (blas, c) => blas.syrk(n, k, 1, a, n + 1, 0.25, c, n + 3));
    expect(error).toBeLessThan(1e-12 * Math.sqrt(k));
  });

  test.each([
    [100_001, 9],
    [9, 100_001],
    [1500, 1501],
  ])("gemv of a %d×%d matrix, both ways", (m, n) => {
    const a = numbers(m * n, 2);
    for (const transpose of [false, true]) {
      const x = numbers(transpose ? m : n, 3);
      const error = difference(numbers(transpose ? n : m), (blas, y) => blas.gemv(transpose, m, n, 2, a, n, x, -1, y));
      expect(error).toBeLessThan(1e-12 * Math.sqrt(Math.max(m, n)));
    }
  });

  test("symv of order 1501", () => {
    const n = 1501;
    const a = numbers(n * n, 2);
    const x = numbers(n, 3);
    expect(difference(numbers(n), (blas, y) => blas.symv(n, 1, a, n, x, 1, y))).toBeLessThan(1e-11);
  });

  describe("on a positive definite matrix of order 2100, which is factored in blocks", () => {
    const n = 2100;

    function definite(): Float64Array {
      const b = numbers(n * 50, 2);
      const a = new Float64Array(n * n).fill(-777);
      for (let i = 0; i < n; i++) a.fill(i % 2 === 0 ? 0.5 : -0.5, i * n, i * n + i);
      required(nativeBackend).syrk(n, 50, 0.1, b, n, 0, a, n);
      for (let i = 0; i < n; i++) a[i * n + i] += 1;
      return a;
    }

    test("potrf, trsm, potrs", () => {
      const factored = definite();
      expect(difference(factored, (blas, out) => expect(blas.potrf(n, out, n)).toBe(0))).toBeLessThan(1e-12);
      required(nativeBackend).potrf(n, factored, n);
      const b = numbers(n * 3, 5);
      for (const transpose of [false, true]) {
        expect(difference(b, (blas, out) => blas.trsm(transpose, n, 3, factored, n, out, 3))).toBeLessThan(1e-12);
      }
      expect(difference(b, (blas, out) => blas.potrs(n, 3, factored, n, out, 3))).toBeLessThan(1e-12);
      const wide = numbers(n * 700, 6);
      expect(difference(wide, (blas, out) => blas.trsm(false, n, 700, factored, n, out, 700))).toBeLessThan(1e-12);
    });

    test.each([1, 900, 1051, 2000, 2100])("potrf names pivot %d as native does", (pivot) => {
      const a = definite();
      a[(pivot - 1) * n + pivot - 1] = -1;
      expect(required(portableBackend).potrf(n, a.slice(), n)).toBe(pivot);
      expect(required(nativeBackend).potrf(n, a, n)).toBe(pivot);
    });
  });

  test("eigenvalues of order 300", () => {
    const n = 300;
    const a = numbers(n * n, 2);
    expect(difference(new Float64Array(n), (blas, w) => blas.syevd(n, a.slice(), w))).toBeLessThan(1e-12);
  });
});
