/** Robust optima of quadratic models against the golden reference, finite differences and the influence function. */
import { describe, expect, test } from "vitest";
import { matrixDataset } from "../../src/data/matrix-dataset.js";
import { fit, influence, lp, quadratic } from "../../src/index.js";
import { Matrix } from "../../src/linalg/matrix.js";
import { attack } from "../../src/robust/attack.js";
import { generalRobustOptimum } from "../../src/robust/general-optimum.js";

import { quadraticRobustHessian } from "../../src/robust/quadratic-robust-hessian.js";
import { quadraticRobustRisk } from "../../src/robust/quadratic-robust-risk.js";
import { exponentOf, golden, goldenData, goldenModel, goldenName, relativeError } from "../golden.js";
import { type ModelName, type Options, randomCase, smoothCase } from "../influence/problems.js";
import { drawsOf } from "../long.js";
import { numericalGradient, Random } from "../models/naive.js";

const INF = Number.POSITIVE_INFINITY;
const CASES = golden.cases.filter(({ robust, model }) => robust && model.startsWith("quadratic"));

test.each(CASES.map((c) => [goldenName(c), c] as const))("golden: %s", async (_, c) => {
  const data = goldenData(c);
  const fitted = await fit(goldenModel(c), data, { l2: c.l2 });
  for (const [epsilon, { theta }] of Object.entries(c.robust ?? {})) {
    const found = await generalRobustOptimum(fitted, lp(exponentOf(c.p))(2), Number(epsilon) * c.c);
    expect(found.method).toBe(c.p === 2 ? "trust-region" : "projected-gradient");
    expect(found.exact).toBe(c.p === 2);
    // The distance that matters is the one from the fit, 5e-4 to 7e-3 of θ.
    expect(relativeError(found.parameters, theta)).toBeLessThan(c.p === 2 ? 1e-11 : 1e-7);
  }
});

const PROBLEMS: [ModelName, Options][] = [
  ["quadratic", { n: 30 }],
  ["quadratic", { n: 30, budgets: [1, 0, 0.5], weighted: true, l2: 0.1 }],
  ["quadratic-logistic", { n: 40, l2: 0.05 }],
  ["quadratic-logistic", { n: 40, l2: 0.05, m: 2, intercept: false }],
];

describe.each(PROBLEMS)("%s %o", (model, options) => {
  test.each([0.02, 0.3, 1])("gradient and Hessian are derivatives of the risk, radius %d", async (radius) => {
    const { data, describe: description, threat, l2, problem } = randomCase(model, 5, options);
    const fitted = await fit(description, data, { l2: l2 || 0.01 });
    const at = (theta: ArrayLike<number>, width: number) =>
      quadraticRobustRisk(fitted, { threat: threat(problem.budgets.length), radius, width }, Float64Array.from(theta));
    const theta = new Random(6).normals(problem.terms.length).map((value) => 0.5 * value);
    const width = 0.05;
    const { gradient, objective, loss } = await at(theta, width);
    const adversary = threat(problem.budgets.length);
    const hessian = await quadraticRobustHessian(
      fitted,
      { threat: adversary, radius, width },
      Float64Array.from(theta),
    );
    const h = 1e-4;
    for (let j = 0; j < theta.length; j++) {
      const step = (sign: number) =>
        at(
          theta.map((value, k) => value + (k === j ? sign * h : 0)),
          width,
        );
      const [above, below] = [await step(1), await step(-1)];
      expect(Math.abs((above.smoothed - below.smoothed) / (2 * h) - gradient[j])).toBeLessThan(
        1e-5 * (1 + Math.abs(gradient[j])),
      );
      for (let k = 0; k <= j; k++) {
        const change = (above.gradient[k] - below.gradient[k]) / (2 * h);
        // The other end of a squared loss that does not count may bend down, by at most the square of the width.
        expect(Math.abs(hessian.data[j * theta.length + k] - change)).toBeLessThan(2e-2 * (1 + Math.abs(change)));
      }
    }
    const exact = await attack(fitted, Float64Array.from(theta), adversary, data, radius);
    expect(Math.abs(exact.robustLoss - loss)).toBeLessThan(1e-12 * loss);
    expect(objective).toBeGreaterThan(loss);
  });

  test.each([0.05, 0.5])("no point nearby has a lower risk, and none far away, radius %d", async (radius) => {
    const random = new Random(9);
    for (let seed = 0; seed < drawsOf(3, 20); seed++) {
      const { data, describe: description, threat, l2, problem } = randomCase(model, 20 + seed, options);
      const fitted = await fit(description, data, { l2: l2 || 0.01 });
      const adversary = threat(problem.budgets.length);
      const found = await generalRobustOptimum(fitted, adversary, radius);
      // At a corner of R that is not between the two ends of a row, descent comes close and does not claim more.
      const slack = found.converged ? 1e-8 : 1e-5;
      if (found.converged) expect(found.gap).toBeLessThan(slack * found.objective);
      else expect(model).toBe("quadratic-logistic");
      const risk = async (theta: Float64Array): Promise<number> => {
        const { robustLoss } = await attack(fitted, theta, adversary, data, radius);
        return theta.reduce((sum, value, j) => sum + 0.5 * fitted.ridge[j] * value * value, robustLoss);
      };
      const least = await risk(found.parameters);
      expect(Math.abs(least - found.objective)).toBeLessThan(1e-12 * least);
      for (let draw = 0; draw < 60; draw++) {
        const length = 10 ** (-5 * random.uniform());
        const there = await risk(found.parameters.map((value) => value + length * random.normal()));
        expect(there).toBeGreaterThan(least - slack * least);
      }
      // Whichever way it is reached.
      const start = Float64Array.from(random.normals(fitted.parameters.length));
      const again = await generalRobustOptimum(fitted, adversary, radius, { start });
      expect(Math.abs(again.objective - found.objective)).toBeLessThan((found.converged ? 1e-7 : 1e-4) * least);
      if (found.converged && again.converged) {
        expect(relativeError(again.parameters, found.parameters)).toBeLessThan(1e-4);
      }
    }
  });
});

