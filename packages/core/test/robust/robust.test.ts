/** Robust losses, their expansion and their gradients against the definition: a maximum over perturbations. */
import { describe, expect, test } from "vitest";
import {
  expandedRobustLoss,
  fitAt,
  LOSSES,
  linear,
  logistic,
  lp,
  Matrix,
  type ModelDescription,
  matrixDataset,
  poisson,
  quadratic,
  worstLoss,
} from "../../src/index.js";
import { robustGradients } from "../../src/robust/robust-gradient.js";
import { dualNormOf, hasClosedForm } from "../../src/robust/robust-loss.js";
import { randomCase } from "../influence/problems.js";
import {
  conjugate,
  dot,
  features,
  inputGradient,
  linearTerms,
  lossOf,
  numericalGradient,
  type Problem,
  pNorm,
  quadraticTerms,
  Random,
  relativeError,
  robustRisk,
} from "../models/naive.js";

const INF = Number.POSITIVE_INFINITY;
const EXPONENTS = [1, 1.5, 2, 3, INF];
const NAMES = ["squared", "half-squared", "logistic", "poisson"] as const;
const MODEL: Record<(typeof NAMES)[number], ModelDescription> = {
  squared: linear(),
  "half-squared": linear({ loss: "half-squared" }),
  logistic: logistic(),
  poisson: poisson(),
};

/** δ with ‖δ ⊘ b‖_p = ρ that moves β'δ the most: the equality case of Hölder, written out. */
function bestPerturbation(beta: readonly number[], b: readonly number[], p: number, rho: number): number[] {
  const u = beta.map((value, k) => value * b[k]);
  const q = conjugate(p);
  const N = pNorm(u, q);
  const most = u.reduce((best, value, k) => (Math.abs(value) > Math.abs(u[best]) ? k : best), 0);
  return u.map((value, k) => {
    if (p === 1) return k === most ? rho * b[k] * Math.sign(value) : 0;
    return rho * b[k] * Math.sign(value) * (p === INF ? 1 : (Math.abs(value) / N) ** (q - 1));
  });
}

describe.each(NAMES)("%s", (name) => {
  test.each(EXPONENTS)("the worst loss in closed form is never beaten, and attained, p = %d", (p) => {
    const random = new Random(7);
    let tightest = 0;
    for (let problem = 0; problem < 20; problem++) {
      const m = 1 + random.below(4);
      const beta = random.normals(m);
      const b = Array.from({ length: m }, (_, k) => (k > 0 && random.uniform() < 0.3 ? 0 : 0.3 + random.uniform()));
      const rho = 2 * random.uniform();
      const f = random.normal();
      const y =
        name === "logistic"
          ? random.uniform() < 0.5
            ? -1
            : 1
          : name === "poisson"
            ? random.below(4)
            : random.normal();
      const model = MODEL[name]({ features: beta.map((_, k) => `x${k}`) });
      const { norm: N } = dualNormOf(model, lp(p, { budgets: b })(m), Float64Array.from([0.4, ...beta]));
      const worst = worstLoss(LOSSES[name], f, y, rho * N);
      const slack = 1e-12 * (1 + worst);
      let found = 0;
      for (let draw = 0; draw < 500; draw++) {
        const shape = 10 ** (2 * random.uniform() - 1);
        const direction = beta.map(() => Math.sign(random.normal()) * Math.abs(random.normal()) ** shape);
        const size = pNorm(direction, p);
        const length = draw % 3 === 0 ? random.uniform() : 1;
        const delta = direction.map((value, k) => (rho * length * value * b[k]) / size);
        found = Math.max(found, lossOf(name, f + dot(beta, delta), y)[0]);
      }
      expect(found).toBeLessThanOrEqual(worst + slack);
      tightest = Math.max(tightest, found / worst);
      const best = bestPerturbation(beta, b, p, rho);
      expect(
        pNorm(
          best.map((value, k) => (b[k] > 0 ? value / b[k] : 0)),
          p,
        ),
      ).toBeLessThanOrEqual(rho * (1 + 1e-12));
      const attained = Math.max(...[-1, 1].map((sign) => lossOf(name, f + sign * dot(beta, best), y)[0]));
      expect(Math.abs(attained - worst)).toBeLessThan(slack);
    }
    expect(tightest).toBeGreaterThan(0.9);
  });

  test.each(EXPONENTS)("∇R is the derivative of R, several points at once, p = %d", async (p) => {
    const random = new Random(8);
    const model = name === "half-squared" ? "half" : name === "squared" ? "linear" : name;
    for (const options of [{}, { weighted: true, l2: 0.3, budgets: [0.5, 0, 2] }, { intercept: false, l2: 0.1 }]) {
      const { problem, data, describe: description, threat, l2 } = randomCase(model, 3, { ...options, p, n: 15 });
      const d = problem.terms.length;
      const fitted = await fitAt(description, data, new Float64Array(d), { l2 });
      const points = [0.05, 0.3, 1].map((radius) => ({ theta: Float64Array.from(random.normals(d)), radius }));
      const found = await robustGradients(fitted, threat(3), points);
      const given = await robustGradients(
        fitted,
        threat(3),
        points.map((point) => ({
          ...point,
          score: (row: number) => dot(features(problem.terms, problem.X[row]), point.theta),
        })),
      );
      points.forEach(({ theta, radius }, k) => {
        const truth = numericalGradient((at) => robustRisk(problem, radius, at).value, theta, 1e-4);
        expect(relativeError(found[k].gradient, truth)).toBeLessThan(1e-7);
        expect(relativeError(given[k].gradient, found[k].gradient)).toBeLessThan(1e-12);
      });
    }
  });
});

