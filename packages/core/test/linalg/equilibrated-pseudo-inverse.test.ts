/** A⁺ of A = C'C with C of full row rank r: A⁺Ax = C'(CC')⁻¹Cx, the part of x that C sees. */
import { beforeAll, expect, test } from "vitest";
import { ensureBlas, Matrix } from "../../src/index.js";
import { equilibratedPseudoInverse } from "../../src/linalg/symmetric.js";
import { dot, Random, relativeError, solve } from "../models/naive.js";

beforeAll(() => ensureBlas());

const gramOf = (C: readonly (readonly number[])[]): Matrix =>
  Matrix.fromRows(C[0].map((_, i) => C[0].map((__, j) => C.reduce((sum, row) => sum + row[i] * row[j], 0))));

test.each([
  [1, 1, 1, 1, 1, 1],
  [1, 30, 1, 1e-2, 1, 5],
  [1e3, 1e3, 1e3, 1e3, 1e3, 1e3],
])("the least-norm solution, units %d, %d, %d, %d, %d, %d", (...units) => {
  const random = new Random(3);
  for (const r of [1, 3, 5]) {
    const C = Array.from({ length: r }, () => units.map((unit) => unit * random.normal()));
    const x = units.map((unit) => random.normal() / unit);
    const A = gramOf(C);
    const b = Float64Array.from(x, (_, i) => dot(A.row(i), x));
    const seen = solve(
      C.map((row) => C.map((other) => dot(row, other))),
      C.map((row) => dot(row, x)),
    );
    const wanted = units.map((_, j) => C.reduce((sum, row, k) => sum + row[j] * seen[k], 0));
    const inverse = equilibratedPseudoInverse(A, 1e-12);
    expect(inverse.rank).toBe(r);
    expect(relativeError(inverse.solve(b), wanted)).toBeLessThan(1e-9);
    expect(inverse.nullResidual(b)).toBeLessThan(1e-13);
    // Of several columns each is solved for by itself.
    const both = inverse.solve(new Matrix(Float64Array.from([...b].flatMap((value) => [value, 2 * value])), 6, 2));
    expect(
      relativeError(
        both.column(1),
        wanted.map((value) => 2 * value),
      ),
    ).toBeLessThan(1e-9);
  }
});

test("units decide nothing about the rank, nor about what no solution reaches", () => {
  // Two variables that are one, and a third: diag(u) (1 1 0; 1 1 0; 0 0 2) diag(u).
  for (const u of [
    [1, 1, 1],
    [1, 1, 1e-9],
    [1e6, 1e6, 1e-6],
  ]) {
    const A = Matrix.fromRows(
      [
        [1, 1, 0],
        [1, 1, 0],
        [0, 0, 2],
      ].map((row, i) => row.map((value, j) => u[i] * value * u[j])),
    );
    const inverse = equilibratedPseudoInverse(A, 1e-12);
    expect(inverse.rank).toBe(2);
    const image = inverse.solve(Float64Array.of(3 * u[0], 3 * u[1], u[2]));
    // u'x = 3 over the first two by the shortest x: 3u/‖u‖².
    const square = u[0] ** 2 + u[1] ** 2;
    expect([image[0] / ((3 * u[0]) / square), image[1] / ((3 * u[1]) / square), image[2] * 2 * u[2]]).toEqual(
      [1, 1, 1].map((value) => expect.closeTo(value, 12)),
    );
    // Of (1, 0, 0) in like units half the length lies in the null space.
    expect(inverse.nullResidual(Float64Array.of(u[0], 0, 0))).toBeCloseTo(Math.SQRT1_2, 1);
    expect(inverse.nullResidual(Float64Array.of(u[0], u[1], 5 * u[2]))).toBeLessThan(1e-14);
  }
});

test("a variable without curvature that is pulled at is out of reach, however small the pull is in its own units", () => {
  const A = Matrix.fromRows([
    [1e12, 0, 0],
    [0, 1, 0],
    [0, 0, 0],
  ]);
  const inverse = equilibratedPseudoInverse(A, 1e-12);
  expect(inverse.rank).toBe(2);
  expect(inverse.nullResidual(Float64Array.of(1e6, 0, 1))).toBeCloseTo(Math.SQRT1_2, 1);
  expect(inverse.solve(Float64Array.of(1e6, 3, 0))).toEqual(Float64Array.of(1e-6, 3, 0));
});

test("signs are those of A's own eigenvalues", () => {
  const A = Matrix.fromRows([
    [1e8, 0],
    [0, -1e-8],
  ]);
  expect(equilibratedPseudoInverse(A, 1e-12).relativeSmallest).toBeLessThan(-0.4);
  expect(equilibratedPseudoInverse(Matrix.zeros(0, 0), 1e-12).rank).toBe(0);
  expect(equilibratedPseudoInverse(Matrix.zeros(2, 2), 1e-12).solve(Float64Array.of(0, 0))).toEqual(
    Float64Array.of(0, 0),
  );
});
