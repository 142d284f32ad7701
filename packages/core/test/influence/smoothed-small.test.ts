/** A linear model fitted to noisy rows, by sums over a grid of the noise. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, lp, Matrix, matrixDataset } from "../../src/index.js";
import { smoothedLinear } from "../../src/influence/smoothed-linear.js";
import { dot, numericalGradient, pNorm, Random, relativeError, solve } from "../models/naive.js";
import { Cut } from "./cut.js";

beforeAll(() => ensureBlas());

const INF = Number.POSITIVE_INFINITY;

describe("fits to noisy rows", () => {
  const random = new Random(8);
  const X = random.rows(9, 2);
  const y = X.map((x) => 0.5 + x[0] - 0.4 * x[1] + random.normal());
  const raw = X.map(() => 0.5 + random.uniform());
  const total = raw.reduce((sum, value) => sum + value, 0);
  const w = raw.map((value) => value / total);
  const data = new Cut(matrixDataset(Matrix.fromRows(X), y, { weights: raw }), 4);

  /** E|r + τξ| by a sum over a fine grid. */
  const folded = (r: number, tau: number): number => {
    if (tau === 0) return Math.abs(r);
    let sum = 0;
    const h = 0.01;
    for (let t = -8; t <= 8; t += h) sum += h * Math.abs(r + tau * t) * Math.exp(-0.5 * t * t);
    return sum / Math.sqrt(2 * Math.PI);
  };

  test.each([
    { loss: "squared", attack: "draw", intercept: true, l2: 0.1, p: 2, budgets: [1, 0.5], sigma: 0.6 },
    { loss: "half-squared", attack: "draw", intercept: false, l2: 0, p: 3, budgets: [1, 1], sigma: 0.3 },
    { loss: "half-squared", attack: "smoothed", intercept: true, l2: 0.2, p: 1.5, budgets: [2, 1], sigma: 0.5 },
    { loss: "squared", attack: "draw", intercept: true, l2: 0, p: 2, budgets: [1, 1], sigma: 0 },
  ] as const)("%o: Φ is the slope of A, and the losses are those along I", async (options) => {
    const { loss, attack, intercept, l2, p, budgets, sigma } = options;
    const s = loss === "squared" ? 1 : 0.5;
    const first = intercept ? 1 : 0;
    const found = await smoothedLinear(data, lp(p, { budgets: [...budgets] }), { ...options });
    const v = X.map((x) => (intercept ? [1, ...x] : [...x]));
    const beta = (theta: readonly number[]) => theta.slice(first);
    const loss_ = (theta: readonly number[], tau2: number): number =>
      v.reduce((sum, row, i) => sum + w[i] * s * (dot(row, theta) - y[i]) ** 2, 0) +
      s * tau2 * dot(beta(theta), beta(theta));
    const ridge = 0.5 * l2;
    const objective = (theta: readonly number[]): number =>
      loss_(theta, sigma ** 2) + ridge * dot(beta(theta), beta(theta));
    const theta = [...found.parameters];
    expect(Math.max(...numericalGradient(objective, theta).map(Math.abs))).toBeLessThan(1e-8);
    const q = p / (p - 1);
    const c = X.reduce(
      (sum, x, i) =>
        sum +
        w[i] *
          pNorm(
            x.map((value, k) => value / budgets[k]),
            p,
          ),
      0,
    );
    expect(found.scale).toBeCloseTo(c, 12);
    const growth = (at: readonly number[]): number => {
      const N = pNorm(
        beta(at).map((value, k) => value * budgets[k]),
        q,
      );
      const tau = attack === "draw" ? sigma * Math.hypot(...beta(at)) : 0;
      return 2 * s * c * N * v.reduce((sum, row, i) => sum + w[i] * folded(dot(row, at) - y[i], tau), 0);
    };
    expect(found.penalty / growth(theta)).toBeCloseTo(1, 5);
    expect(relativeError(found.penaltyGradient, numericalGradient(growth, theta, 1e-2))).toBeLessThan(2e-3);
    const d = theta.length;
    const H = Array.from({ length: d }, (_, j) =>
      Array.from({ length: d }, (__, k) => {
        const rows = v.reduce((sum, row, i) => sum + 2 * s * w[i] * row[j] * row[k], 0);
        return rows + (j === k && j >= first ? 2 * s * sigma ** 2 + l2 : 0);
      }),
    );
    const I = solve(H, [...found.penaltyGradient]).map((value) => -value);
    expect(relativeError(found.influence, I)).toBeLessThan(1e-10);
    for (const [tau2, part] of [
      [sigma ** 2, found.noisy],
      [0, found.clean],
    ] as const) {
      expect(part.naturalLoss).toBeCloseTo(loss_(theta, tau2), 10);
      for (const epsilon of [0.3, -0.7]) {
        const moved = theta.map((value, j) => value + epsilon * I[j]);
        const change = loss_(moved, tau2) - loss_(theta, tau2);
        expect(part.slope * epsilon + part.curvature * epsilon ** 2).toBeCloseTo(change, 9);
      }
    }
    const scaled = await smoothedLinear(data, lp(p, { budgets: [...budgets] }), { ...options, scale: 3 });
    expect(scaled.scale).toBe(3);
    expect(
      relativeError(
        scaled.influence,
        found.influence.map((value) => (3 / c) * value),
      ),
    ).toBeLessThan(1e-10);
  });

  test("σ must be a number from 0, without a box", async () => {
    for (const sigma of [-0.1, INF, Number.NaN])
      await expect(smoothedLinear(data, lp(2), { sigma, attack: "draw" })).rejects.toThrow(
        `The noise σ must be a number ≥ 0, got ${sigma}.`,
      );
    const bounds = { lower: [-9, -9], upper: [9, 9] };
    await expect(smoothedLinear(data, lp(2, { bounds }), { sigma: 0.1, attack: "draw" })).rejects.toThrow(
      "Noise takes rows out of any bounds: leave the bounds out.",
    );
  });
});
