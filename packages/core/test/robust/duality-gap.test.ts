/** The duality gap of robust training: a bound that holds against plain sums, and is sharp where the optimum is known. */
import { describe, expect, test } from "vitest";
import { fit } from "../../src/index.js";
import { conjugateLoss } from "../../src/models/conjugate-loss.js";
import { dualityGap } from "../../src/robust/duality-gap.js";
import { generalRobustOptimum } from "../../src/robust/general-optimum.js";
import { robustOptimum } from "../../src/robust/optimum.js";
import { type ModelName, type Options, randomCase } from "../influence/problems.js";
import { drawsOf } from "../long.js";
import { dot, lossOf, type Problem, Random, robustOptimumByContinuation, robustRisk } from "../models/naive.js";

const INF = Number.POSITIVE_INFINITY;
const LINEAR: readonly ModelName[] = ["linear", "half", "logistic", "poisson"];
const NORMS = [1, 1.5, 2, 3, INF];
const BUDGETS = [1, 0, 2, 0.5];

async function problemOf(model: ModelName, seed: number, options: Options) {
  const made = randomCase(model, seed, { n: 40, m: 4, budgets: BUDGETS, weighted: seed % 2 === 0, ...options });
  const fitted = await fit(made.describe, made.data, { l2: made.l2 });
  const threat = made.threat(fitted.model.map.inputs);
  return {
    ...made,
    fitted,
    gapAt: (radius: number, theta: Float64Array) => dualityGap(fitted, threat, radius, theta),
    threat,
  };
}

/** θ with every entry moved at random by about `size`. */
const moved = (theta: Float64Array, size: number, random: Random): Float64Array =>
  theta.map((value) => value + size * random.normal() * (Math.abs(value) + 0.2));

const RATIOS: readonly number[] = [0, 1e-4, 0.01, 0.3, 1];

describe.each(LINEAR)("%s", (model) => {
  describe.each([0, 0.1])("ridge %d", (l2) => {
    test.each(NORMS)("p = %d: never below the distance from the optimum, and 0 there", async (p) => {
      const random = new Random(11);
      let compared = 0;
      for (let seed = 1; seed <= drawsOf(2, 12); seed++) {
        for (const radius of [0.02, 0.3]) {
          const { fitted, threat, gapAt, problem } = await problemOf(model, seed, { p, l2 });
          const exact = await robustOptimum(fitted, threat, radius);
          for (const ratio of RATIOS) {
            const theta = moved(exact.parameters, ratio, random);
            const found = await gapAt(radius, theta);
            if (ratio === 0) expect(found).not.toBeNull();
            if (found === null) continue;
            const size = Math.abs(exact.objective);
            const { value } = robustRisk(problem, radius, [...theta]);
            expect(Math.abs(found.objective - value)).toBeLessThan(1e-12 * (1 + Math.abs(value)));
            expect(found.gap).toBeGreaterThanOrEqual(value - exact.objective - 1e-13 * (1 + size));
            expect(found.lowerBound).toBe(found.objective - found.gap);
            expect(found.relative).toBeCloseTo(found.gap / Math.abs(found.objective), 12);
            if (ratio === 0) expect(found.gap).toBeLessThan(1e-11 * (1 + size));
            compared++;
          }
        }
      }
      expect(compared).toBeGreaterThan(8);
    });
  });
});

test("no parameters beat the bound: plain sums at many others, corners and frozen features included", async () => {
  const random = new Random(5);
  for (const model of LINEAR) {
    for (const p of NORMS) {
      const { problem, fitted, gapAt, threat } = await problemOf(model, 3, { p, l2: p === 2 ? 0.05 : 0 });
      const found = await gapAt(0.2, fitted.parameters);
      if (found === null) continue;
      const least = robustOptimumByContinuation(problem, 0.2, [...fitted.parameters]);
      const near = (await robustOptimum(fitted, threat, 0.2)).parameters;
      for (const theta of [least, ...Array.from({ length: 20 }, () => [...moved(near, 0.02, random)])]) {
        expect(robustRisk(problem, 0.2, theta).value).toBeGreaterThanOrEqual(found.lowerBound - 1e-13);
      }
    }
  }
});

test("near a smooth optimum it is hardly more than the distance itself", async () => {
  for (const model of ["logistic", "poisson"] as const) {
    const { fitted, threat, gapAt } = await problemOf(model, 2, { p: 2, l2: 0.1, n: 200 });
    const { parameters, objective } = await robustOptimum(fitted, threat, 0.05);
    const found = await gapAt(0.05, moved(parameters, 0.01, new Random(3)));
    const distance = (found?.objective ?? 0) - objective;
    expect(distance).toBeGreaterThan(1e-8);
    expect(found?.gap).toBeLessThan(1.05 * distance);
  }
});