test.each([
  ["quadratic", {}],
  ["quadratic", { budgets: [1, 0, 2], weighted: true }],
  ["quadratic-logistic", { n: 60, l2: 0.05 }],
] as [ModelName, Options][])("the derivative at ρ = 0⁺ is the adversarial influence: %s %o", async (model, options) => {
  const { fit: fitted, attack: answer, threat, problem } = await smoothCase(model, 3, options);
  const adversary = threat(problem.budgets.length);
  const per = async (epsilon: number): Promise<Float64Array> => {
    const { parameters } = await generalRobustOptimum(fitted, adversary, epsilon * answer.scale, { tolerance: 1e-12 });
    return parameters.map((value, j) => (value - fitted.parameters[j]) / epsilon);
  };
  const [coarse, fine] = [await per(4e-5), await per(2e-5)];
  const limit = fine.map((value, j) => 2 * value - coarse[j]);
  expect(relativeError(limit, answer.influence)).toBeLessThan(1e-4);
  expect((await influence(fitted, threat)).influence).toEqual(answer.influence);
});

test("nearly collinear columns cost no more steps than others, and a start far off does not widen the corners", async () => {
  const random = new Random(31);
  const rows = random.rows(400, 4).map(([a, b, c, e]) => [a, a + 3e-3 * b, c, e]);
  const y = rows.map(([a, , c, e]) => a + c - e + 0.5 * c * e + random.normal());
  const fitted = await fit(quadratic(), matrixDataset(new Matrix(Float64Array.from(rows.flat()), 400, 4), y));
  for (const radius of [0.005, 0.05, 0.3]) {
    const found = await generalRobustOptimum(fitted, lp(2), radius);
    expect(found.converged).toBe(true);
    expect(found.iterations).toBeLessThan(60);
    // The fit's coefficients are large along the small difference: its loss under attack is many times that of the optimum.
    expect(found.gap).toBeLessThan(2e-9 * found.objective);
    const risk = async (theta: Float64Array): Promise<number> =>
      (await attack(fitted, theta, lp(2)(4), fitted.data, radius)).robustLoss;
    for (let draw = 0; draw < 40; draw++) {
      const length = 10 ** (-6 * random.uniform());
      const there = await risk(found.parameters.map((value) => value + length * random.normal()));
      expect(there).toBeGreaterThan(found.objective * (1 - 2e-9));
    }
  }
});

test("scores linear in x have the closed form, and no radius gives the fit back", async () => {
  const { data, describe: description, threat } = randomCase("logistic", 4, { l2: 0.1, n: 60 });
  const fitted = await fit(description, data, { l2: 0.1 });
  const found = await generalRobustOptimum(fitted, threat(3), 0.2);
  expect([found.method, found.exact, found.converged]).toEqual(["closed-form", true, true]);
  const quad = randomCase("quadratic", 4, { n: 60 });
  const plain = await fit(quad.describe, quad.data);
  const still = await generalRobustOptimum(plain, quad.threat(3), 0);
  expect(relativeError(still.parameters, plain.parameters)).toBeLessThan(1e-9);
  expect(Math.abs(still.robustLoss - plain.trainingLoss)).toBeLessThan(1e-12);
  await expect(generalRobustOptimum(plain, quad.threat(3), -1)).rejects.toMatchObject({ code: "usage" });
  const start = new Float64Array(2);
  await expect(generalRobustOptimum(plain, quad.threat(3), 1, { start })).rejects.toMatchObject({ code: "usage" });
});

test("a gradient by the projected search is the derivative of what it found", async () => {
  const { data, describe: description, threat, problem } = randomCase("basis", 8, { n: 20, p: INF });
  const fitted = await fit(description, data);
  const theta = new Random(3).normals(problem.terms.length);
  const { attackedRisk } = await import("../../src/robust/attacked-risk.js");
  const { prepareAttack } = await import("../../src/robust/attack.js");
  const at = (point: ArrayLike<number>) => {
    const parameters = Float64Array.from(point);
    return attackedRisk(fitted, parameters, prepareAttack(fitted.model, threat(3), parameters, 0.1, {}));
  };
  const here = await at(theta);
  const values = new Map<string, number>();
  const plan: number[][] = [];
  numericalGradient((point) => (plan.push(point), 0), theta);
  for (const point of plan) values.set(String(point), (await at(point)).objective);
  const truth = numericalGradient((point) => values.get(String(point)) ?? Number.NaN, theta);
  expect(relativeError(here.gradient, truth)).toBeLessThan(1e-6);
});