/** The largest loss of one row over a ball of radius ρ: many starts, then a search along the sphere (m = 2). */
function largestLoss(
  { terms, loss, y, X, p, budgets }: Problem,
  i: number,
  theta: readonly number[],
  rho: number,
): number {
  const at = (angle: number): number => {
    const direction = [Math.cos(angle), Math.sin(angle)].map((value, k) => value * budgets[k]);
    const size = pNorm([Math.cos(angle), Math.sin(angle)], p);
    return lossOf(
      loss,
      dot(
        features(
          terms,
          X[i].map((value, k) => value + (rho * direction[k]) / size),
        ),
        theta,
      ),
      y[i],
    )[0];
  };
  let [best, width] = [0, Math.PI];
  let found = -INF;
  for (let round = 0; round < 12; round++) {
    const centre = best;
    for (let step = -30; step <= 30; step++) {
      const angle = centre + (width * step) / 30;
      const value = at(angle);
      if (value > found) [found, best] = [value, angle];
    }
    width /= 8;
  }
  return found;
}

describe("the expansion of the robust loss", () => {
  test.each([1, 1.5, 2, 3, INF])("has a remainder of third order, p = %d", async (p) => {
    const random = new Random(9);
    for (const loss of ["squared", "logistic", "poisson"] as const) {
      const X = random.rows(6, 2);
      const terms = quadraticTerms(2, true);
      const theta = random.normals(terms.length).map((value) => 0.4 * value);
      const y = X.map((x) =>
        loss === "logistic" ? 1 : loss === "poisson" ? 3 : dot(features(terms, x), theta) + random.normal(),
      );
      const budgets = [1, 0.6];
      const problem: Problem = { X, y, w: X.map(() => 1 / 6), loss, terms, ridge: terms.map(() => 0), p, budgets };
      // Between 1 and ∞ the maximiser turns with ρ, but what that gains is of third order too (the envelope theorem).
      const data = matrixDataset(Matrix.fromRows(X), y);
      const model = quadratic({ loss })(data);
      const remainder = async (rho: number): Promise<number> => {
        const expanded = await expandedRobustLoss(model, lp(p, { budgets })(2), data, Float64Array.from(theta), rho);
        return X.reduce((sum, _, i) => sum + largestLoss(problem, i, theta, rho) / 6, 0) - expanded;
      };
      const [coarse, fine] = [await remainder(2e-3), await remainder(1e-3)];
      const size = Math.abs(coarse);
      if (size > 1e-12) expect(Math.abs(fine)).toBeLessThan(size / 5.5);
      expect(size).toBeLessThan(2e-5);
    }
  });

  test("agrees with the closed form of linear scores to third order, weights and budgets included", async () => {
    for (const model of ["linear", "half", "logistic", "poisson"] as const) {
      const {
        problem,
        data,
        describe: description,
        threat,
      } = randomCase(model, 11, { weighted: true, budgets: [1, 0, 2] });
      const theta = new Random(3).normals(4);
      const scoreModel = description(data);
      const exact = (rho: number): number => robustRisk({ ...problem, ridge: [0, 0, 0, 0] }, rho, theta).value;
      const error = async (rho: number): Promise<number> =>
        Math.abs((await expandedRobustLoss(scoreModel, threat(3), data, Float64Array.from(theta), rho)) - exact(rho));
      expect(hasClosedForm(scoreModel, threat(3))).toBe(true);
      expect(await error(0)).toBeLessThan(1e-13);
      if (model === "logistic" || model === "poisson") expect(await error(1e-3)).toBeLessThan((await error(2e-3)) / 6);
      expect(await error(1e-3)).toBeLessThan(1e-7);
    }
  });

  test("a row that the model meets exactly: its worst loss grows like ρ²", async () => {
    const X = [
      [1, 2],
      [-1, 0.5],
    ];
    const theta = Float64Array.of(0.5, 1, -2);
    const terms = linearTerms(2, true);
    const y = X.map((x, i) => dot(features(terms, x), theta) + (i === 0 ? 0 : 1));
    const data = matrixDataset(Matrix.fromRows(X), y);
    const rho = 1e-2;
    const N = Math.sqrt(5);
    const truth = 0.5 * (rho * N) ** 2 + 0.5 * (1 + rho * N) ** 2;
    expect(Math.abs((await expandedRobustLoss(linear()(data), lp(2)(2), data, theta, rho)) - truth)).toBeLessThan(
      1e-12,
    );
  });

  test("in a box: what leaves it at once does not count", async () => {
    const { problem, data, describe: description, threat } = randomCase("logistic", 13, { boxed: true, p: INF });
    const theta = new Random(4).normals(4);
    const rho = 1e-3;
    // p = ∞: each coordinate moves by ρ on its own, or by nothing at a bound.
    const truth = problem.X.reduce((sum, x, i) => {
      const g = inputGradient(problem, i, theta);
      const moved = x.map((value, k) => value + rho * Math.sign(g[k]));
      return sum + problem.w[i] * lossOf("logistic", dot(features(problem.terms, moved), theta), problem.y[i])[0];
    }, 0);
    const expanded = await expandedRobustLoss(description(data), threat(3), data, Float64Array.from(theta), rho);
    expect(Math.abs(expanded - truth)).toBeLessThan(1e-8);
    expect(hasClosedForm(description(data), threat(3))).toBe(false);
  });
});
