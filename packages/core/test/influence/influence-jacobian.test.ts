/** D + T against differences of Φ and H at moved parameters, with rows that a box holds still. */
import { describe, expect, test } from "vitest";
import {
  fitAt,
  influence,
  linear,
  logistic,
  lp,
  Matrix,
  matrixDataset,
  quadratic,
  scoreShifts,
} from "../../src/index.js";
import { hessianTimes } from "../../src/solvers/inverse-hessian.js";
import { dot, Random, relativeError } from "../models/naive.js";
import { influenceJacobian } from "./jacobian.js";

describe("how −HI = Φ moves with θ at fixed I, in a box", () => {
  const random = new Random(11);
  const n = 40;
  // Every third entry lies at a bound.
  const X = random.rows(n, 3).map((row, i) => row.map((value, k) => ((i + k) % 3 === 0 ? 1 : Math.min(0.9, value))));
  const y = X.map((x) => (random.uniform() < 1 / (1 + Math.exp(-x[0] + x[1] - 0.4 * x[2])) ? 1 : -1));
  const data = matrixDataset(Matrix.fromRows(X), y);
  const bounds = { lower: [-10, -10, -10], upper: [1, 1, 1] };

  test.each([
    ["logistic", 2, logistic(), 4],
    ["logistic", 3, logistic(), 4],
    ["logistic", 1.5, logistic(), 4],
    ["quadratic", 2, quadratic({ loss: "logistic" }), 10],
  ] as const)("%s, p = %s", async (_, p, model, d) => {
    const threat = lp(p, { bounds, budgets: [1, 0.5, 2] });
    const theta = Float64Array.from({ length: d }, (__, j) => 0.3 + 0.5 * Math.sin(3 * j));
    const attackAt = async (at: Float64Array) => influence(await fitAt(model, data, at, { l2: 0.1 }), threat);
    const attack = await attackAt(theta);
    const jacobian = await influenceJacobian(attack, await scoreShifts(attack));
    const u = random.normals(d);
    const step = 1e-5;
    const balance = async (sign: number): Promise<Float64Array> => {
      const { fit, penaltyGradient } = await attackAt(theta.map((value, j) => value + sign * step * u[j]));
      return hessianTimes(fit.hessian, attack.influence).map((value, j) => value + penaltyGradient[j]);
    };
    const [high, low] = [await balance(1), await balance(-1)];
    const truth = high.map((value, j) => (value - low[j]) / (2 * step));
    const ours = Array.from({ length: d }, (__, j) => dot(jacobian.row(j), u));
    expect(relativeError(ours, truth)).toBeLessThan(1e-6);
  });
});

test.each([1, 2, 3])("a row that the fit meets exactly has no pull, and adds nothing: p = %d", async (p) => {
  const X = new Random(2).rows(7, 2);
  const theta = [0.5, 1, -0.5];
  const y = X.map((x, i) => dot([1, ...x], theta) + (i === 3 ? 0 : (i % 2) - 0.4));
  const known = { density: () => 0, corners: null };
  const at = async (rows: readonly number[], weights: readonly number[]) => {
    const data = matrixDataset(
      Matrix.fromRows(rows.map((i) => X[i])),
      rows.map((i) => y[i]),
      { weights: [...weights] },
    );
    const attack = await influence(await fitAt(linear(), data, theta), lp(p));
    // The other rows' weights are 1/7 with it, and 1/6 without.
    const scaled = { ...attack, scale: 1 };
    return influenceJacobian(scaled, await scoreShifts({ ...attack, influence: Float64Array.of(1, 2, 3) }), {}, known);
  };
  const all = [0, 1, 2, 3, 4, 5, 6];
  const [whole, without] = [
    await at(
      all,
      all.map(() => 1),
    ),
    await at(
      all.filter((i) => i !== 3),
      new Array(6).fill(1),
    ),
  ];
  expect(whole.data.every(Number.isFinite)).toBe(true);
  expect(
    relativeError(
      whole.data,
      without.data.map((value) => (6 / 7) * value),
    ),
  ).toBeLessThan(1e-12);
});
