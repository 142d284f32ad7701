/** δ itself: within the ball, and worth the loss that the attack states. */
import { describe, expect, test } from "vitest";
import {
  fit,
  linear,
  logistic,
  lp,
  Matrix,
  matrixDataset,
  norm,
  quadratic,
  worstPerturbations,
} from "../../src/index.js";
import { dot, Random } from "../models/naive.js";

const classifier = logistic();
const INF = Number.POSITIVE_INFINITY;

describe("worst perturbations of given rows", () => {
  const random = new Random(3);
  const X = random.rows(50, 3);
  const budgets = [1, 0, 2];

  test.each([
    [1, linear()],
    [2, linear()],
    [INF, linear()],
    [1.5, classifier],
    [INF, classifier],
    [2, quadratic()],
    [INF, quadratic()],
  ] as const)("p = %s", async (p, model) => {
    const scores = X.map((x) => x[0] - x[2] + random.normal());
    const y = model === classifier ? scores.map((score) => (score > 0 ? 1 : -1)) : scores;
    const data = matrixDataset(Matrix.fromRows(X), y);
    const f = await fit(model, data, { l2: 0.1 });
    const threat = lp(p, { budgets })(3);
    const radius = 0.3;
    const { perturbations, losses } = await worstPerturbations(f, f.parameters, threat, data, radius);
    X.forEach((x, i) => {
      const delta = perturbations.row(i);
      expect(delta[1]).toBe(0);
      expect(norm(Float64Array.of(delta[0], delta[2] / 2), p)).toBeLessThanOrEqual(radius * (1 + 1e-12));
      const moved = Matrix.fromRows([x.map((value, k) => value + delta[k])]);
      const score = dot(f.model.map.features(moved).row(0), f.parameters);
      expect(f.model.loss.value(score, y[i])).toBeCloseTo(losses[i], 10);
    });
  });
});
