import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  checkValidity,
  collapseRadius,
  influence,
  LOSSES,
  type LossName,
  lasso,
  linear,
  logistic,
  lp,
  Matrix,
  matrixDataset,
  norm,
  poisson,
  scoreShifts,
  sparseRobustOptimum,
  supportChange,
} from "../../src/index.js";
import { fitHessianTimes } from "../../src/solvers/fit.js";
import { dot } from "../../src/solvers/inverse-hessian.js";
import { Random } from "../models/naive.js";

interface Problem {
  readonly x: number[][];
  readonly y: number[];
  readonly loss: LossName;
  readonly p: number;
  readonly l1: number;
  readonly l2: number;
}

const modelOf = (loss: LossName) =>
  loss === "logistic" ? logistic() : loss === "poisson" ? poisson() : linear({ loss });

function problemOf(seed: number, loss: LossName, p: number, n: number, d: number, l1: number, l2: number): Problem {
  const random = new Random(seed);
  const x = Array.from({ length: n }, () => Array.from({ length: d }, () => random.normal()));
  const y = x.map((row, i) => {
    const f = 0.9 * row[0] - 0.6 * row[1] + 0.4 * random.normal();
    if (loss === "logistic") return i < 2 ? 2 * i - 1 : f + random.normal() > 0 ? 1 : -1;
    return loss === "poisson" ? Math.floor(Math.exp(0.5 * f)) + (i === 0 ? 1 : 0) : f;
  });
  return { x, y, loss, p, l1, l2 };
}

/** R_ρ(θ) + λΣ|θ| from its definition. */
function objective({ x, y, loss, p, l1, l2 }: Problem, theta: ArrayLike<number>, rho: number): number {
  const beta = Array.from(theta).slice(1);
  const q = p === 1 ? Infinity : p === Infinity ? 1 : p / (p - 1);
  const reach = rho * norm(Float64Array.from(beta), q);
  const worst = x.map((row, i) => {
    const f = row.reduce((sum, value, k) => sum + value * beta[k], theta[0]);
    return Math.max(LOSSES[loss].value(f + reach, y[i]), LOSSES[loss].value(f - reach, y[i]));
  });
  const penalty = beta.reduce((sum, value) => sum + l1 * Math.abs(value) + 0.5 * l2 * value * value, 0);
  return worst.reduce((sum, value) => sum + value, 0) / x.length + penalty;
}

/** Rows whose lasso has the coefficients 1 and −0.8 and fits row 0 exactly: residuals r with Σr = 0 and 2Σrx/n = −λs. */
function withZeroResidual(seed: number, l1: number): { x: number[][]; y: number[] } {
  const n = 40;
  const random = new Random(seed);
  const x = Array.from({ length: n }, () => Array.from({ length: 5 }, () => random.normal()));
  const r = x.map((_, i) => (i === 0 ? 0 : 0.15 * random.normal()));
  const conditions = [() => 1, (i: number) => x[i][0], (i: number) => x[i][1]];
  const goals = [0, -0.5 * l1 * n, 0.5 * l1 * n];
  // Kaczmarz: one condition after another, row 0 left out.
  for (let round = 0; round < 2000; round++) {
    conditions.forEach((a, c) => {
      let [missing, size] = [goals[c], 0];
      for (let i = 1; i < n; i++) {
        missing -= a(i) * r[i];
        size += a(i) ** 2;
      }
      for (let i = 1; i < n; i++) r[i] += (missing / size) * a(i);
    });
  }
  return { x, y: x.map((row, i) => 0.5 + row[0] - 0.8 * row[1] - r[i]) };
}

