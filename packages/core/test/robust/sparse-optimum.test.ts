import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
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

  it("has the influence for its derivative, also where rows fit exactly", async () => {
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

  it("changes its set of features where the influence says, to first order", async () => {
    // Signal enough that the first change comes early.
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const problem = problemOf(seed, "logistic", 2, 200, 8, 0.02, 0);
      const fit = await lasso(logistic(), matrixDataset(Matrix.fromRows(problem.x), problem.y), { l1: 0.02 });
      const attack = await influence(fit, lp(2));
      const change = await supportChange(attack, await scoreShifts(attack));
      if (change === null || change.epsilon > 0.02) continue;
      const at = async (epsilon: number) =>
        (await sparseRobustOptimum(fit, attack.threat, epsilon * attack.scale)).parameters[change.parameter] !== 0;
      expect(await at(0.8 * change.epsilon)).toBe(change.kind === "leaves");
      expect(await at(1.25 * change.epsilon)).toBe(change.kind === "enters");
    }
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
