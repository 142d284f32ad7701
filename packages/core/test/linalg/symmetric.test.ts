import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { useBlas } from "../../src/linalg/backend.js";
import { Matrix } from "../../src/linalg/matrix.js";
import { EquilibratedCholesky, pseudoInverseSolver, symmetricEigen, symmetrise } from "../../src/linalg/symmetric.js";
import { backends, required } from "./backends.js";
import { distance, mirrored, positiveDefinite, product, RandomNumbers } from "./reference.js";

const asMatrix = ({ data, rows, columns }: { data: Float64Array; rows: number; columns: number }): Matrix =>
  new Matrix(data, rows, columns);

const strided = (a: Matrix) => ({ data: a.data, rows: a.rows, columns: a.columns, ld: Math.max(1, a.columns) });

function multiply(a: Matrix, b: Matrix): Matrix {
  const c = Matrix.zeros(a.rows, b.columns);
  return new Matrix(product(false, false, 1, strided(a), strided(b), 0, strided(c)), a.rows, b.columns);
}

const column = (b: Float64Array): Matrix => new Matrix(b, b.length, 1);
const norm = (x: Float64Array): number => Math.hypot(...x);

/** A positive definite matrix, both triangles, with rows and columns scaled by powers of ten between 1e-6 and 1e6. */
function badlyScaled(random: RandomNumbers, n: number): Matrix {
  const a = asMatrix(mirrored(positiveDefinite(random, n, 0, 0.2)));
  const scale = Array.from({ length: n }, (_, i) => 10 ** (((i * 5) % 13) - 6));
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) a.data[i * n + j] *= scale[i] * scale[j];
  return a;
}

function factored(a: Matrix): EquilibratedCholesky {
  const factor = EquilibratedCholesky.factor(a);
  if (!(factor instanceof EquilibratedCholesky)) throw new Error(`Not positive definite at row ${factor.failedAt}.`);
  return factor;
}

function hilbert(n: number): Matrix {
  const a = Matrix.zeros(n, n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) a.data[i * n + j] = 1 / (i + j + 1);
  return a;
}

