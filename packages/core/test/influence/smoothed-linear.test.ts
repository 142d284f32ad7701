/** Noise on the inputs of a linear model: the closed form against the robust problem itself, and against MATH 6 for Gaussian rows. */
import { describe, expect, test } from "vitest";
import { fit, influence, linear, lp, Matrix, matrixDataset, smoothedLinear } from "../../src/index.js";
import { conjugate, numericalGradient, pNorm, Random, relativeError, solve } from "../models/naive.js";

const [N, M] = [24, 2];

function rows(seed: number) {
  const random = new Random(seed);
  const X = Array.from({ length: N }, () => Array.from({ length: M }, () => random.normal() + 0.3));
  const y = X.map(([a, b]) => 0.5 + a - 0.7 * b + random.normal());
  return { X, y, data: matrixDataset(Matrix.fromRows(X), y) };
}

/** E|r + τξ| by Simpson's rule on either side of the corner. */
function meanSize(r: number, tau: number): number {
  if (tau === 0) return Math.abs(r);
  const corner = Math.min(10, Math.max(-10, -r / tau));
  const part = (from: number, to: number): number => {
    const steps = 400;
    const h = (to - from) / steps;
    let sum = 0;
    for (let k = 0; k <= steps; k++) {
      const xi = from + k * h;
      const weight = k === 0 || k === steps ? 1 : k % 2 === 1 ? 4 : 2;
      sum += weight * Math.abs(r + tau * xi) * Math.exp(-0.5 * xi * xi);
    }
    return (sum * h) / (3 * Math.sqrt(2 * Math.PI));
  };
  return part(-10, corner) + part(corner, 10);
}

/** The zero of a differenced gradient by Newton's method. */
function minimiser(risk: (theta: ArrayLike<number>) => number, start: ArrayLike<number>): number[] {
  let theta = Array.from(start);
  const gradient = (at: number[]): number[] => numericalGradient((t) => risk(t), at, 1e-2);
  for (let step = 0; step < 12; step++) {
    const g = gradient(theta);
    const columns = theta.map((_, j) => {
      const [up, down] = [1e-3, -1e-3].map((t) => gradient(theta.map((value, a) => (a === j ? value + t : value))));
      return up.map((value, a) => (value - down[a]) / 2e-3);
    });
    const by = solve(
      g.map((_, a) => columns.map((column) => column[a])),
      g,
    );
    theta = theta.map((value, j) => value - by[j]);
    if (Math.max(...by.map(Math.abs)) < 1e-12) break;
  }
  return theta;
}

describe.each([
  { p: 2, budgets: [1, 1], l2: 0, loss: "squared" },
  { p: 3, budgets: [1, 0.5], l2: 0.1, loss: "half-squared" },
] as const)("p = $p, ridge $l2, $loss", ({ p, budgets, l2, loss }) => {
  test("an adversary that sees the draw: the slope of the true optima", async () => {
    const { X, y, data } = rows(3);
    const [s, sigma] = [loss === "squared" ? 1 : 0.5, 0.6];
    const found = await smoothedLinear(data, lp(p, { budgets }), { sigma, attack: "draw", loss, l2 });
    const risk =
      (rho: number) =>
      (theta: ArrayLike<number>): number => {
        const beta = [theta[1], theta[2]];
        const tau = sigma * Math.hypot(...beta);
        const size = pNorm(
          beta.map((value, k) => value * budgets[k]),
          conjugate(p),
        );
        // E(|r + τξ| + ρN)²
        const losses = X.map((x, i) => {
          const r = theta[0] + x[0] * beta[0] + x[1] * beta[1] - y[i];
          return s * (r * r + tau * tau + 2 * rho * size * meanSize(r, tau) + rho * rho * size * size);
        });
        return losses.reduce((sum, value) => sum + value, 0) / N + 0.5 * l2 * (beta[0] ** 2 + beta[1] ** 2);
      };
    const optimum = (epsilon: number): number[] => minimiser(risk(epsilon * found.scale), found.parameters);
    expect(relativeError(optimum(0), found.parameters)).toBeLessThan(1e-7);
    const slope = (h: number): number[] => optimum(h).map((value, j) => (value - found.parameters[j]) / h);
    const [b, c] = [slope(4e-3), slope(2e-3)];
    expect(
      relativeError(
        found.influence,
        c.map((value, j) => 2 * value - b[j]),
      ),
    ).toBeLessThan(1e-4);
    const growth = (risk(1e-5)(found.parameters) - risk(0)(found.parameters)) / 1e-5;
    expect(found.penalty / found.scale).toBeCloseTo(growth, 4);
    // The natural losses along θ̂ + εI, with noise and without.
    for (const [kind, noise] of [
      ["noisy", sigma],
      ["clean", 0],
    ] as const) {
      const natural = (epsilon: number): number => {
        const theta = found.parameters.map((value, j) => value + epsilon * found.influence[j]);
        const ridge = s * noise * noise * (theta[1] ** 2 + theta[2] ** 2);
        return (
          X.reduce((sum, x, i) => sum + s * (theta[0] + x[0] * theta[1] + x[1] * theta[2] - y[i]) ** 2, 0) / N + ridge
        );
      };
      const { naturalLoss, slope: first, curvature } = found[kind];
      expect(naturalLoss).toBeCloseTo(natural(0), 10);
      expect(natural(0.1) - natural(0)).toBeCloseTo(0.1 * first + 0.01 * curvature, 8);
      expect(natural(-0.2) - natural(0)).toBeCloseTo(-0.2 * first + 0.04 * curvature, 8);
    }
  });

  test("an attack on the mean loss is the attack on a ridge regression", async () => {
    const { data } = rows(4);
    const [s, sigma] = [loss === "squared" ? 1 : 0.5, 0.6];
    const found = await smoothedLinear(data, lp(p, { budgets }), { sigma, attack: "smoothed", loss, l2 });
    const ridge = await influence(
      await fit(linear({ loss }), data, { l2: l2 + 2 * s * sigma ** 2 }),
      lp(p, { budgets }),
    );
    expect(relativeError(found.influence, ridge.influence)).toBeLessThan(1e-12);
    expect(found.penalty).toBeCloseTo(ridge.penalty, 10);
  });

  test.each(["draw", "smoothed"] as const)("without noise nothing is changed: %s", async (attack) => {
    const { data } = rows(5);
    const plain = await influence(await fit(linear({ loss }), data, { l2 }), lp(p, { budgets }));
    for (const [sigma, digits] of [
      [0, 1e-12],
      [1e-6, 1e-4],
    ]) {
      const found = await smoothedLinear(data, lp(p, { budgets }), { sigma, attack, loss, l2 });
      expect(relativeError(found.influence, plain.influence)).toBeLessThan(digits);
    }
  });
});

