/** Cross-fitting against refitting on the other folds, one after the other. */
import { describe, expect, test } from "vitest";
import {
  AifError,
  assignFolds,
  crossFit,
  type Dataset,
  fit,
  freeRadius,
  influence,
  LOSSES,
  localSensitivity,
  lp,
  Matrix,
  type ModelDescription,
  matrixDataset,
  naturalLoss,
  poisson,
  predictedChange,
  sensitivity,
} from "../../src/index.js";
import { dot, features, linearTerms, lossOf, Random, type Rows, relativeError, type Term } from "../models/naive.js";
import { describeModel, MODELS, randomCase } from "./problems.js";

const INF = Number.POSITIVE_INFINITY;
const NORMS = [1, 1.5, 2, INF];

/** Scores and shifts of the rows of each fold under a fit of its own on all others. */
async function naive(
  description: ModelDescription,
  data: Dataset,
  X: Rows,
  terms: readonly Term[],
  foldOf: Uint16Array,
  folds: number,
  l2: number,
  threat: ReturnType<typeof lp>,
) {
  const scores = new Float64Array(data.rows);
  const shifts = new Float64Array(data.rows);
  const parts = [];
  for (let k = 0; k < folds; k++) {
    const others = Int32Array.from([...foldOf.keys()].filter((i) => foldOf[i] !== k));
    const without = await fit(description, data.select(others), { l2 });
    const attack = await influence(without, threat);
    parts.push({ parameters: without.parameters, influence: attack.influence, scale: attack.scale });
    foldOf.forEach((fold, i) => {
      if (fold !== k) return;
      const v = features(terms, X[i]);
      scores[i] = dot(v, without.parameters);
      shifts[i] = dot(v, attack.influence);
    });
  }
  return { scores, shifts, parts };
}

