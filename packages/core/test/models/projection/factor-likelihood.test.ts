/** The likelihood of a factor analysis against finite differences of its definition, and its maximum at a corner. */
import { expect, test } from "vitest";
import { factorAnalysis, Matrix, matrixDataset } from "../../../src/index.js";
import { type FactorLikelihood, likelihoodAt, newtonStep } from "../../../src/models/projection/factor-likelihood.js";
import { Random } from "../naive.js";

/** Two sums of common parts, one of them nearly a feature itself: the own variance of feature 0 falls towards 0. */
function cornered(rows: number, m: number): number[][] {
  const random = new Random(11);
  return Array.from({ length: rows }, () => {
    const [a, b, c] = [random.normal(), random.normal(), random.normal()];
    return Array.from({ length: m }, (_, j) =>
      j === 0 ? a + 0.02 * c : [0.4, 0.7, 0.3][j % 3] * a + [0.5, -0.3, 0.8][j % 3] * b + 0.6 * random.normal(),
    );
  });
}

function covarianceOf(x: readonly (readonly number[])[]): Matrix {
  const mean = x[0].map((_, j) => x.reduce((sum, row) => sum + row[j], 0) / x.length);
  return Matrix.fromRows(
    mean.map((_, j) =>
      mean.map((__, l) => x.reduce((sum, row) => sum + (row[j] - mean[j]) * (row[l] - mean[l]), 0) / x.length),
    ),
  );
}

const x = cornered(120, 8);
const covariance = covarianceOf(x);
const start = Float64Array.from({ length: 8 }, (_, j) => Math.log(covariance.data[9 * j]) - 0.1 * j);
const lowest = Float64Array.from({ length: 8 }, (_, j) => Math.log(1e-6 * covariance.data[9 * j]));
const shifted = (logs: Float64Array, j: number, by: number) => logs.map((value, l) => (l === j ? value + by : value));

/** Steps until one changes nothing that counts. */
function maximum(at: (logs: Float64Array) => FactorLikelihood): FactorLikelihood {
  let best = at(start);
  for (let count = 0; count < 200; count++) {
    const next = newtonStep(best, lowest, 1e-12, at);
    const moved = next.logs.some((value, j) => Math.abs(value - best.logs[j]) > 1e-10);
    best = next;
    if (!moved) break;
  }
  return best;
}

test.each([1, 2, 3])("slopes with %i factors are those of the deviance", (k) => {
  const { gradient } = likelihoodAt(covariance, start, k);
  gradient.forEach((slope, j) => {
    const [up, down] = [1e-5, -1e-5].map((by) => likelihoodAt(covariance, shifted(start, j, by), k).deviance);
    expect(slope).toBeCloseTo((up - down) / 2e-5, 7);
  });
});

test("a step from near the maximum squares the distance to it: second derivatives are right", () => {
  const at = (logs: Float64Array) => likelihoodAt(covariance, logs, 1);
  const best = maximum(at);
  const near = at(best.logs.map((value, j) => value + (value > lowest[j] ? 1e-5 * Math.cos(j) : 0)));
  const next = newtonStep(near, lowest, 1e-13, at);
  next.logs.forEach((value, j) => expect(Math.abs(value - best.logs[j])).toBeLessThan(1e-7));
});

test.each([1, 2, 3, 4])(
  "%i factors: a maximum at the least own variance is found, and nothing near it is better",
  async (k) => {
    const at = (logs: Float64Array) => likelihoodAt(covariance, logs, k);
    const best = maximum(at);
    const random = new Random(k);
    for (let trial = 0; trial < 200; trial++) {
      const size = 10 ** -(1 + (trial % 4));
      const logs = best.logs.map((value, j) => Math.max(lowest[j], value + size * random.normal()));
      expect(at(logs).deviance).toBeGreaterThanOrEqual(best.deviance - 1e-9);
    }
    const learned = await factorAnalysis(
      matrixDataset(
        Matrix.fromRows(x),
        x.map((_, i) => i % 3),
      ),
      k,
    );
    expect(learned.convergence?.change).toBeLessThanOrEqual(1e-8);
    expect(learned.convergence?.iterations).toBeLessThan(200);
  },
);