describe("the robust lasso", () => {
  it("has no better point near it, nor along single coefficients", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1e6 }),
        fc.constantFrom<LossName>("squared", "half-squared", "logistic", "poisson"),
        fc.constantFrom(1, 2, 3, Infinity),
        fc.constantFrom([30, 5], [12, 20]),
        fc.double({ min: 0.02, max: 0.3, noNaN: true }),
        fc.double({ min: 0.01, max: 0.4, noNaN: true }),
        fc.constantFrom(0, 0.05),
        async (seed, loss, p, [n, d], l1, rho, l2) => {
          const problem = problemOf(seed, loss, p, n, d, l1, l2);
          const fit = await lasso(modelOf(loss), matrixDataset(Matrix.fromRows(problem.x), problem.y), { l1, l2 });
          const threat = lp(p)(d);
          const found = await sparseRobustOptimum(fit, threat, rho);
          expect(found.residual).toBeLessThan(1e-9);
          const best = objective(problem, found.parameters, rho);
          const random = new Random(seed + 1);
          for (const size of [1e-1, 1e-2, 1e-3, 1e-4]) {
            for (let trial = 0; trial < 30; trial++) {
              const only = trial < d + 1 ? trial : -1;
              const moved = found.parameters.map((value, j) =>
                only >= 0 ? (j === only ? value + size * random.normal() : value) : value + size * random.normal(),
              );
              expect(objective(problem, moved, rho)).toBeGreaterThanOrEqual(best - 1e-12);
            }
          }
        },
      ),
      { numRuns: 60, seed: 3 },
    );
  });

  it("has the influence for its derivative", async () => {
    const problem = problemOf(4, "squared", 2, 40, 6, 0.3, 0);
    for (const p of [1, 2, Infinity]) {
      const fit = await lasso(linear(), matrixDataset(Matrix.fromRows(problem.x), problem.y), { l1: 0.3 });
      const attack = await influence(fit, lp(p));
      const { scale, influence: I, threat } = attack;
      const change = await supportChange(attack, await scoreShifts(attack));
      const errors: number[] = [];
      for (const epsilon of [1e-4, 1e-5]) {
        const { parameters } = await sparseRobustOptimum(fit, threat, epsilon * scale);
        errors.push(Math.max(...parameters.map((value, j) => Math.abs((value - fit.parameters[j]) / epsilon - I[j]))));
      }
      expect(errors[1]).toBeLessThan(1e-3);
      expect(errors[1]).toBeLessThan(0.2 * errors[0] + 1e-6);
      expect(change).not.toBeNull();
    }
  });

  it("has the influence for its derivative where a residual is exactly 0", async () => {
    const l1 = 0.2;
    for (const p of [1, 2, Infinity]) {
      for (const seed of [1, 2, 3]) {
        const { x, y } = withZeroResidual(seed, l1);
        const fit = await lasso(linear(), matrixDataset(Matrix.fromRows(x), y), { l1 });
        expect(fit.sparse?.selected).toEqual([1, 2]);
        const attack = await influence(fit, lp(p));
        expect(attack.multipliers?.residuals.map(({ row }) => row)).toEqual([0]);
        const { scale, influence: I, threat } = attack;
        const slopes = await Promise.all(
          [2e-5, 1e-5].map(async (epsilon) => {
            const { parameters } = await sparseRobustOptimum(fit, threat, epsilon * scale);
            return parameters.map((value, j) => (value - fit.parameters[j]) / epsilon);
          }),
        );
        I.forEach((value, j) => expect(2 * slopes[1][j] - slopes[0][j]).toBeCloseTo(value, 4));
      }
    }
  });

  it("agrees with the trust radius: there the prediction is off by about a tenth", async () => {
    for (const loss of ["squared", "logistic"] as const) {
      for (const p of [2, Infinity]) {
        for (const seed of [1, 2, 3, 4]) {
          const problem = problemOf(seed, loss, p, 150, 8, 0.05, 0);
          const data = matrixDataset(Matrix.fromRows(problem.x), problem.y);
          const fit = await lasso(modelOf(loss), data, { l1: problem.l1 });
          const attack = await influence(fit, lp(p));
          const { trust } = await checkValidity(attack, await scoreShifts(attack));
          const error = async (epsilon: number): Promise<number> => {
            const { parameters } = await sparseRobustOptimum(fit, attack.threat, epsilon * attack.scale);
            const { influence: I } = attack;
            const length = (v: Float64Array): number => Math.sqrt(dot(v, fitHessianTimes(fit, v)));
            const off = parameters.map((value, j) => value - fit.parameters[j] - epsilon * I[j]);
            const apart = off.map((value, j) => (fit.sparse?.support.includes(j) ? value : 0));
            return length(apart) / (epsilon * length(I));
          };
          const radius = trust.radius ?? 0;
          expect(trust.method).toBe("stationarity");
          expect(radius).toBeGreaterThan(0);
          expect(await error(radius)).toBeLessThan(0.2);
          expect(await error(0.1 * radius)).toBeLessThan(0.1);
        }
      }
    }
  });

  it("changes its set of features where the influence says, to first order", async () => {
    const kinds: string[] = [];
    for (const [seed, p] of [1, 2, 3, 4, 5, 6].flatMap((s) => [2, Infinity].map((q) => [s, q] as const))) {
      const problem = problemOf(seed, "logistic", p, 200, 12, 0.02, 0);
      const fit = await lasso(logistic(), matrixDataset(Matrix.fromRows(problem.x), problem.y), { l1: 0.02 });
      const attack = await influence(fit, lp(p));
      const change = await supportChange(attack, await scoreShifts(attack));
      // Early enough that the first order tells.
      if (change === null || change.epsilon > 0.02) continue;
      kinds.push(change.kind);
      const at = async (epsilon: number) =>
        (await sparseRobustOptimum(fit, attack.threat, epsilon * attack.scale)).parameters[change.parameter] !== 0;
      expect(await at(0.8 * change.epsilon)).toBe(change.kind === "leaves");
      expect(await at(1.25 * change.epsilon)).toBe(change.kind === "enters");
    }
    expect(new Set(kinds)).toEqual(new Set(["enters", "leaves"]));
  });

  it("gives up every feature from the collapse radius on", async () => {
    for (const p of [1, 2, Infinity]) {
      const problem = problemOf(9, "squared", p, 50, 6, 0.2, 0);
      const fit = await lasso(linear(), matrixDataset(Matrix.fromRows(problem.x), problem.y), { l1: 0.2 });
      const attack = await influence(fit, lp(p));
      const collapse = (await collapseRadius(attack)) ?? 0;
      const above = await sparseRobustOptimum(fit, attack.threat, 1.001 * collapse * attack.scale);
      expect(above.collapsed).toBe(true);
      expect(above.parameters.slice(1).every((value) => value === 0)).toBe(true);
      const below = await sparseRobustOptimum(fit, attack.threat, 0.97 * collapse * attack.scale);
      expect(below.parameters.slice(1).some((value) => value !== 0)).toBe(true);
    }
  });
});