describe.each(MODELS)("%s", (model) => {
  test.each([
    { l2: 0, weighted: false, intercept: true },
    { l2: 0.1, weighted: true, intercept: true },
    { l2: 0.02, weighted: false, intercept: false },
    { l2: 0.05, weighted: false, intercept: true, budgets: [1, 0, 0.5] },
    { l2: 0.05, weighted: true, intercept: true, boxed: true },
  ])("%o", async (options) => {
    const { problem, data, describe: description } = randomCase(model, 71, { ...options, n: 120 });
    const { l2, budgets, boxed } = { budgets: [1, 1, 1], boxed: false, ...options };
    const random = new Random(2);
    const foldOf = Uint16Array.from(problem.y, () => random.below(5));
    const full = await fit(description, data, { l2 });
    const bounds = { lower: [-1.2, -1.2, -1.2], upper: [1.2, 1.2, 1.2] };
    const threats = NORMS.map((p) => lp(p, boxed ? { budgets, bounds } : { budgets }));
    const attacks = [];
    for (const threat of threats) attacks.push(await influence(full, threat));
    const crossed = await crossFit(full, attacks, foldOf, 5);
    for (const [t, threat] of threats.entries()) {
      const truth = await naive(description, data, problem.X, problem.terms, foldOf, 5, l2, threat);
      expect(relativeError(crossed[t].scores, truth.scores)).toBeLessThan(1e-8);
      expect(relativeError(crossed[t].shifts, truth.shifts)).toBeLessThan(1e-8);
      expect(crossed[t].singularFolds).toBe(0);
      truth.parts.forEach((part, k) => {
        const own = crossed[t].folds[k];
        expect(relativeError(own.parameters, part.parameters)).toBeLessThan(1e-8);
        expect(relativeError(own.influence, part.influence)).toBeLessThan(1e-8);
        expect(relativeError([own.scale], [part.scale])).toBeLessThan(1e-12);
      });
      expect([...crossed[t].foldOf]).toEqual([...foldOf]);
    }
  });

  test("slope and curvature are those of the held-out loss along ε", async () => {
    const { data, describe: description, problem } = randomCase(model, 72, { n: 90, weighted: true });
    const foldOf = Uint16Array.from(problem.y, (_, i) => i % 6);
    const full = await fit(description, data, { l2: 0.05 });
    const [rows] = await crossFit(full, [await influence(full, lp(2))], foldOf, 6);
    const heldOut = (epsilon: number): number =>
      problem.w.reduce(
        (sum, w, i) => sum + w * lossOf(problem.loss, rows.scores[i] + epsilon * rows.shifts[i], problem.y[i])[0],
        0,
      );
    const { slope, curvature, slopeStandardError } = localSensitivity(rows);
    const h = 1e-3;
    const first = (8 * (heldOut(h) - heldOut(-h)) - (heldOut(2 * h) - heldOut(-2 * h))) / (12 * h);
    const second = (heldOut(h) - 2 * heldOut(0) + heldOut(-h)) / (h * h);
    expect(Math.abs(slope - first)).toBeLessThan(1e-8 * (1 + Math.abs(first)));
    expect(Math.abs(curvature - second / 2)).toBeLessThan(1e-5 * (1 + Math.abs(second)));
    for (const epsilon of [0, 0.03, 0.4]) {
      expect(relativeError([naturalLoss(rows, epsilon)], [heldOut(epsilon)])).toBeLessThan(1e-12);
      expect(Math.abs(predictedChange(rows, epsilon) - (heldOut(epsilon) - heldOut(0)))).toBeLessThan(
        1e-12 * heldOut(0) + 1e-14,
      );
    }
    // Standard error of a weighted mean, given the fit.
    const pulls = problem.y.map((y, i) => lossOf(problem.loss, rows.scores[i], y)[1] * rows.shifts[i]);
    const mean = dot(pulls, problem.w);
    const variance = pulls.reduce((sum, pull, i) => sum + (problem.w[i] * (pull - mean)) ** 2, 0);
    expect(relativeError([slopeStandardError], [Math.sqrt(variance)])).toBeLessThan(1e-12);
    // Where slope·ε + curvature·ε² is 0 again, and nowhere when it never falls.
    const free = freeRadius({ slope: -2, curvature: 4, slopeStandardError: 0 });
    expect(free).toBe(0.5);
    expect(freeRadius({ slope: 2, curvature: 4, slopeStandardError: 0 })).toBeNull();
    expect(freeRadius({ slope: 0, curvature: 0, slopeStandardError: 0 })).toBeNull();
  });
});

test("the standard error is sd/√n for equal weights", () => {
  const random = new Random(3);
  const [n, y] = [500, new Float64Array(500)];
  const scores = Float64Array.from(random.normals(n));
  const shifts = new Float64Array(n).fill(1);
  // ℓ' = f − y is the score itself.
  const loss = LOSSES["half-squared"];
  const { slopeStandardError } = localSensitivity({ loss, y, w: new Float64Array(n).fill(1 / n), scores, shifts });
  const mean = scores.reduce((sum, f) => sum + f, 0) / n;
  const sd = Math.sqrt(scores.reduce((sum, f) => sum + (f - mean) ** 2, 0) / n);
  expect(relativeError([slopeStandardError], [sd / Math.sqrt(n)])).toBeLessThan(1e-12);
});

