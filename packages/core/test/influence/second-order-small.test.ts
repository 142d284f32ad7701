/** Second orders on a few rows, by differences. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  ensureBlas,
  fit,
  fitAt,
  influence,
  logistic,
  lp,
  Matrix,
  matrixDataset,
  scoreShifts,
} from "../../src/index.js";
import { secondOrder } from "../../src/influence/second-order.js";
import { bentChange, objectiveChange } from "../../src/influence/second-order-change.js";
import { normHessianTimes } from "../../src/influence/second-order-norm.js";
import { dot, lossOf, numericalGradient, pNorm, relativeError } from "../models/naive.js";
import { Cut } from "./cut.js";
import { randomCase } from "./problems.js";

beforeAll(() => ensureBlas());

const INF = Number.POSITIVE_INFINITY;

describe("second orders", () => {
  test("rows whose slope underflows to 0 add nothing", async () => {
    const made = randomCase("logistic", 3, { n: 10, m: 2 });
    const X = [...made.problem.X.map((x) => [...x]), [900, 0]];
    const y = [...made.problem.y, 1];
    const at = await fitAt(logistic(), matrixDataset(Matrix.fromRows(X), y), [0.1, 1, -0.5], { l2: 0.1 });
    const attack = await influence(at, lp(2));
    const { response } = await secondOrder(attack, await scoreShifts(attack));
    expect(response?.every(Number.isFinite)).toBe(true);
  });

  test("∇²N u by differences, coordinates held still or without budget left out", () => {
    const budgets = Float64Array.of(1, 0.5, 0, 2);
    for (const p of [1.5, 2, 3]) {
      const q = p / (p - 1);
      const g = [0.7, -1.2, 5, 0.4];
      const u = [0.3, 0.2, 1, -0.6];
      const N = (at: readonly number[]): number =>
        pNorm(
          at.map((value, k) => value * budgets[k]),
          q,
        );
      const phi = numericalGradient(N, g);
      const truth = numericalGradient((at) => dot(numericalGradient(N, at), u), g);
      const point = { gamma: Matrix.fromRows([g]), base: Matrix.fromRows([phi]), norms: Float64Array.of(0, N(g)) };
      const found = normHessianTimes(Matrix.fromRows([u]), point, { p, budgets, bounds: null });
      expect(relativeError(found?.product.data ?? [], truth)).toBeLessThan(1e-5);
      expect(found?.infinite).toBe(0);
      // Three rows: one without gain, one with a coordinate that a box holds still.
      const rows = normHessianTimes(
        Matrix.fromRows([u, u, u]),
        {
          gamma: Matrix.fromRows([g, g, g]),
          base: Matrix.fromRows([phi, phi, [0, ...phi.slice(1)]]),
          norms: Float64Array.of(N(g), 0, N(g)),
        },
        { p, budgets, bounds: { lower: budgets, upper: budgets } },
      );
      expect(relativeError(rows?.product.row(0) ?? [], truth)).toBeLessThan(1e-5);
      expect([...(rows?.product.row(1) ?? [])]).toEqual([0, 0, 0, 0]);
      expect(rows?.product.row(2)[0]).toBe(0);
    }
    const settings = { budgets: Float64Array.of(1, 1), bounds: null };
    const corner = { gamma: Matrix.fromRows([[0, 2]]), base: Matrix.fromRows([[0, 1]]), norms: Float64Array.of(2) };
    const moves = Matrix.fromRows([[1, 0]]);
    expect(normHessianTimes(moves, corner, { ...settings, p: 3 })?.infinite).toBe(1);
    expect(normHessianTimes(Matrix.fromRows([[0, 1]]), corner, { ...settings, p: 3 })?.infinite).toBe(0);
    expect(normHessianTimes(moves, corner, { ...settings, p: 1.5 })?.infinite).toBe(0);
    // A coordinate without budget is none at all, wherever it lies and moves.
    const frozen = { ...settings, budgets: Float64Array.of(0, 1) };
    for (const p of [1.5, 3]) {
      const { product, infinite } = normHessianTimes(moves, corner, { ...frozen, p }) ?? {};
      expect([...(product?.data ?? []), infinite]).toEqual([0, 0, 0]);
    }
    for (const p of [1, INF]) expect(normHessianTimes(moves, corner, { ...settings, p })).toBeNull();
  });

  test("changes along a bent path, by the definition", async () => {
    const made = randomCase("poisson", 3, { n: 12, m: 2, weighted: true, l2: 0.1 });
    const own = await fit(made.describe, new Cut(made.data, 5), { l2: 0.1 });
    const attack = await influence(own, lp(2));
    const shifts = await scoreShifts(attack);
    const J = Float64Array.of(0.3, -0.2, 0.5);
    const change = await bentChange(attack, shifts, J);
    const lossAt = (theta: readonly number[]): number =>
      made.problem.X.reduce(
        (sum, x, i) => sum + made.problem.w[i] * lossOf("poisson", dot([1, ...x], theta), made.problem.y[i])[0],
        0,
      );
    const path = (epsilon: number): number[] =>
      Array.from(own.parameters, (value, j) => value + epsilon * attack.influence[j] + 0.5 * epsilon ** 2 * J[j]);
    for (const epsilon of [0.1, 0.4]) expect(change(epsilon)).toBeCloseTo(lossAt(path(epsilon)) - lossAt(path(0)), 11);
    const { first, second, third } = objectiveChange(attack, shifts, J);
    const objective = (epsilon: number): number =>
      lossAt(path(epsilon)) + 0.05 * (path(epsilon)[1] ** 2 + path(epsilon)[2] ** 2);
    const h = 1e-2;
    const odd = (objective(2 * h) - 2 * objective(h) + 2 * objective(-h) - objective(-2 * h)) / (2 * h ** 3);
    expect(first).toBe(0);
    expect(second / ((objective(h) - 2 * objective(0) + objective(-h)) / (2 * h * h))).toBeCloseTo(1, 3);
    expect((third ?? 0) / (odd / 6)).toBeCloseTo(1, 2);
  });
});
