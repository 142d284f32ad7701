/** Models with closed forms, written as losses of one's own: the same Φ, I, sensitivities and shares. */
import { describe, expect, test } from "vitest";
import { fit, influence, linear, lp, Matrix, matrixDataset, type ThreatDescription } from "../../../src/index.js";
import { scoreShifts } from "../../../src/influence/aif.js";
import { naturalHessianTimes, rowContributions } from "../../../src/influence/contributions.js";
import { lossSlopes, rowLosses } from "../../../src/influence/local/changes.js";
import { localRowContributions, naturalCurvatureTimes } from "../../../src/influence/local/contributions.js";
import { localInfluence, localInfluences } from "../../../src/influence/local/influence.js";
import { pointAt } from "../../../src/influence/local/point.js";
import { localSensitivity, predictedChange } from "../../../src/influence/moving-rows.js";
import type { Model } from "../../../src/models/model.js";
import { empiricalWorstCase } from "../../../src/robust/emp.js";
import { jointModelAttack } from "../../../src/robust/joint-model-attack.js";
import { divergence } from "../../../src/threats/divergence.js";
import { wasserstein } from "../../../src/threats/wasserstein.js";
import { dot, pNorm, relativeError } from "../../models/naive.js";
import { type ModelName, type Options, randomCase, smoothCase } from "../problems.js";
import { expansionOf, rowChanges } from "./expansion.js";
import { userLoss } from "./user-losses.js";

const INF = Number.POSITIVE_INFINITY;
const NAMES: readonly ModelName[] = ["linear", "half", "logistic", "poisson", "quadratic", "quadratic-logistic"];
const SETTINGS: readonly Options[] = [
  { p: 1, n: 40, l2: 0.05 },
  { p: 1.5, n: 40, weighted: true, l2: 0.02, budgets: [1, 0, 0.4] },
  { p: 2, n: 40, weighted: true },
  { p: 3, n: 40, l2: 0.3, intercept: false },
  { p: INF, n: 40, weighted: true, l2: 0.1, budgets: [2, 1, 0.5] },
  { p: 2, n: 40, l2: 0.1, boxed: true, weighted: true },
  { p: INF, n: 40, l2: 0.1, boxed: true, budgets: [1, 0, 1] },
];
const CASES = NAMES.flatMap((name) => SETTINGS.map((options, k) => [name, k, options] as const));

describe.each(CASES)("%s, setting %d", (name, k, options) => {
  test("equals the closed form", async () => {
    const made = await smoothCase(name, 900 + k, options);
    const { attack, data, fit: fitted, threat, l2 } = made;
    const model = userLoss(name, 3, options.intercept ?? true);
    const point = await pointAt(model, data, fitted.parameters, { l2 });
    expect(point.gradientNorm).toBeLessThan(1e-11);
    expect(point.trainingLoss).toBeCloseTo(fitted.trainingLoss, 12);
    const local = await localInfluence(point, threat);
    expect(local.solver.name).toBe("cholesky");
    expect(local.solver.converged).toBe(true);
    expect(Math.abs(local.scale / attack.scale - 1)).toBeLessThan(1e-14);
    expect(relativeError(local.rowScales, attack.rowScales)).toBeLessThan(1e-14);
    expect(Math.abs(local.penalty / attack.penalty - 1)).toBeLessThan(1e-12);
    expect(relativeError(local.penaltyGradient, attack.penaltyGradient)).toBeLessThan(1e-11);
    expect(relativeError(local.influence, attack.influence)).toBeLessThan(1e-11);
    expect(local.local.newtonDecrement).toBeLessThan(1e-20);

    const shifts = await scoreShifts(attack);
    const rows = { loss: fitted.model.loss, y: data.y, w: data.weights, scores: fitted.scores, shifts };
    const expected = localSensitivity(rows);
    const expansion = await expansionOf(local, data);
    // The slope is a small difference of the rows' slopes: on the scale of what they add up to.
    expect(Math.abs(expansion.slope - expected.slope)).toBeLessThan(
      1e-11 * (expected.slopeStandardError + expected.curvature),
    );
    expect(Math.abs(expansion.slopeStandardError / expected.slopeStandardError - 1)).toBeLessThan(1e-11);
    expect(Math.abs(expansion.curvature / expected.curvature - 1)).toBeLessThan(1e-11);
    const change = dot(await rowChanges(local, data, 0.3), data.weights);
    const predicted = predictedChange(rows, 0.3);
    expect(Math.abs(change - predicted)).toBeLessThan(1e-11 * (Math.abs(predicted) + Math.abs(fitted.trainingLoss)));

    const curved = naturalHessianTimes(fitted, attack.influence);
    expect(relativeError(await naturalCurvatureTimes(local, local.influence), curved)).toBeLessThan(1e-10);
    const wanted = await rowContributions(attack, curved);
    expect(relativeError(await localRowContributions(local, curved), wanted)).toBeLessThan(1e-11);
  });
});