describe("folds that change much", () => {
  test.each([
    ["logistic", 40, 2, 5],
    ["logistic", 36, 3, 2],
    ["poisson", 40, 2, 7],
    ["poisson", 30, 3, 9],
    ["poisson", 24, 4, 1],
    ["quadratic-logistic", 150, 2, 4],
  ] as const)(
    "%s on %d rows, %d folds (seed %d): half of the rows or few rows are left",
    async (model, n, folds, seed) => {
      // Every fold has a fit of its own, so the cross-fit has one too.
      for (let attempt = 0; attempt < 6; attempt++) {
        const { problem, data, describe: description } = randomCase(model, 900 + seed + 31 * attempt, { n });
        const foldOf = Uint16Array.from(problem.y, (_, i) => i % folds);
        let truth: Awaited<ReturnType<typeof naive>>;
        let full: Awaited<ReturnType<typeof fit>>;
        try {
          full = await fit(description, data);
          truth = await naive(description, data, problem.X, problem.terms, foldOf, folds, 0, lp(2));
        } catch {
          continue;
        }
        const [crossed] = await crossFit(full, [await influence(full, lp(2))], foldOf, folds);
        expect(relativeError(crossed.scores, truth.scores)).toBeLessThan(1e-7);
        expect(relativeError(crossed.shifts, truth.shifts)).toBeLessThan(1e-7);
      }
    },
  );

  test("a fold that holds the large counts of a Poisson model", async () => {
    const random = new Random(6);
    const X = random.rows(60, 2);
    const y = X.map((_, i) => (i % 3 === 0 ? 200 + random.below(50) : random.below(3)));
    const data = matrixDataset(Matrix.fromRows(X), y);
    const foldOf = Uint16Array.from(y, (_, i) => i % 3);
    const full = await fit(poisson(), data);
    const [crossed] = await crossFit(full, [await influence(full, lp(2))], foldOf, 3);
    const truth = await naive(poisson(), data, X, linearTerms(2, true), foldOf, 3, 0, lp(2));
    expect(relativeError(crossed.scores, truth.scores)).toBeLessThan(1e-8);
    expect(relativeError(crossed.shifts, truth.shifts)).toBeLessThan(1e-8);
  });
});

describe("folds without which a fit is not determined", () => {
  /** A level that occurs in fold 0 only. */
  const rare = (model: "linear" | "logistic") => {
    const random = new Random(12);
    const n = 60;
    const X = Array.from({ length: n }, (_, i) => [random.normal(), i % 5 === 0 && i < 30 ? 1 : 0]);
    const foldOf = Uint16Array.from({ length: n }, (_, i) => i % 5);
    const y = X.map((x, i) =>
      model === "linear" ? x[0] + 5 * x[1] + random.normal() : (i % 10 === 0) !== random.uniform() < 0.3 ? 1 : -1,
    );
    return { X, y, foldOf, data: matrixDataset(Matrix.fromRows(X), y) };
  };

  test.each(["linear", "logistic"] as const)(
    "%s: a rare level is not known to the fit that has not seen it",
    async (model) => {
      const { X, y, foldOf, data } = rare(model);
      const description = describeModel(model, true);
      const full = await fit(description, data);
      const threat = lp(2, { budgets: [1, 0] });
      const [crossed] = await crossFit(full, [await influence(full, threat)], foldOf, 5);
      expect(crossed.singularFolds).toBe(1);
      // The fit of fold 0 must not depend on the targets of fold 0.
      const others = y.map((target, i) => (foldOf[i] === 0 ? (model === "linear" ? target + 10 : -target) : target));
      const changed = matrixDataset(Matrix.fromRows(X), others);
      const fullChanged = await fit(description, changed);
      const [again] = await crossFit(fullChanged, [await influence(fullChanged, threat)], foldOf, 5);
      expect(relativeError(again.folds[0].parameters, crossed.folds[0].parameters)).toBeLessThan(1e-7);
      expect(relativeError(again.folds[0].influence, crossed.folds[0].influence)).toBeLessThan(1e-7);
      const truth = await naive(description, data, X, linearTerms(2, true), foldOf, 5, 0, threat);
      expect(relativeError(crossed.scores, truth.scores)).toBeLessThan(1e-7);
      expect(relativeError(crossed.shifts, truth.shifts)).toBeLessThan(1e-7);
    },
  );

  test("all of the rows in one fold", async () => {
    const { data } = rare("linear");
    const full = await fit(describeModel("linear", true), data);
    const attack = await influence(full, lp(2));
    await expect(crossFit(full, [attack], new Uint16Array(data.rows), 2)).rejects.toMatchObject({ code: "numerical" });
  });

  test("a fold without which the classes are separated is refused", async () => {
    const x = [-3, -2, -1, -0.5, 0.5, 1, 2, 3, 2.5];
    const y = [-1, -1, -1, -1, 1, 1, 1, 1, -1];
    const data = matrixDataset(Matrix.fromRows(x.map((value) => [value])), y);
    const full = await fit(describeModel("logistic", true), data);
    const attack = await influence(full, lp(2));
    // Row 8 alone keeps the classes from being separated.
    const foldOf = Uint16Array.from(x, (_, i) => (i === 8 ? 0 : 1 + (i % 2)));
    const refused = crossFit(full, [attack], foldOf, 3);
    await expect(refused).rejects.toBeInstanceOf(AifError);
    await expect(refused).rejects.toMatchObject({ code: "numerical" });
  });
});

