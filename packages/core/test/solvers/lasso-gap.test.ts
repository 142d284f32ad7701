/** The duality gap of a lasso away from its optimum, where slopes must be shrunk to be feasible. */
import { describe, expect, test } from "vitest";
import { lasso, linear, logistic, Matrix, matrixDataset } from "../../src/index.js";
import { lassoGap } from "../../src/solvers/lasso/gap.js";
import { objectiveOf, smoothPart } from "../../src/solvers/lasso/problem.js";
import { Random } from "../models/naive.js";

describe.each(["half-squared", "logistic"] as const)("%s, l1 = 0.05", (name) => {
  test.each([0, 0.1])("at no point is the objective further from its minimum than the gap, l2 = %d", async (l2) => {
    const random = new Random(7);
    const x = Array.from({ length: 60 }, () => Array.from({ length: 5 }, () => random.normal()));
    const score = (row: number[]): number => row[0] - 0.5 * row[1] + 0.3 * random.normal();
    const y = x.map((row) => (name === "logistic" ? Math.sign(score(row)) : score(row)));
    const data = matrixDataset(Matrix.fromRows(x), y);
    const description = name === "logistic" ? logistic({ intercept: false }) : linear({ loss: name, intercept: false });
    const { model, ridge, parameters } = await lasso(description, data, { l1: 0.05, l2 });
    const problem = { model, data, ridge, penalties: new Float64Array(5).fill(0.05) };
    const at = async (theta: Float64Array) => {
      const smooth = await smoothPart(problem, theta);
      const objective = objectiveOf(problem, smooth.loss, theta);
      return { objective, gap: await lassoGap(problem, { theta, smooth, objective, residual: 0, iterations: 0 }) };
    };
    const optimum = await at(parameters);
    expect(optimum.gap).toBeLessThan(1e-9 * optimum.objective);
    for (const share of [0, 0.5, 0.9, 1.1]) {
      const { objective, gap } = await at(parameters.map((value) => share * value));
      expect(gap).toBeGreaterThanOrEqual(objective - optimum.objective - 1e-12);
      expect(gap).toBeLessThan(100 * objective);
    }
  });
});