/** Σ w max over |δ_k| ≤ ρb_k and the box of the loss, + ½ΣPθ²: every coordinate goes as far as it may. */
function boxedRisk(
  { X, y, w, loss, ridge, budgets, lower = [], upper = [] }: Problem,
  radius: number,
  theta: number[],
) {
  const beta = theta.slice(1);
  const risk = X.reduce((sum, x, i) => {
    const f = theta[0] + dot(x, beta);
    const ends = [1, -1].map((sign) =>
      beta.reduce((score, b, k) => {
        const room = sign * b > 0 ? upper[k] - x[k] : x[k] - lower[k];
        return score + sign * Math.abs(b) * Math.min(radius * budgets[k], room);
      }, f),
    );
    return sum + w[i] * Math.max(...ends.map((end) => lossOf(loss, end, y[i])[0]));
  }, 0);
  return ridge.reduce((sum, P, j) => sum + 0.5 * P * theta[j] ** 2, risk);
}

test.each(LINEAR)("holds within a box too: %s", async (model) => {
  const random = new Random(8);
  let bounds = 0;
  for (const seed of [1, 2, 4]) {
    const { problem, fitted, gapAt, threat } = await problemOf(model, seed, { p: INF, l2: 0.1, boxed: true });
    const near = (await generalRobustOptimum(fitted, threat, 0.2)).parameters;
    for (const theta of [near, fitted.parameters, moved(near, 0.1, random)]) {
      const found = await gapAt(0.2, theta);
      if (found === null) continue;
      bounds++;
      expect(Math.abs(found.objective - boxedRisk(problem, 0.2, [...theta]))).toBeLessThan(1e-12);
      for (let draw = 0; draw < 20; draw++) {
        expect(boxedRisk(problem, 0.2, [...moved(near, 0.03, random)])).toBeGreaterThanOrEqual(
          found.lowerBound - 1e-13,
        );
      }
    }
  }
  expect(bounds).toBeGreaterThan(5);
});

test("is sharp within a box, p = inf: a trained model is proven to be near its optimum", async () => {
  for (const model of LINEAR) {
    const { fitted, threat, gapAt } = await problemOf(model, 1, { p: INF, boxed: true });
    // Where a descent stalls at a corner depends on the last digits of the back end.
    const { parameters } = await generalRobustOptimum(fitted, threat, 0.3);
    expect((await gapAt(0.3, parameters))?.relative).toBeLessThan(1e-5);
  }
});

test.each(["quadratic", "quadratic-logistic"] as const)(
  "is small at the optimum of %s, p = 2, and null for others",
  async (model) => {
    const { fitted, threat, gapAt } = await problemOf(model, 1, { p: 2, l2: 0.1, n: 80 });
    const exact = await generalRobustOptimum(fitted, threat, 0.1);
    const found = await gapAt(0.1, exact.parameters);
    expect(found?.relative).toBeLessThan(1e-8);
    const away = await gapAt(0.1, moved(exact.parameters, 0.01, new Random(1)));
    const distance = (away?.objective ?? 0) - exact.objective;
    expect(distance).toBeGreaterThan(1e-7);
    expect(away?.gap).toBeGreaterThanOrEqual(distance - 1e-10);
    const other = await problemOf(model, 1, { p: INF, l2: 0.1, n: 80 });
    expect(await other.gapAt(0.1, other.fitted.parameters)).toBeNull();
  },
);

test("the conjugate is the smallest that keeps every tangent below the loss", () => {
  const targets = { squared: [1.3], "half-squared": [-0.4], logistic: [1, -1], poisson: [0, 3] } as const;
  for (const [name, ys] of Object.entries(targets)) {
    const loss = name as keyof typeof targets;
    for (const y of ys) {
      for (const f of [-2, -0.3, 0, 0.7, 1.9]) {
        const [value, slope] = lossOf(loss, f, y);
        const conjugate = conjugateLoss(loss, slope, y);
        expect(Math.abs(value - (slope * f - conjugate))).toBeLessThan(1e-13);
        for (let g = -4; g <= 4; g += 0.25) {
          expect(lossOf(loss, g, y)[0]).toBeGreaterThanOrEqual(slope * g - conjugate - 1e-13);
        }
      }
    }
  }
  expect(conjugateLoss("logistic", 0.1, 1)).toBe(INF);
  expect(conjugateLoss("logistic", -1.1, 1)).toBe(INF);
  expect(conjugateLoss("poisson", -3.1, 3)).toBe(INF);
  expect([conjugateLoss("logistic", -1, 1), conjugateLoss("logistic", 0, 1), conjugateLoss("poisson", -3, 3)]).toEqual([
    0, 0, 0,
  ]);
});