test("kinks of the folds' own fits: rows that every fit goes through", async () => {
  // y is exactly linear: every residual of every fold is 0, and signs of rounding errors must not decide.
  const random = new Random(13);
  const X = random.rows(30, 2);
  const data = matrixDataset(
    Matrix.fromRows(X),
    X.map((x) => 1 + 2 * x[0] - 3 * x[1]),
  );
  const foldOf = Uint16Array.from(X, (_, i) => i % 3);
  const description = describeModel("linear", true);
  const full = await fit(description, data);
  const [crossed] = await crossFit(full, [await influence(full, lp(2))], foldOf, 3);
  const truth = await naive(description, data, X, linearTerms(2, true), foldOf, 3, 0, lp(2));
  crossed.shifts.forEach((shift, i) => expect(Math.abs(shift - truth.shifts[i])).toBeLessThan(1e-8));
});

describe("sensitivity()", () => {
  test.each(["linear", "logistic", "quadratic"] as const)(
    "%s: puts together what its parts say, on the rows it names",
    async (model) => {
      const { problem, data, describe: description } = randomCase(model, 77, { n: 100, weighted: true });
      const full = await fit(description, data, { l2: 0.05 });
      const attack = await influence(full, lp(2));
      const epsilons = [0.02, 0.2];
      const lossAt = (scores: readonly number[], w: ArrayLike<number>): number =>
        scores.reduce((sum, f, i) => sum + w[i] * lossOf(problem.loss, f, problem.y[i])[0], 0);
      const V = problem.X.map((x) => features(problem.terms, x));
      const moved = (epsilon: number) => V.map((v) => dot(v, full.parameters) + epsilon * dot(v, attack.influence));
      const training = await sensitivity(attack, { on: "training", epsilons });
      const given = await sensitivity(attack, { on: data, epsilons });
      const heldOut = await sensitivity(attack, { on: { folds: 5, seed: 3 }, epsilons });
      expect([training.estimand, given.estimand, heldOut.estimand]).toEqual([
        "training rows",
        "given rows",
        "held-out rows",
      ]);
      expect(relativeError([training.naturalLoss], [lossAt(moved(0), problem.w)])).toBeLessThan(1e-12);
      training.curve.forEach(({ epsilon, radius, predicted }, k) => {
        expect(epsilon).toBe(epsilons[k]);
        expect(relativeError([radius], [epsilon * attack.scale])).toBeLessThan(1e-14);
        const truth = lossAt(moved(epsilon), problem.w) - lossAt(moved(0), problem.w);
        expect(Math.abs(predicted - truth)).toBeLessThan(1e-12);
        // The same rows, given by hand.
        expect(Math.abs(given.curve[k].predicted - predicted)).toBeLessThan(1e-12);
        expect(relativeError([given.curve[k].robustLoss], [training.curve[k].robustLoss])).toBeLessThan(1e-12);
      });
      const foldOf = assignFolds(100, 5, 3, model === "logistic" ? { strata: data.y } : {});
      const [rows] = await crossFit(full, [attack], foldOf, 5);
      expect(relativeError([heldOut.naturalLoss], [naturalLoss(rows, 0)])).toBeLessThan(1e-12);
      heldOut.curve.forEach(({ epsilon, predicted }) =>
        expect(Math.abs(predicted - predictedChange(rows, epsilon))).toBeLessThan(1e-12),
      );
      expect(heldOut.freeRadius).toEqual(freeRadius(localSensitivity(rows)));
    },
  );
});
