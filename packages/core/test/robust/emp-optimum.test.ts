/** The optimum of the Wasserstein adversary's empirical problem: against the AIF, the pointwise optimum and naive objectives. */
import { describe, expect, test } from "vitest";
import { fit, influence, lp } from "../../src/index.js";
import { empiricalWorstCase } from "../../src/robust/emp.js";
import { empRobustOptimum } from "../../src/robust/emp-optimum.js";
import { robustOptimum } from "../../src/robust/optimum.js";
import { wasserstein } from "../../src/threats/wasserstein.js";
import { relativeError } from "../golden.js";
import { type ModelName, randomCase, smoothCase } from "../influence/problems.js";
import { drawsOf } from "../long.js";
import { conjugate, dot, features, lossOf, type Problem, pNorm, Random } from "../models/naive.js";

const INF = Number.POSITIVE_INFINITY;
const MODELS: readonly ModelName[] = ["linear", "half", "logistic", "poisson"];

/** N, f and the natural loss as they are defined. */
function parts({ X, y, w, loss, terms, p, budgets }: Problem, theta: ArrayLike<number>) {
  const first = terms.length - budgets.length;
  const N = pNorm(
    budgets.map((b, k) => b * theta[first + k]),
    conjugate(p),
  );
  const f = X.map((x) => dot(features(terms, x), theta));
  const natural = f.reduce((sum, fi, i) => sum + w[i] * lossOf(loss, fi, y[i])[0], 0);
  return { N, f, natural };
}

/** V at u = 1 and, for squared losses, u = 2, from MATH 8. */
function closedForm(problem: Problem, theta: ArrayLike<number>, u: 1 | 2, rho: number): number {
  const { y, w, loss } = problem;
  const { N, f, natural } = parts(problem, theta);
  const R = rho * N;
  if (u === 2) return (loss === "squared" ? 1 : 0.5) * (Math.sqrt(natural / (loss === "squared" ? 1 : 0.5)) + R) ** 2;
  const gains = f.map((fi, i) => {
    const ends = [-1, 1].map((side) => lossOf(loss, fi + (side * R) / w[i], y[i])[0]);
    return w[i] * (Math.max(...ends) - lossOf(loss, fi, y[i])[0]);
  });
  return natural + Math.max(...gains);
}

describe("the derivative at ε = 0 is the AIF", () => {
  const cases = MODELS.flatMap((model) =>
    [1, 1.5, 2, 4, INF].flatMap((u) => [1, 2, INF].map((p) => [model, u, p] as const)),
  );
  test.each(cases)("%s, u = %d, p = %d", async (model, u, p) => {
    const one = await smoothCase(model, 5, { n: 24, m: 3, p, weighted: true, l2: 0.02, budgets: [1, 0.5, 1.5] }, 2e-2);
    const attack = await influence(one.fit, wasserstein(u, lp(p, { budgets: [1, 0.5, 1.5] })));
    const threat = lp(p, { budgets: [1, 0.5, 1.5] })(3);
    const step = u === 1 ? 1e-4 : 4e-4;
    const quotient = async (epsilon: number): Promise<Float64Array> => {
      const found = await empRobustOptimum(one.fit, threat, u, epsilon * attack.scale);
      expect(found.residual).toBeLessThan(1e-11);
      expect([found.rounded, found.exactInner, found.converged]).toEqual([false, true, true]);
      return found.parameters.map((value, j) => (value - one.fit.parameters[j]) / epsilon);
    };
    // Four levels of one-sided Richardson extrapolation.
    let table = await Promise.all([0, 1, 2, 3].map((k) => quotient(step / 2 ** k)));
    for (let order = 1; order < 4; order++) {
      table = table.slice(1).map((fine, k) => fine.map((v, j) => v + (v - table[k][j]) / (2 ** order - 1)));
    }
    expect(relativeError(table[0], attack.influence)).toBeLessThan(1e-6);
  });
});

