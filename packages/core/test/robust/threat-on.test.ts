/** Adversaries as users hold them: described for any number of features, or made for one. */
import { describe, expect, test } from "vitest";
import {
  adversarialTraining,
  attack,
  dualityGap,
  empiricalWorstCase,
  empRobustOptimum,
  fit,
  generalRobustOptimum,
  linear,
  lp,
  Matrix,
  matrixDataset,
  radiusScale,
  robustOptimum,
  robustPath,
  worstPerturbations,
} from "../../src/index.js";
import { Random } from "../models/naive.js";

const random = new Random(4);
const X = Array.from({ length: 30 }, () => [random.normal(), random.normal()]);
const y = X.map((x) => x[0] - 2 * x[1] + random.normal());
const data = matrixDataset(Matrix.fromRows(X), y);
const described = lp(2, { budgets: [1, 0.5] });
const made = described(2);
const fitted = await fit(linear(), data);
const theta = fitted.parameters;

const CALLS = {
  robustOptimum: async (threat: typeof described | typeof made) => (await robustOptimum(fitted, threat, 0.1)).objective,
  robustPath: async (threat: typeof described | typeof made) => (await robustPath(fitted, threat)).collapseRadius,
  attack: async (threat: typeof described | typeof made) => (await attack(fitted, theta, threat, data, 0.1)).robustLoss,
  worstPerturbations: async (threat: typeof described | typeof made) =>
    (await worstPerturbations(fitted, theta, threat, data, 0.1)).robustLoss,
  adversarialTraining: async (threat: typeof described | typeof made) =>
    (await adversarialTraining(fitted, threat, 0.1, { outerSteps: 2 })).robustLoss,
  generalRobustOptimum: async (threat: typeof described | typeof made) =>
    (await generalRobustOptimum(fitted, threat, 0.1)).objective,
  empRobustOptimum: async (threat: typeof described | typeof made) =>
    (await empRobustOptimum(fitted, threat, 2, 0.1)).objective,
  empiricalWorstCase: async (threat: typeof described | typeof made) =>
    (await empiricalWorstCase(fitted.model, data, theta, threat, 2, 0.1)).loss,
  dualityGap: async (threat: typeof described | typeof made) =>
    (await dualityGap(fitted, threat, 0.1, theta))?.objective,
};

describe("every exact optimum, attack and bound", () => {
  test.each(Object.entries(CALLS))("%s takes a description", async (_, call) => {
    expect(await call(described)).toBe(await call(made));
    await expect(call(lp(2)(3))).rejects.toMatchObject({ code: "usage" });
    await expect(call(undefined as unknown as typeof made)).rejects.toMatchObject({ code: "usage" });
  });
});

describe("parameters", () => {
  test("plain arrays are read, numbers that are none refused", async () => {
    const same = await attack(fitted, [...theta], described, data, 0.1);
    expect(same.robustLoss).toBe((await attack(fitted, theta, described, data, 0.1)).robustLoss);
    const bad = [Number.NaN, 0, 0];
    await expect(attack(fitted, bad, described, data, 0.1)).rejects.toThrow(/number 0 is NaN/);
    await expect(dualityGap(fitted, described, 0.1, bad)).rejects.toThrow(/finite/);
    await expect(empiricalWorstCase(fitted.model, data, bad, described, 2, 0.1)).rejects.toThrow(/finite/);
    await expect(robustOptimum(fitted, described, 0.1, { start: bad })).rejects.toThrow(/start must be finite/);
    await expect(attack(fitted, [1], described, data, 0.1)).rejects.toThrow(/3 numbers/);
  });
});

test("c is the weighted mean of the rows' norms in units of the budgets", async () => {
  const truth = X.reduce((sum, x) => sum + Math.hypot(x[0], x[1] / 0.5) / X.length, 0);
  expect(Math.abs((await radiusScale(data, described)) - truth)).toBeLessThan(1e-14);
  expect(await radiusScale(data, made)).toBe(await radiusScale(data, described));
});
