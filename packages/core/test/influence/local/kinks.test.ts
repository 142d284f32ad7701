/** Rows at corners, rows in many blocks, and the units that flip. */
import { expect, test } from "vitest";
import { halfSquaredLoss, matmul, mul } from "../../../src/autodiff/index.js";
import { fit, influence, logistic, lp, Matrix, matrixDataset } from "../../../src/index.js";
import { rowContributions } from "../../../src/influence/contributions.js";
import { localRowContributions } from "../../../src/influence/local/contributions.js";
import { localInfluence } from "../../../src/influence/local/influence.js";
import { pointAt } from "../../../src/influence/local/point.js";
import { flippedShare } from "../../../src/influence/local/validity.js";
import { modelOf } from "../../../src/models/autodiff-model.js";
import { perceptron } from "../../../src/models/perceptron.js";
import { reluPattern } from "../../../src/models/relu-pattern.js";
import { wasserstein } from "../../../src/threats/wasserstein.js";
import { dot, Random, relativeError } from "../../models/naive.js";
import { userLoss } from "./user-losses.js";

const INF = Number.POSITIVE_INFINITY;

/** f = β'(x∘x): its input gradients 2r(β∘x) are 0 where x is, and tied where x is. */
const squares = modelOf({
  parameters: { beta: { rows: 3, columns: 1 } },
  losses: ({ beta }, x, y) => halfSquaredLoss(matmul(mul(x, x), beta), y),
});

test("corners are counted by row; a column that is 0 throughout is none", async () => {
  const rows = [
    [1, 2, 0], // tied by |βx| = (2, 2, 0)
    [0, 1, 0], // a 0
    [1, 1, 0],
    [3, 3, 0], // residual 0
    [2, 4 * (1 + 1e-12), 0], // tied but for rounding
    [1e-12, 1, 0], // a 0 but for rounding
  ];
  const theta = [2, 1, 5];
  const scoreOf = (row: readonly number[]): number => row.reduce((sum, x, k) => sum + theta[k] * x * x, 0);
  const y = rows.map((row, i) => scoreOf(row) - (i === 3 ? 0 : 1));
  const data = matrixDataset(Matrix.fromRows(rows), y);
  const point = await pointAt(squares, data, theta);
  const counts = async (description: Parameters<typeof localInfluence>[1]) =>
    (await localInfluence(point, description, { damping: 1 })).kinks;
  expect(await counts(lp(2))).toEqual({ zeroGradients: 1, zeroCoordinates: 0, ties: 0, tiedRows: 0 });
  expect(await counts(lp(INF))).toEqual({ zeroGradients: 1, zeroCoordinates: 2, ties: 0, tiedRows: 0 });
  expect(await counts(lp(INF, { budgets: [0, 1, 1] }))).toEqual({
    zeroGradients: 1,
    zeroCoordinates: 0,
    ties: 0,
    tiedRows: 0,
  });
  expect(await counts(lp(1))).toEqual({ zeroGradients: 1, zeroCoordinates: 0, ties: 2, tiedRows: 0 });
  expect(await counts(lp(1, { budgets: [1, 2, 1] }))).toMatchObject({ ties: 1 });
  // Rows that share a budget: the row without gain stays, and two rows are tied for the largest gain.
  const twice = matrixDataset(Matrix.fromRows([...rows, rows[4]]), [...y, y[4]]);
  const shared = await localInfluence(await pointAt(squares, twice, theta), wasserstein(1, lp(2)), { damping: 1 });
  expect(shared.kinks).toEqual({ zeroGradients: 0, zeroCoordinates: 0, ties: 0, tiedRows: 2 });
});

test("rows in several blocks: the same as the closed form", async () => {
  const random = new Random(8);
  const rows = random.rows(2600, 3);
  const y = rows.map(([a]) => (a + random.normal() > 0 ? 1 : -1));
  const data = matrixDataset(Matrix.fromRows(rows), y, { weights: rows.map(() => random.uniform()) });
  const fitted = await fit(logistic(), data, { l2: 0.01 });
  const point = await pointAt(userLoss("logistic", 3, true), data, fitted.parameters, { l2: 0.01 });
  for (const description of [lp(3), wasserstein(2, lp(2))]) {
    const wanted = await influence(fitted, description);
    const found = await localInfluence(point, description);
    expect(relativeError(found.influence, wanted.influence)).toBeLessThan(1e-11);
    expect(relativeError(found.rowScales, wanted.rowScales)).toBeLessThan(1e-14);
    const shares = await localRowContributions(found, point.parameters);
    expect(relativeError(shares, await rowContributions(wanted, point.parameters))).toBeLessThan(1e-11);
    expect(Math.abs(shares.reduce((sum, s) => sum + s, 0) / dot(point.parameters, found.influence) - 1)).toBeLessThan(
      1e-10,
    );
  }
});

test("the units of a ReLU network that flip", async () => {
  const random = new Random(3);
  const hidden = [5, 4];
  const rows = random.rows(30, 2);
  const weights = rows.map(() => random.uniform());
  const data = matrixDataset(
    Matrix.fromRows(rows),
    rows.map(() => random.normal()),
    { weights },
  );
  const model = perceptron({ inputs: 2, hidden, activation: "relu", loss: "half-squared" });
  const theta = Float64Array.from(random.normals(model.parameterNames.length));
  const attack = await localInfluence(await pointAt(model, data, theta), lp(2), { damping: 20 });
  /** By the names of the parameters, unit by unit. */
  const pattern = (at: Float64Array, row: readonly number[]): boolean[] => {
    const value = (name: string): number => at[model.parameterNames.indexOf(name)];
    const on: boolean[] = [];
    let h = [...row];
    hidden.forEach((width, k) => {
      h = Array.from({ length: width }, (_, u) => {
        const sum = h.reduce((total, x, j) => total + x * value(`layer${k + 1}.weight[${u},${j}]`), 0);
        return sum + value(`layer${k + 1}.bias[${u}]`);
      });
      on.push(...h.map((unit) => unit > 0));
      h = h.map((unit) => Math.max(0, unit));
    });
    return on;
  };
  for (const epsilon of [0, 1, 30]) {
    const moved = theta.map((value, j) => value + epsilon * attack.influence[j]);
    let wanted = 0;
    rows.forEach((row, i) => {
      const after = pattern(moved, row);
      wanted += (data.weights[i] * pattern(theta, row).filter((on, u) => on !== after[u]).length) / 9;
    });
    const found = await flippedShare(attack, reluPattern({ inputs: 2, hidden }), epsilon);
    expect(Math.abs(found - wanted)).toBeLessThan(1e-14);
    if (epsilon === 30) expect(found).toBeGreaterThan(0.02);
  }
  expect(() => reluPattern({ inputs: 2, hidden }).activations(theta.slice(0, 10), Matrix.zeros(1, 2))).toThrow(
    /39 parameters/,
  );
});
