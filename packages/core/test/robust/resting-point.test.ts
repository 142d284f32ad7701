/** Squared losses of targets with little or no noise: the optimum against a certificate computed from the definition alone. */
import { describe, expect, test } from "vitest";
import { fit, linear, lp, Matrix, matrixDataset, robustOptimum, robustPath } from "../../src/index.js";
import { conjugate, pNorm, Random } from "../models/naive.js";

const INF = Number.POSITIVE_INFINITY;

function drawn(noise: number, coefficients: readonly number[], rows = 120, seed = 7) {
  const random = new Random(seed);
  const X = Array.from({ length: rows }, () => coefficients.map(() => random.normal()));
  const y = X.map((x) => 1 + x.reduce((sum, value, k) => sum + value * coefficients[k], 0) + noise * random.normal());
  return { X, y, data: matrixDataset(Matrix.fromRows(X), y) };
}

/** Σ (|r| + ρN)²/n, from one θ to another: as differences, so that little is rounded. */
function robustRise(X: number[][], y: number[], p: number, rho: number, from: number[], to: number[]): number {
  const size = (theta: number[]): number => rho * pNorm(theta.slice(1), conjugate(p));
  const [R, S] = [size(from), size(to)];
  let rise = 0;
  X.forEach((x, i) => {
    const residual = (theta: number[]): number =>
      Math.abs(theta[0] + x.reduce((sum, value, k) => sum + value * theta[k + 1], 0) - y[i]);
    const [r, s] = [residual(from), residual(to)];
    rise += (s - r + (S - R)) * (s + r + S + R);
  });
  return rise / X.length;
}

/** The least rise over coordinates and random directions of many lengths, per unit of length, rounding allowed for. */
function leastRise(X: number[][], y: number[], p: number, rho: number, theta: number[], lengths: number[]): number {
  const random = new Random(3);
  let least = INF;
  for (let draw = 0; draw < 200; draw++) {
    const direction = theta.map((_, j) =>
      draw < 2 * theta.length ? (j === draw >> 1 ? (-1) ** draw : 0) : random.normal(),
    );
    for (const length of lengths) {
      const to = theta.map((value, j) => value + length * direction[j]);
      least = Math.min(least, (robustRise(X, y, p, rho, theta, to) + 2e-14 * rho) / length);
    }
  }
  return least;
}

describe("targets without noise", () => {
  test.each([1, 2, 3, INF])("θ̂ is optimal, with multipliers that add up, until ρ*; p = %d", async (p) => {
    for (const coefficients of [
      [2, -3],
      [2, 0, -3],
      [3, -3, 1],
    ]) {
      const { X, y, data } = drawn(0, coefficients);
      const fitted = await fit(linear(), data);
      for (const rho of [1e-7, 0.011, 0.11, 0.3]) {
        const found = await robustOptimum(fitted, lp(p), rho);
        const theta = [1, ...coefficients];
        [...found.parameters].forEach((value, j) => {
          expect(Math.abs(value - theta[j])).toBeLessThan(1e-12);
        });
        expect(found.residual).toBeLessThan(1e-10);
        // Σ w κ v + ρ∂N = 0, from the multipliers that are reported.
        const { active } = found;
        expect(active.stuckRows).toHaveLength(X.length);
        expect(active.stuckMultipliers.every((value) => Math.abs(value) <= 1)).toBe(true);
        const N = pNorm(coefficients, conjugate(p));
        const slope = [...found.parameters].slice(1).map((beta, k) => {
          const zero = active.zeroCoordinates.indexOf(k);
          if (zero >= 0) return active.zeroMultipliers[zero];
          const tie = active.tiedCoordinates.indexOf(k);
          if (tie >= 0) return Math.sign(beta) * active.tiedMultipliers[tie];
          if (p === 1) return Math.abs(beta) > N - 1e-9 ? Math.sign(beta) : 0;
          return Math.sign(beta) * (Math.abs(beta) / N) ** (conjugate(p) - 1);
        });
        const pulls = [0, ...slope.map((value) => rho * value)];
        X.forEach((x, i) => {
          [1, ...x].forEach((value, j) => {
            pulls[j] += (active.stuckMultipliers[i] * value) / X.length;
          });
        });
        for (const pull of pulls) expect(Math.abs(pull)).toBeLessThan(1e-11);
        expect(leastRise(X, y, p, rho, theta, [1e-6, 1e-3, 0.1])).toBeGreaterThan(-1e-13);
        expect(Math.abs(found.objective - (rho * N) ** 2)).toBeLessThan(1e-11);
      }
    }
  });

  test.each([1, 2, INF])("the path stays at θ̂ and leaves it where another θ becomes better, p = %d", async (p) => {
    const { X, y, data } = drawn(0, [2, -3]);
    const fitted = await fit(linear(), data);
    const path = await robustPath(fitted, lp(p));
    const [origin, last, next] = path.points;
    expect(origin.radius).toBe(0);
    expect(last.parameters).toEqual(origin.parameters);
    expect(next.radius).toBeLessThan(last.radius * 1.002);
    const theta = [...last.parameters];
    expect(leastRise(X, y, p, last.radius, theta, [1e-6, 1e-3])).toBeGreaterThan(-1e-9);
    const beyond = await robustOptimum(fitted, lp(p), last.radius * 1.02);
    expect(robustRise(X, y, p, last.radius * 1.02, theta, [...beyond.parameters])).toBeLessThan(-1e-8);
    for (const share of [0.2, 0.9, 1.02, 1.2]) {
      const [along, alone] = [
        await path.at(share * last.radius),
        await robustOptimum(fitted, lp(p), share * last.radius),
      ];
      expect(Math.abs(along.objective - alone.objective)).toBeLessThan(1e-12 * alone.objective);
    }
  });
});

describe("targets with little noise", () => {
  test.each([1, 2, INF])("an optimum is found and no direction lowers the robust risk, p = %d", async (p) => {
    for (const noise of [1e-3, 1e-5, 1e-7, 1e-9, 1e-10]) {
      const { X, y, data } = drawn(noise, [2, -3]);
      const fitted = await fit(linear(), data);
      for (const rho of [1e-4, 0.011, 0.11, 0.5, 0.8]) {
        const found = await robustOptimum(fitted, lp(p), rho);
        expect(found.residual).toBeLessThan(1e-9);
        const least = leastRise(X, y, p, rho, [...found.parameters], [0.01 * noise, noise, 100 * noise, 1e-3, 0.1]);
        expect(least).toBeGreaterThan(-1e-8 * Math.max(rho, noise));
      }
    }
  });

  test("at a radius where a row has just stuck", async () => {
    const { data } = drawn(1e-6, [2, -3], 300);
    const fitted = await fit(linear(), data);
    for (let rho = 0.3; rho < 0.4; rho += 0.007)
      expect((await robustOptimum(fitted, lp(2), rho)).residual).toBeLessThan(1e-10);
  });
});
