import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, type Fit, fit, linear, logistic, Matrix, matrixDataset } from "../../src/index.js";
import { estimationLoss as lossOf, parameterCovariance, rowsShare } from "../../src/influence/estimation-loss.js";
import { independentRows, type Sampling } from "../../src/influence/sampling.js";
import { randomStream } from "../../src/stats/random.js";
import { drawsOf } from "../long.js";

beforeAll(() => ensureBlas());

const estimationLoss = async (fitted: Fit, sampling: Sampling): Promise<number> =>
  lossOf(fitted, await parameterCovariance(fitted, sampling));

function gaussian(seed: number, n: number, m: number) {
  const random = randomStream(seed);
  const x = Matrix.zeros(n, m);
  for (let at = 0; at < x.data.length; at++) x.data[at] = random.normal();
  const y = Float64Array.from({ length: n }, (_, i) => x.row(i)[0] - 0.5 * x.row(i)[1] + random.normal());
  return { x, y };
}

describe("the loss that a fit has above the best parameters", () => {
  test("is on average what fits on new samples lose in the population (squared loss: ‖θ̂ − θ‖²)", async () => {
    const [n, m] = [200, 5];
    let [lost, predicted] = [0, 0];
    const repetitions = drawsOf(200, 2000);
    for (let seed = 0; seed < repetitions; seed++) {
      const { x, y } = gaussian(seed, n, m);
      const fitted = await fit(linear({ intercept: false }), matrixDataset(x, y));
      const [a, b, ...rest] = fitted.parameters;
      lost += (a - 1) ** 2 + (b + 0.5) ** 2 + rest.reduce((sum, value) => sum + value * value, 0);
      predicted += await estimationLoss(fitted, independentRows(n));
    }
    expect(predicted / lost).toBeGreaterThan(0.8);
    expect(predicted / lost).toBeLessThan(1.15);
  });

  test("is, with a ridge and clusters, ½tr(H_L H⁻¹MH⁻¹) summed by hand", async () => {
    const { x, y } = gaussian(3, 60, 2);
    const labels = y.map((value) => (value > 0 ? 1 : -1));
    const fitted = await fit(logistic(), matrixDataset(x, labels), { l2: 0.3 });
    const clusters = Int32Array.from({ length: 60 }, (_, i) => Math.floor(i / 4));
    const sums = Array.from({ length: 15 }, () => [0, 0, 0]);
    const H = [0, 0.3, 0.3].map((P, j) => [0, 1, 2].map((k) => (j === k ? P : 0)));
    const natural = [0, 1, 2].map(() => [0, 0, 0]);
    for (let i = 0; i < 60; i++) {
      const v = [1, ...x.row(i)];
      const f = v.reduce((sum, value, j) => sum + value * fitted.parameters[j], 0);
      const s = 1 / (1 + Math.exp(labels[i] * f));
      for (let j = 0; j < 3; j++) {
        sums[clusters[i]][j] += (-labels[i] * s * v[j] + (j > 0 ? 0.3 * fitted.parameters[j] : 0)) / 60;
        for (let k = 0; k < 3; k++) {
          H[j][k] += (s * (1 - s) * v[j] * v[k]) / 60;
          natural[j][k] += (s * (1 - s) * v[j] * v[k]) / 60;
        }
      }
    }
    // ½ Σ_c (H⁻¹u_c)'H_L(H⁻¹u_c)·G/(G−1), H⁻¹u by Cramer's rule.
    const det = (a: number[][]) =>
      a[0][0] * (a[1][1] * a[2][2] - a[1][2] * a[2][1]) -
      a[0][1] * (a[1][0] * a[2][2] - a[1][2] * a[2][0]) +
      a[0][2] * (a[1][0] * a[2][1] - a[1][1] * a[2][0]);
    const solve = (u: number[]) =>
      u.map((_, k) => det(H.map((row, j) => row.map((value, c) => (c === k ? u[j] : value)))) / det(H));
    let expected = 0;
    for (const u of sums) {
      const s = solve(u);
      for (let j = 0; j < 3; j++) for (let k = 0; k < 3; k++) expected += (0.5 * s[j] * natural[j][k] * s[k] * 15) / 14;
    }
    expect(await estimationLoss(fitted, { ...independentRows(60), clusters })).toBeCloseTo(expected, 12);
    const alone = await estimationLoss(fitted, independentRows(60));
    const single = await estimationLoss(fitted, {
      ...independentRows(60),
      clusters: Int32Array.from({ length: 60 }, (_, i) => i),
    });
    expect(single).toBeCloseTo((alone * 60) / 59, 14);
  });

  test("as a share of the rows: T/(T + C), nothing where nothing is lost", () => {
    expect(rowsShare(1, 3)).toBe(0.25);
    expect(rowsShare(1, -3)).toBeNull();
  });
});