test.each([1, 1.5, 2, 6])("rows that share one budget, u = %d", async (u) => {
  for (const name of ["linear", "logistic", "quadratic"] as const) {
    const made = await smoothCase(name, 40 + u, { p: 2, n: 30, l2: 0.1, weighted: true });
    const description = wasserstein(u, made.threat);
    const attack = await influence(made.fit, description);
    const point = await pointAt(userLoss(name, 3, true), made.data, made.fit.parameters, { l2: made.l2 });
    const local = await localInfluence(point, description);
    expect(Math.abs(local.penalty / attack.penalty - 1)).toBeLessThan(1e-12);
    expect(relativeError(local.penaltyGradient, attack.penaltyGradient)).toBeLessThan(1e-11);
    expect(relativeError(local.influence, attack.influence)).toBeLessThan(1e-11);
    const total = (await localRowContributions(local, point.parameters)).reduce((sum, value) => sum + value, 0);
    const wanted = (await rowContributions(attack, point.parameters)).reduce((sum, value) => sum + value, 0);
    expect(Math.abs(total - wanted)).toBeLessThan(1e-11 * Math.abs(wanted));
  }
});

test.each(["chi2", "kl"] as const)("rows that are reweighted, %s", async (ball) => {
  for (const name of ["linear", "logistic", "poisson", "quadratic"] as const) {
    const made = await smoothCase(name, 71, { p: 2, n: 30, l2: 0.1, weighted: true });
    const attack = await influence(made.fit, divergence(ball));
    const point = await pointAt(userLoss(name, 3, true), made.data, made.fit.parameters, { l2: made.l2 });
    const [local, beside] = await localInfluences(point, [divergence(ball), lp(2)]);
    expect(relativeError([local.penalty], [attack.penalty])).toBeLessThan(1e-12);
    expect(local.kinks).toEqual({ zeroGradients: 0, zeroCoordinates: 0, ties: 0, tiedRows: 0 });
    expect(relativeError(local.influence, attack.influence)).toBeLessThan(1e-10);
    expect(relativeError(beside.influence, (await influence(made.fit, lp(2))).influence)).toBeLessThan(1e-10);
    const shares = await localRowContributions(local, point.parameters);
    expect(relativeError(shares, await rowContributions(attack, point.parameters))).toBeLessThan(1e-10);
  }
});

test.each([1, 1.5, 2, 4])("the search for one budget finds the exact worst case, u = %d", async (u) => {
  for (const name of ["linear", "logistic", "poisson"] as const) {
    for (const p of [1, 2, INF]) {
      const made = await smoothCase(name, 83, { p, n: 25, l2: 0.1, weighted: true });
      const theta = made.fit.parameters;
      const threat = wasserstein(u, made.threat)(3);
      const truth = await empiricalWorstCase(made.fit.model, made.data, theta, made.threat, u, 0.15);
      const model = userLoss(name, 3, true);
      const found = await jointModelAttack(model, theta, threat, made.data, 0.15);
      expect(found.risk).toBeLessThanOrEqual(truth.loss * (1 + 1e-12));
      // Where the worst case is at a corner that no gradient leads to, the search stays below it.
      expect(found.risk).toBeGreaterThan(truth.loss - 1e-5 * Math.abs(truth.loss));
      const sizes = made.data.weights.map((w, i) => w * pNorm([...(found.perturbations?.row(i) ?? [])], p) ** u);
      expect(sizes.reduce((sum, s) => sum + s, 0) ** (1 / u)).toBeLessThanOrEqual(0.15 * (1 + 1e-12));
    }
  }
});

