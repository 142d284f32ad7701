import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, Matrix } from "../../src/index.js";
import { CorrectedSteps } from "../../src/solvers/corrected-steps.js";
import { invertHessian } from "../../src/solvers/inverse-hessian.js";
import { pairsOf, quasiNewton } from "../../src/solvers/secant-pairs.js";
import { dot } from "../models/naive.js";

beforeAll(() => ensureBlas());

const A = [
  [4, 1, 0],
  [1, 3, 0.5],
  [0, 0.5, 2],
];
const times = (x: ArrayLike<number>): Float64Array => Float64Array.from(A, (row) => dot(row, x));

describe("pairs of steps and changes of the gradient", () => {
  test("the inverse Hessian that they imply takes the last change to its step, whatever comes first", () => {
    const steps = [Float64Array.of(1, 0.3, -0.2), Float64Array.of(-0.1, 0.4, 0.2)];
    const pairs = steps.flatMap((step) => pairsOf(step, times(step)));
    expect(pairs.length).toBe(2);
    for (const scale of [1, 7]) {
      const found = quasiNewton(pairs[1].change, pairs, (vector) => vector.map((v, j) => scale * v * (j + 1)));
      found.forEach((value, j) => expect(value).toBeCloseTo(-steps[1][j], 13));
    }
    expect([...quasiNewton(Float64Array.of(1, 2, 3), [], (vector) => vector)]).toEqual([-1, -2, -3]);
  });

  test("none where the function does not curve upwards", () => {
    expect(pairsOf(Float64Array.of(1, 0), Float64Array.of(-1, 0))).toEqual([]);
    expect(pairsOf(Float64Array.of(1, 0), Float64Array.of(0, 1))).toEqual([]);
  });
});

describe("corrected steps", () => {
  // ∇f = Ax − b + x³/2, far enough from quadratic.
  const b = [1, -2, 0.7];
  const gradientAt = (x: Float64Array): Float64Array => times(x).map((value, j) => value - b[j] + 0.5 * x[j] ** 3);
  /** Two columns, of which the second is moved; returns the lengths of the steps. */
  const walk = (quadratic: boolean, steps: number): { x: Float64Array; lengths: number[] } => {
    const corrected = new CorrectedSteps(invertHessian(Matrix.fromRows(A)), quadratic);
    const theta = Matrix.zeros(3, 2);
    const lengths = Array.from({ length: steps }, () => {
      const gradients = Matrix.zeros(3, 2);
      gradientAt(theta.column(1)).forEach((value, j) => (gradients.data[2 * j + 1] = value));
      return corrected.move(theta, gradients, 1);
    });
    expect([...theta.column(0)]).toEqual([0, 0, 0]);
    return { x: theta.column(1), lengths };
  };

  test("lead to the minimum, faster than the same Hessian every time", () => {
    const { x, lengths } = walk(false, 12);
    expect(Math.hypot(...gradientAt(x))).toBeLessThan(1e-13);
    // By the fixed Hessian alone.
    const { x: fixed } = walk(true, 7);
    const { x: seventh } = walk(false, 7);
    expect(Math.hypot(...gradientAt(seventh))).toBeLessThan(0.1 * Math.hypot(...gradientAt(fixed)));
    // The first step is Newton's: −A⁻¹∇, of length √(∇'A⁻¹∇).
    const first = invertHessian(Matrix.fromRows(A)).solve(gradientAt(new Float64Array(3)));
    walk(false, 1).x.forEach((value, j) => expect(value).toBeCloseTo(-first[j], 14));
    expect(lengths[0]).toBeCloseTo(Math.sqrt(dot(first, gradientAt(new Float64Array(3)))), 13);
  });
});