describe.each(backends)("symmetric matrices on the $name back end", (backend) => {
  const test = it.skipIf(backend.blas === undefined);

  beforeAll(() => {
    if (backend.blas !== undefined) useBlas(required(backend));
  });

  test("solve finds the solution to full relative accuracy whatever the units of the variables", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 5 }), fc.integer(), (n, k, seed) => {
        const random = new RandomNumbers(seed);
        const a = badlyScaled(random, n);
        const before = a.data.slice();
        const expected = new Matrix(random.vector(n * k), n, k);
        for (let i = 0; i < n; i++) {
          const unit = 1 / Math.sqrt(a.data[i * n + i]);
          for (let j = 0; j < k; j++) expected.data[i * k + j] *= unit;
        }
        const right = multiply(a, expected);
        const factor = factored(a);
        const solution = factor.solve(right);
        for (let i = 0; i < n; i++) {
          const unit = Math.sqrt(a.data[i * n + i]);
          expect(distance(solution.row(i), expected.row(i)) * unit).toBeLessThan(1e-10);
        }
        expect(a.data).toEqual(before);
      }),
      { numRuns: 60 },
    );
  });

  test("solve of a vector, halfSolve, inverseQuadratic and inverse tell one story", () => {
    const random = new RandomNumbers(5);
    const n = 23;
    const a = asMatrix(mirrored(positiveDefinite(random, n, 0, 0.1)));
    const b = random.vector(n);
    const factor = factored(a);
    const x = factor.solve(b);
    expect(distance(multiply(a, column(x)).data, b)).toBeLessThan(1e-12);
    const quadratic = b.reduce((sum, value, i) => sum + value * x[i], 0);
    expect(factor.inverseQuadratic(b)).toBeCloseTo(quadratic, 11);
    expect(norm(factor.halfSolve(b)) ** 2).toBeCloseTo(quadratic, 11);
    const half = factor.halfSolve(new Matrix(Float64Array.from([...b].flatMap((value) => [value, 2 * value])), n, 2));
    expect(norm(half.column(1)) ** 2).toBeCloseTo(4 * quadratic, 10);
    const inverse = factor.inverse();
    expect(distance(multiply(inverse, column(b)).data, x)).toBeLessThan(1e-11);
    expect(symmetrise(new Matrix(inverse.data.slice(), n, n)).data).toEqual(inverse.data);
  });

  test("reads the lower triangle only", () => {
    const a = Matrix.fromRows([
      [4, Number.NaN],
      [2, 3],
    ]);
    expect([...factored(a).solve(Float64Array.of(8, 7))].map((value) => Math.round(value * 1e12) / 1e12)).toEqual([
      1.25, 1.5,
    ]);
  });

  test.each<[string, number[][], number]>([
    [
      "a zero on the diagonal",
      [
        [1, 0],
        [0, 0],
      ],
      2,
    ],
    [
      "a negative diagonal",
      [
        [-1, 0],
        [0, 1],
      ],
      1,
    ],
    [
      "an indefinite matrix",
      [
        [1, 2, 0],
        [2, 1, 0],
        [0, 0, 1],
      ],
      2,
    ],
    [
      "NaN on the diagonal",
      [
        [1, 0],
        [0, Number.NaN],
      ],
      2,
    ],
    [
      "NaN off the diagonal",
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, Number.NaN, 1],
      ],
      3,
    ],
    ["infinity", [[Infinity]], 1],
    [
      "a singular matrix",
      [
        [1, 1],
        [1, 1],
      ],
      2,
    ],
  ])("factor fails on %s", (_name, rows, failedAt) => {
    expect(EquilibratedCholesky.factor(Matrix.fromRows(rows))).toEqual({ failedAt });
  });

  test("conditionEstimate is a lower bound, at most a factor of 3 below the true condition number", () => {
    for (let seed = 0; seed < 120; seed++) {
      const n = 1 + (seed % 30);
      const a = badlyScaled(new RandomNumbers(seed), n);
      const scale = Array.from({ length: n }, (_, i) => 1 / Math.sqrt(a.data[i * n + i]));
      const scaled = new Matrix(
        a.data.map((value, at) => value * scale[Math.floor(at / n)] * scale[at % n]),
        n,
        n,
      );
      const norm1 = (matrix: Matrix): number =>
        Math.max(...Array.from({ length: n }, (_, i) => matrix.row(i).reduce((sum, v) => sum + Math.abs(v), 0)));
      const exact = norm1(scaled) * norm1(factored(scaled).inverse());
      const estimate = factored(a).conditionEstimate();
      expect(estimate).toBeLessThanOrEqual(exact * (1 + 1e-8));
      expect(estimate).toBeGreaterThan(exact / 3);
    }
    // Hilbert's matrix of order 8, equilibrated: a known bad case.
    expect(factored(hilbert(8)).conditionEstimate()).toBeGreaterThan(1e9);
  });

  test("weakestDirection is the eigenvector of the least eigenvalue, scaled alike, where that is far below the others", () => {
    for (const n of [2, 3, 7, 20]) {
      const random = new RandomNumbers(n);
      const rows = Array.from({ length: 3 * n }, () => {
        const row = Array.from(random.vector(n));
        row[n - 1] = row[0] - (n > 2 ? 2 * row[1] : 0) + 1e-4 * row[n - 1];
        return row.map((value, j) => value * 10 ** (j % 4));
      });
      const entry = (i: number, j: number): number => rows.reduce((sum, row) => sum + row[i] * row[j], 0);
      const index = Array.from({ length: n }, (_, i) => i);
      const gram = Matrix.fromRows(index.map((i) => index.map((j) => entry(i, j))));
      const alike = index.map((i) => index.map((j) => entry(i, j) / Math.sqrt(entry(i, i) * entry(j, j))));
      const { vectors } = symmetricEigen(Matrix.fromRows(alike));
      const known = Array.from(vectors.row(0));
      const largest = known.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
      const found = factored(gram).weakestDirection();
      const sign = Math.sign(found.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0));
      known.forEach((value, j) => expect(sign * found[j]).toBeCloseTo(value / largest, 5));
    }
  });

  test("symmetricEigen returns ascending values and eigenvectors in rows, and leaves its argument alone", () => {
    const a = Matrix.fromRows([
      [2, Number.NaN],
      [1, 2],
    ]);
    const { values, vectors } = symmetricEigen(a);
    expect(values[0]).toBeCloseTo(1, 14);
    expect(values[1]).toBeCloseTo(3, 14);
    expect(vectors.row(0)[0] * vectors.row(0)[1]).toBeCloseTo(-0.5, 14);
    expect(vectors.row(1)[0] * vectors.row(1)[1]).toBeCloseTo(0.5, 14);
    expect([...a.data]).toEqual([2, Number.NaN, 1, 2]);
  });

  test("the pseudo-inverse meets Penrose's four conditions", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(), fc.integer(), (n, choice, seed) => {
        const random = new RandomNumbers(seed);
        const rank = choice % (n + 1);
        // Σ ± g g' over `rank` vectors, so that signs of eigenvalues are mixed.
        const a = Matrix.zeros(n, n);
        for (let r = 0; r < rank; r++) {
          const g = random.vector(n);
          for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) a.data[i * n + j] += (r % 2 ? -1 : 1) * g[i] * g[j];
        }
        const solver = pseudoInverseSolver(a, 1e-9);
        fc.pre(solver.rank === rank); // random vectors may be dependent to 1e-9
        const identity = Matrix.zeros(n, n);
        for (let i = 0; i < n; i++) identity.data[i * n + i] = 1;
        const pseudo = solver.solve(identity);
        const size = Math.max(...pseudo.data.map(Math.abs), 1);
        const projection = multiply(a, pseudo);
        expect(distance(multiply(projection, a).data, a.data)).toBeLessThan(1e-10 * size);
        expect(distance(multiply(pseudo, projection).data, pseudo.data)).toBeLessThan(1e-10 * size * size);
        expect(distance(symmetrise(new Matrix(projection.data.slice(), n, n)).data, projection.data)).toBeLessThan(
          1e-10 * size,
        );
        expect(distance(symmetrise(new Matrix(pseudo.data.slice(), n, n)).data, pseudo.data)).toBeLessThan(
          1e-10 * size,
        );
        const b = random.vector(n);
        const reached = multiply(projection, column(b)).data;
        const missed = norm(b.map((value, i) => value - reached[i])) / norm(b);
        expect(Math.abs(solver.nullResidual(b) - missed)).toBeLessThan(1e-9 * size);
        expect(distance(solver.solve(b), multiply(pseudo, column(b)).data)).toBeLessThan(1e-10 * size);
      }),
      { numRuns: 60 },
    );
  });

  test("the pseudo-inverse of zero is zero", () => {
    const solver = pseudoInverseSolver(Matrix.zeros(3, 3), 1e-12);
    expect(solver.rank).toBe(0);
    expect([...solver.solve(Float64Array.of(1, 2, 3))]).toEqual([0, 0, 0]);
    expect(solver.nullResidual(Float64Array.of(1, 2, 2))).toBeCloseTo(1, 14);
    expect(solver.nullResidual(Float64Array.of(1e-200, 2e-200, 2e-200))).toBeCloseTo(1, 14);
    expect(solver.nullResidual(new Float64Array(3))).toBe(0);
    expect(() => pseudoInverseSolver(Matrix.zeros(1, 1), 1)).toThrow(RangeError);
  });

  test("empty matrices are factored and solved", () => {
    const empty = Matrix.zeros(0, 0);
    const factor = factored(empty);
    expect(factor.solve(new Float64Array(0))).toEqual(new Float64Array(0));
    expect(factor.conditionEstimate()).toBe(0);
    expect(factor.inverse().rows).toBe(0);
    expect(symmetricEigen(empty).values.length).toBe(0);
    expect(pseudoInverseSolver(empty, 0).rank).toBe(0);
  });

  test("shapes that do not fit are refused", () => {
    const factor = factored(Matrix.fromRows([[2]]));
    expect(() => EquilibratedCholesky.factor(Matrix.zeros(2, 3))).toThrow(/square/);
    expect(() => symmetricEigen(Matrix.zeros(2, 3))).toThrow(/square/);
    expect(() => factor.solve(new Float64Array(2))).toThrow(/2 rows/);
    expect(() => factor.halfSolve(Matrix.zeros(2, 1))).toThrow(/2 rows/);
    expect(() => pseudoInverseSolver(Matrix.fromRows([[2]]), 0).solve(new Float64Array(2))).toThrow(/2 rows/);
  });
});