test("several threats share one solution, and every solver finds it", async () => {
  const made = await smoothCase("logistic", 7, { p: 2, n: 60, l2: 0.05 });
  const point = await pointAt(userLoss("logistic", 3, true), made.data, made.fit.parameters, { l2: made.l2 });
  const threats: ThreatDescription[] = [lp(1), lp(2), lp(INF)];
  const damping = 0.02;
  const dense = await localInfluences(point, threats, { damping });
  const iterated = await localInfluences(point, threats, { damping, solver: "cg", tolerance: 1e-12 });
  const sketched = await localInfluences(point, threats, { damping, solver: "nystrom" });
  const sampled = await localInfluences(point, threats, { damping, solver: "lissa", tolerance: 1e-6 });
  for (const [t, { influence: I, solver, local }] of dense.entries()) {
    const alone = await localInfluence(point, threats[t], { damping });
    expect(relativeError(I, alone.influence)).toBeLessThan(1e-14);
    expect(relativeError(iterated[t].influence, I)).toBeLessThan(1e-11);
    expect(relativeError(sketched[t].influence, I)).toBeLessThan(1e-6);
    expect(relativeError(sampled[t].influence, I)).toBeLessThan(1e-4);
    expect(solver.relativeResidual).toBeLessThan(1e-14);
    expect(Math.abs((iterated[t].local.smallestEigenvalue ?? 0) / (local.smallestEigenvalue ?? 1) - 1)).toBeLessThan(
      1e-6,
    );
  }
});

test("a model without tangents gives the same row by row", async () => {
  const made = await smoothCase("quadratic-logistic", 12, { p: 3, n: 30, l2: 0.1, weighted: true });
  const model = userLoss("quadratic-logistic", 3, true);
  const { lossSlopes: _slopes, inputGradientSlopes: _tangents, ...bare } = model;
  const [whole, plain] = await Promise.all(
    [model, bare satisfies Model].map(async (one) => {
      const point = await pointAt(one, made.data, made.fit.parameters, { l2: made.l2 });
      return localInfluence(point, made.threat);
    }),
  );
  const metric = whole.point.parameters;
  expect(
    relativeError(await localRowContributions(plain, metric), await localRowContributions(whole, metric)),
  ).toBeLessThan(1e-12);
  const slopes = await lossSlopes(model, metric, made.data, whole.influence);
  expect(relativeError(await lossSlopes(bare, metric, made.data, whole.influence), slopes)).toBeLessThan(1e-12);
  // The slopes are those of the losses.
  const at = (t: number) =>
    rowLosses(
      model,
      metric.map((value, j) => value + t * whole.influence[j]),
      made.data,
    );
  const [up, down, up2, down2] = await Promise.all([1e-3, -1e-3, 2e-3, -2e-3].map(at));
  const numerical = up.map((value, i) => (8 * (value - down[i]) - (up2[i] - down2[i])) / 12e-3);
  expect(relativeError(numerical, slopes)).toBeLessThan(1e-9);
});

test("a singular Hessian: the response of least length where there is one, an error where there is none", async () => {
  // The third column is the sum of the others. The shortest fit has no part along (1, 1, −1), nor has φ(β) for p = 2.
  const { data, problem } = randomCase("linear", 5, { n: 30 });
  const singular = matrixDataset(Matrix.fromRows(problem.X.map(([a, b]) => [a, b, a + b])), data.y);
  const fitted = await fit(linear({ loss: "half-squared" }), singular);
  const point = await pointAt(userLoss("half", 3, true), singular, fitted.parameters);
  const found = await localInfluence(point, lp(2));
  expect(found.solver).toMatchObject({ name: "pseudo-inverse", rank: 3, converged: true });
  expect(relativeError(found.influence, (await influence(fitted, lp(2))).influence)).toBeLessThan(1e-11);
  await expect(localInfluence(point, lp(INF))).rejects.toThrow(
    /singular \(rank 3 of 4 parameters, 30 rows\).*add a damping such as --damping 0\.001, or a ridge such as --l2 0\.01/,
  );
  const damped = await localInfluence(point, lp(INF), { damping: 1e-3 });
  expect(damped.solver).toMatchObject({ name: "cholesky", rank: 4 });
});