describe("optima at any radius", () => {
  test.each([1, 2, INF])("u = ∞ is the pointwise optimum, p = %d", async (p) => {
    for (const model of MODELS) {
      const one = randomCase(model, 9, { n: 30, m: 3, p, l2: 0.01 });
      const fitted = await fit(one.describe, one.data, { l2: 0.01 });
      const threat = one.threat(3);
      const [found, truth] = [
        await empRobustOptimum(fitted, threat, INF, 0.05),
        await robustOptimum(fitted, threat, 0.05),
      ];
      expect(relativeError(found.parameters, truth.parameters)).toBeLessThan(1e-10);
      expect(found.objective).toBe(truth.objective);
      const reached = await empiricalWorstCase(fitted.model, one.data, found.parameters, threat, INF, 0.05);
      expect(Math.abs(reached.loss - truth.robustLoss)).toBeLessThan(1e-13 * truth.robustLoss);
    }
  });

  const grid = MODELS.flatMap((model) =>
    [1, 1.5, 2, 4].flatMap((u) => [1, 2, INF].flatMap((p) => [0.02, 0.2].map((rho) => [model, u, p, rho] as const))),
  );
  test.each(grid)("no direction lowers the worst case: %s, u = %d, p = %d, ρ = %d", async (model, u, p, rho) => {
    const radius = model === "poisson" ? rho / 4 : rho;
    const one = randomCase(model, 17, { n: 20, m: 3, p, l2: 0.01, weighted: true });
    const fitted = await fit(one.describe, one.data, { l2: 0.01 });
    const threat = one.threat(3);
    const found = await empRobustOptimum(fitted, threat, u, radius);
    const { ridge } = one.problem;
    const objective = async (theta: Float64Array): Promise<number> => {
      const penalty = ridge.reduce((sum, P, j) => sum + 0.5 * P * theta[j] ** 2, 0);
      if (u === 1 || (u === 2 && model !== "logistic" && model !== "poisson"))
        return penalty + closedForm(one.problem, theta, u, radius);
      return penalty + (await empiricalWorstCase(fitted.model, one.data, theta, threat, u, radius)).loss;
    };
    const base = await objective(found.parameters);
    expect(Math.abs(found.objective - base)).toBeLessThan(1e-11 * base);
    const random = new Random(3);
    let fall = 0;
    for (let draw = 0; draw < drawsOf(30, 200); draw++) {
      const h = 10 ** (-6 + 5 * random.uniform());
      const moved = found.parameters.map((value) => value + (random.uniform() < 0.4 ? 0 : h * random.normal()));
      fall = Math.max(fall, (base - (await objective(moved))) / base);
    }
    expect(found.converged && found.exactInner).toBe(true);
    expect(found.gap).toBeLessThan(1e-8 * base);
    expect(fall).toBeLessThan(1e-12 + (1.01 * found.gap) / base);
  });
});

describe("the collapse", () => {
  // With corners and u = 1.5 an optimum takes many seconds.
  const isQuick = (u: number, p: number): boolean => u !== 1.5 || p === 2 || drawsOf(0, 1) === 1;
  const cases = [1, 1.5, 2, 4].flatMap((u) => [1, 2, INF].flatMap((p) => (isQuick(u, p) ? [[u, p] as const] : [])));
  test.each(cases)(
    "the attacked features are given up from the radius of MATH 10a's rule in u, u = %d, p = %d",
    async (u, p) => {
      const one = randomCase("linear", 21, { n: 30, m: 3, p, weighted: true });
      const { X, y, w } = one.problem;
      const mean = y.reduce((sum, v, i) => sum + w[i] * v, 0);
      const slopes = y.map((v) => 2 * (mean - v));
      const pulls = [0, 1, 2].map((k) => X.reduce((sum, x, i) => sum + w[i] * slopes[i] * x[k], 0));
      const weighted = slopes.map((s, i) => (u === 1 ? s : w[i] ** (1 / conjugate(u)) * s));
      const collapse = pNorm(pulls, p) / pNorm(weighted, conjugate(u));
      const fitted = await fit(one.describe, one.data);
      const after = await empRobustOptimum(fitted, one.threat(3), u, collapse * (1 + 1e-9));
      const before = await empRobustOptimum(fitted, one.threat(3), u, collapse * (1 - 1e-3));
      expect([before.collapsed, after.collapsed]).toEqual([false, true]);
      expect([...after.parameters].slice(1)).toEqual([0, 0, 0]);
      expect(after.parameters[0]).toBeCloseTo(mean, 12);
      expect(pNorm([...before.parameters].slice(1), 2)).toBeGreaterThan(1e-6);
      expect(before.converged).toBe(true);
    },
  );
});