describe("Gaussian rows, p = 2 (Theorem 5.4 as corrected)", () => {
  const random = new Random(9);
  const [n, m, B] = [60_000, 3, 1];
  const X = Array.from({ length: n }, () => Array.from({ length: m }, () => random.normal()));
  const beta = [0.6, -0.8, 0].map((value) => value * B);
  const target = (sd: number) =>
    matrixDataset(
      Matrix.fromRows(X),
      X.map((x) => x.reduce((sum, value, k) => sum + value * beta[k], 0) + sd * random.normal()),
    );

  test.each(["draw", "smoothed"] as const)("%s: the shift, and both evaluations", async (attack) => {
    const [sd, sigma] = [1, 0.5];
    const found = await smoothedLinear(target(sd), lp(2), { sigma, attack, intercept: false });
    const [T, a] = [1 + sigma ** 2, 1 / (1 + sigma ** 2)];
    const variance = attack === "draw" ? sd ** 2 + (B ** 2 * sigma ** 2) / T : sd ** 2 + (1 - a) ** 2 * B ** 2;
    const root = Math.sqrt(variance);
    const c = found.scale;
    const along =
      attack === "draw"
        ? (-c * Math.sqrt((2 * variance) / Math.PI)) / T
        : (-c / T) * Math.sqrt(2 / Math.PI) * (root - (a * (1 - a) * B ** 2) / root);
    expect(found.influence.reduce((sum, value, k) => sum + (value * beta[k]) / B, 0) / along).toBeCloseTo(1, 1.5);
    expect(found.noisy.curvature / (T * along ** 2)).toBeCloseTo(1, 1.3);
    expect(found.noisy.slope).toBeCloseTo(0, 8);
    expect(found.clean.slope / (2 * (a - 1) * B * along)).toBeCloseTo(1, 1.3);
    expect(found.clean.curvature / along ** 2).toBeCloseTo(1, 1.3);
  });

  test("S is not monotone in σ for a signal-to-noise ratio of 10", async () => {
    const data = target(Math.sqrt(0.1));
    const S = async (sigma: number): Promise<number> =>
      (await smoothedLinear(data, lp(2), { sigma, attack: "draw", intercept: false })).noisy.curvature;
    const plain = await S(0);
    const expected = { 0.25: 1.5, 0.5: 2.4, 1: 3.0, 1.5: 2.4, 2: 1.8, 3: 1.0, 5: 0.41 };
    for (const [sigma, ratio] of Object.entries(expected)) {
      expect((await S(Number(sigma))) / plain / ratio).toBeGreaterThan(0.93);
      expect((await S(Number(sigma))) / plain / ratio).toBeLessThan(1.07);
    }
  });
});

test("a σ below 0, and a box, are refused", async () => {
  const { data } = rows(3);
  await expect(smoothedLinear(data, lp(2), { sigma: -1, attack: "draw" })).rejects.toThrow("σ must be a number ≥ 0");
  const box = lp(2, { bounds: { lower: [-9, -9], upper: [9, 9] } });
  await expect(smoothedLinear(data, box, { sigma: 1, attack: "draw" })).rejects.toThrow("leave the bounds out");
});

test.each([
  ["squared", 1, "draw"],
  ["half-squared", 0.5, "draw"],
  ["squared", 1, "smoothed"],
] as const)(
  "%s, s = %d, attack on the %s: losses with and without noise, and Φ as the gradient of the growth",
  async (loss, s, attack) => {
    const { X, y, data } = rows(5);
    const sigma = 0.7;
    const found = await smoothedLinear(data, lp(2), { sigma, attack, loss });
    const residuals = (theta: ArrayLike<number>): number[] =>
      X.map((x, i) => theta[0] + x[0] * theta[1] + x[1] * theta[2] - y[i]);
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / N;
    const spread = (theta: ArrayLike<number>): number => sigma * Math.hypot(theta[1], theta[2]);
    const squares = mean(residuals(found.parameters).map((r) => r * r));
    expect(found.clean.naturalLoss).toBeCloseTo(s * squares, 10);
    expect(found.noisy.naturalLoss).toBeCloseTo(s * (squares + spread(found.parameters) ** 2), 10);
    const growth = (theta: ArrayLike<number>): number => {
      const tau = attack === "draw" ? spread(theta) : 0;
      return 2 * s * found.scale * Math.hypot(theta[1], theta[2]) * mean(residuals(theta).map((r) => meanSize(r, tau)));
    };
    expect(found.penalty / growth(found.parameters)).toBeCloseTo(1, 6);
    expect(relativeError(found.penaltyGradient, numericalGradient(growth, found.parameters))).toBeLessThan(1e-5);
  },
);
