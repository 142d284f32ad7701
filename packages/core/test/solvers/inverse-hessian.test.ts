/** H⁻¹ and H⁺ by hand, with what they say of themselves. */
import { beforeAll, expect, test } from "vitest";
import { ensureBlas, Matrix } from "../../src/index.js";
import { dot, hessianTimes, invertHessian } from "../../src/solvers/inverse-hessian.js";
import { refusal } from "./systems.js";

beforeAll(() => ensureBlas());

const lower = (rows: readonly (readonly number[])[]): Matrix =>
  Matrix.fromRows(rows.map((row) => [...row, ...new Array<number>(rows.length - row.length).fill(Number.NaN)]));

test("products with the lower triangle alone", () => {
  expect([...hessianTimes(lower([[2], [1, 3]]), Float64Array.of(1, -2))]).toEqual([0, -5]);
  expect(hessianTimes(Matrix.zeros(0, 0), new Float64Array(0))).toHaveLength(0);
  expect(dot(Float64Array.of(1, 2, 3), Float64Array.of(4, -5, 6))).toBe(12);
});

test("a regular H: solutions, their residual, and √(b'H⁻¹b)", () => {
  const inverse = invertHessian(lower([[2], [1, 3]]));
  expect(inverse).toMatchObject({ method: "cholesky", rank: 2 });
  // H(1, −2)' = (0, −5)'
  const b = Float64Array.of(0, -5);
  const x = inverse.solve(b);
  expect(x[0]).toBeCloseTo(1, 15);
  expect(x[1]).toBeCloseTo(-2, 15);
  expect([...b]).toEqual([0, -5]);
  expect(inverse.dualLength(b)).toBeCloseTo(Math.sqrt(10), 14);
  expect(inverse.nullResidual(b)).toBe(0);
  // b − H(2, −2)' = (−2, −1)'
  expect(inverse.relativeResidual(Float64Array.of(2, -2), b)).toBeCloseTo(Math.sqrt(5) / 5, 14);
  expect(inverse.relativeResidual(new Float64Array(2), new Float64Array(2))).toBe(0);
  expect(inverse.relativeResidual(Float64Array.of(1, 1), new Float64Array(2))).toBe(0);
});

test("a singular H: the shortest solution, and what H cannot reach", () => {
  const inverse = invertHessian(lower([[1], [1, 1], [0, 0, 4]]));
  expect(inverse).toMatchObject({ method: "pseudo-inverse", rank: 2 });
  const b = Float64Array.of(2, 2, 8);
  [1, 1, 2].forEach((value, j) => expect(inverse.solve(b)[j]).toBeCloseTo(value, 13));
  expect(inverse.nullResidual(b)).toBeLessThan(1e-14);
  expect(inverse.dualLength(b)).toBeCloseTo(Math.sqrt(2 + 2 + 16), 13);
  // Along (1, −1, 0)/√2 there is nothing: half of (1, 0, 0)'s square.
  expect(inverse.nullResidual(Float64Array.of(3, 0, 0))).toBeCloseTo(Math.SQRT1_2, 13);
  expect(inverse.relativeResidual(Float64Array.of(1, 1, 2), Float64Array.of(2, 2, 5))).toBeCloseTo(
    3 / Math.sqrt(33),
    13,
  );
});

test("the refinement takes off what a factor of a scaled matrix rounds", () => {
  // Hilbert's matrix of 7 rows, of condition 5e8, and H(1, …, 1)'.
  const rows = Array.from({ length: 7 }, (_, i) => Array.from({ length: i + 1 }, (__, j) => 1 / (i + j + 1)));
  const inverse = invertHessian(lower(rows));
  expect(inverse.method).toBe("cholesky");
  const b = hessianTimes(lower(rows), new Float64Array(7).fill(1));
  expect(inverse.relativeResidual(inverse.solve(b), b)).toBeLessThan(3e-16);
});

test("small pivots alone do not make H singular: its equilibrated condition does", () => {
  const near = (gap: number) => invertHessian(lower([[1], [1 - gap, 1]])).method;
  expect([near(1e-3), near(1e-7), near(1e-12), near(1e-15)]).toEqual([
    "cholesky",
    "cholesky",
    "cholesky",
    "pseudo-inverse",
  ]);
  // Columns of very different lengths are no reason.
  expect(invertHessian(lower([[1e-20], [0, 1e20]])).method).toBe("cholesky");
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])(
  "an entry of %d is refused wherever it stands, above the diagonal not",
  async (bad) => {
    for (const [i, j] of [
      [0, 0],
      [1, 0],
      [2, 2],
    ]) {
      const rows = [[1], [0, 1], [0, 0, 1]];
      rows[i][j] = bad;
      const error = await refusal(() => invertHessian(lower(rows)));
      expect(error).toMatchObject({
        code: "numerical",
        message:
          "The Hessian has entries that are not finite: some columns are too large to be squared; standardise or rescale them.",
      });
    }
    expect(invertHessian(lower([[1], [0, 1], [0, 0, 1]])).rank).toBe(3);
  },
);

test("nothing to invert", () => {
  expect(invertHessian(Matrix.zeros(0, 0)).solve(new Float64Array(0))).toHaveLength(0);
});
