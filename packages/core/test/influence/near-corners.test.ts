import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, fit, influence, linear, lp, Matrix, matrixDataset } from "../../src/index.js";
import { nearCorners } from "../../src/influence/near-corners.js";

beforeAll(() => ensureBlas());

const INF = Number.POSITIVE_INFINITY;

/** Orthogonal features of variance 1, coefficients given, and a covariance of θ̂ that is `variance` on the diagonal. */
async function setup(beta: readonly number[], p: number, variance: number, budgets?: readonly number[]) {
  const n = 64;
  const rows = Array.from({ length: n }, (_, i) => beta.map((_b, k) => ((i >> k) & 1 ? 1 : -1)));
  const y = rows.map((x, i) => x.reduce((sum, value, k) => sum + value * beta[k], 0) + ((i >> 5) & 1 ? 0.1 : -0.1));
  const fitted = await fit(linear(), matrixDataset(Matrix.fromRows(rows), y));
  const attack = await influence(fitted, lp(p, budgets ? { budgets } : {}));
  const covariance = Matrix.zeros(beta.length + 1, beta.length + 1);
  for (let j = 0; j <= beta.length; j++) covariance.data[j * (beta.length + 2)] = variance;
  return { attack, covariance };
}

describe("features near a corner", () => {
  test("p = ∞: within two standard errors of 0, if they can be attacked", async () => {
    const { attack, covariance } = await setup([1, 0.19, -0.21, 0.01], INF, 0.01, [1, 1, 1, 0]);
    expect(nearCorners(attack, covariance)).toEqual([1]);
  });

  test("p = 1: the two largest, within two standard errors of their difference", async () => {
    const near = await setup([1, 0.2, -0.8], 1, 0.01);
    expect(nearCorners(near.attack, near.covariance)).toEqual([0, 2]);
    // Errors that go together in size do not separate the two.
    near.covariance.data[1 * 4 + 3] = near.covariance.data[3 * 4 + 1] = -0.0099;
    expect(nearCorners(near.attack, near.covariance)).toEqual([]);
    const far = await setup([1, 0.2, -0.7], 1, 0.01);
    expect(nearCorners(far.attack, far.covariance)).toEqual([]);
    const weighed = await setup([1, 0.2, -0.7], 1, 0.01, [1, 1, 1.3]);
    expect(nearCorners(weighed.attack, weighed.covariance)).toEqual([0, 2]);
    // b₁|β₁| − b₃|β₃| = 2 − 1.6 has the variance 4v + 4v − 2·2·2·(−1)·cov: 0.4 is two of its errors at v = 0.005 and no covariance.
    const even = await setup([1, 0.2, -0.8], 1, 0.0051, [2, 1, 2]);
    const [at, mirrored] = [1 * 4 + 3, 3 * 4 + 1];
    expect(nearCorners(even.attack, even.covariance)).toEqual([0, 2]);
    for (const [covariance, near] of [
      [0.0003, true],
      [-0.00005, true],
      [-0.0003, false],
    ] as const) {
      even.covariance.data[at] = even.covariance.data[mirrored] = covariance;
      expect(nearCorners(even.attack, even.covariance)).toEqual(near ? [0, 2] : []);
    }
  });

  test("one feature alone has nobody to be tied with", async () => {
    const { attack, covariance } = await setup([1, 1, 0.5], 1, 0.01, [1, 0, 0]);
    expect(nearCorners(attack, covariance)).toEqual([]);
  });

  test("p = 2 has none", async () => {
    const { attack, covariance } = await setup([1, 0, 0.01], 2, 0.01);
    expect(nearCorners(attack, covariance)).toEqual([]);
  });
});
