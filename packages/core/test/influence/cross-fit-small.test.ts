/** Cross-fitting on a few rows, in blocks of a few, against fits on the other folds one after the other. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  crossFit,
  type Dataset,
  ensureBlas,
  fit,
  type Influence,
  influence,
  linear,
  logistic,
  lp,
  Matrix,
  type ModelDescription,
  matrixDataset,
  type ThreatDescription,
} from "../../src/index.js";
import { outsideOf, refitsFolds } from "../../src/influence/cross-fit.js";
import { otherRows } from "../../src/influence/evaluated-rows.js";
import {
  fitFoldSums,
  foldGradients,
  leaveOutFits,
  leaveOutHessians,
  leaveOutRows,
  namingFold,
  refitFold,
  withRidge,
} from "../../src/influence/leave-out-fits.js";
import {
  foldProduct,
  foldPulls,
  foldSizes,
  keptFoldProduct,
  leaveOutInfluence,
  scaledColumns,
  scalesOutside,
} from "../../src/influence/leave-out-influence.js";
import { principalComponents } from "../../src/models/projection/principal-components.js";
import { projected } from "../../src/models/projection/projected-score.js";
import { lasso } from "../../src/solvers/lasso/lasso.js";
import { wasserstein } from "../../src/threats/wasserstein.js";
import { dot, features, gradient, hessian, type Problem, Random, relativeError, solve } from "../models/naive.js";
import { Cut } from "./cut.js";
import { type ModelName, randomCase } from "./problems.js";

beforeAll(() => ensureBlas());

const INF = Number.POSITIVE_INFINITY;
const K = 3;
const foldsOf = (n: number): Uint16Array => Uint16Array.from({ length: n }, (_, i) => (7 * i + (i >> 2)) % K);

/** The problem of the rows outside a fold, weights summing to 1 again. */
function outsideProblem(problem: Problem, foldOf: Uint16Array, k: number): Problem {
  const rows = problem.y.flatMap((_, i) => (foldOf[i] === k ? [] : [i]));
  const total = rows.reduce((sum, i) => sum + problem.w[i], 0);
  return {
    ...problem,
    X: rows.map((i) => problem.X[i]),
    y: rows.map((i) => problem.y[i]),
    w: rows.map((i) => problem.w[i] / total),
  };
}

const dataOf = ({ X, y, w }: Problem): Dataset =>
  matrixDataset(Matrix.fromRows(X.map((x) => [...x])), [...y], { weights: [...w] });

/** θ, I and c of each fold by a whole fit, and the rows under them. */
async function naive(
  describeModel: ModelDescription,
  problem: Problem,
  foldOf: Uint16Array,
  l2: number,
  threat: ThreatDescription,
) {
  const scores = new Float64Array(problem.y.length);
  const shifts = new Float64Array(problem.y.length);
  const parts: Influence[] = [];
  for (let k = 0; k < K; k++) {
    const attack = await influence(
      await fit(describeModel, dataOf(outsideProblem(problem, foldOf, k)), { l2 }),
      threat,
    );
    parts.push(attack);
    foldOf.forEach((fold, i) => {
      if (fold !== k) return;
      const v = features(problem.terms, problem.X[i]);
      scores[i] = dot(v, attack.fit.parameters);
      shifts[i] = dot(v, attack.influence);
    });
  }
  return { scores, shifts, parts };
}

describe.each<ModelName>(["linear", "half", "logistic", "poisson", "quadratic-logistic", "basis"])("%s", (model) => {
  test.each([{ boxed: false }, { boxed: true }])("each fold under its own fit: %o", async ({ boxed }) => {
    const l2 = 0.1;
    const made = randomCase(model, 31, { n: 45, m: 3, weighted: true, l2, boxed });
    const { problem, describe: description } = made;
    const data = new Cut(made.data, 7);
    const foldOf = foldsOf(45);
    const full = await fit(description, data, { l2 });
    const bounds = { lower: [-1.2, -1.2, -1.2], upper: [1.2, 1.2, 1.2] };
    const threats = [2, INF].map((p) => lp(p, { budgets: [1, 0.5, 2], ...(boxed ? { bounds } : {}) }));
    const attacks: Influence[] = [];
    for (const threat of threats) attacks.push(await influence(full, threat));
    const crossed = await crossFit(full, attacks, foldOf, K);
    for (const [t, threat] of threats.entries()) {
      const truth = await naive(description, problem, foldOf, l2, threat);
      expect(relativeError(crossed[t].scores, truth.scores)).toBeLessThan(1e-8);
      expect(relativeError(crossed[t].shifts, truth.shifts)).toBeLessThan(1e-8);
      expect(crossed[t].singularFolds).toBe(0);
      expect(crossed[t].foldOf).toBe(foldOf);
      truth.parts.forEach((part, k) => {
        expect(relativeError(crossed[t].folds[k].parameters, part.fit.parameters)).toBeLessThan(1e-8);
        expect(relativeError(crossed[t].folds[k].influence, part.influence)).toBeLessThan(1e-8);
        expect(crossed[t].folds[k].scale).toBeCloseTo(part.scale, 12);
      });
    }
  });

  test("its sums over the rows outside each fold", async () => {
    const made = randomCase(model, 7, { n: 20, m: 3, weighted: true, l2: 0.2 });
    const { problem, describe: description } = made;
    const data = new Cut(made.data, 6);
    const foldOf = foldsOf(20);
    const full = await fit(description, data, { l2: 0.2 });
    const d = full.parameters.length;
    const parts = [0, 1, 2].map((k) => outsideProblem(problem, foldOf, k));
    const outside = Float64Array.from([0, 1, 2], (k) =>
      problem.w.reduce((sum, w, i) => sum + (foldOf[i] === k ? 0 : w), 0),
    );
    const leaveOut = leaveOutHessians(full, await fitFoldSums(full, foldOf, K), outside);
    const random = new Random(2);
    const theta = Matrix.fromRows(
      Array.from(full.parameters, (value) => [0, 1, 2].map(() => value + 0.05 * random.normal())),
    );
    const vectors = Matrix.fromRows(Array.from({ length: d }, () => random.normals(K)));
    const rows = leaveOutRows(full, { foldOf, outside });
    const gradients = await rows.gradients(theta);
    const plain = await foldGradients(full, { foldOf, outside }, theta);
    const passing = await foldProduct(full, { foldOf, outside }, theta, vectors);
    const wide = { bounds: { lower: [-1e3, -1e3, -1e3], upper: [1e3, 1e3, 1e3] } };
    const kept: Matrix[] = [];
    for (const options of [{}, wide]) {
      const curvatures = new Float64Array(20 * K);
      await foldPulls(full, [lp(2, options)(3)], { foldOf, outside }, theta, {}, { curvatures });
      kept.push(await keptFoldProduct(full, K, curvatures)(vectors));
    }
    parts.forEach((part, k) => {
      const H = hessian(part, full.parameters);
      const lower = Array.from({ length: d }, (_, j) => Array.from({ length: j + 1 }, (__, l) => H[j][l]));
      const ours = lower.map((row, j) => row.map((_, l) => leaveOut.hessians[k].data[j * d + l]));
      expect(relativeError(ours.flat(), lower.flat())).toBeLessThan(1e-12);
      expect(relativeError(leaveOut.gradients.column(k), gradient(part, full.parameters))).toBeLessThan(1e-10);
      expect(
        relativeError(leaveOut.inverse[k].solve(vectors.column(k)), solve(H, [...vectors.column(k)])),
      ).toBeLessThan(1e-9);
      const there = gradient(part, theta.column(k));
      expect(relativeError(gradients.column(k), there)).toBeLessThan(1e-10);
      const ridge = problem.ridge.map((P, j) => P * theta.column(k)[j]);
      expect(
        relativeError(
          plain.column(k),
          there.map((value, j) => value - ridge[j]),
        ),
      ).toBeLessThan(1e-10);
      const image = hessian({ ...part, ridge: problem.ridge.map(() => 0) }, theta.column(k)).map((row) =>
        dot(row, vectors.column(k)),
      );
      for (const product of kept) expect(relativeError(product.column(k), image)).toBeLessThan(1e-11);
      expect(relativeError(passing.column(k), image)).toBeLessThan(1e-11);
    });
  });
});

test("where rows differ in their gradients Φ is a sum over rows, where they share one it need not be", async () => {
  const made = randomCase("half", 3, { n: 20, weighted: true });
  const full = await fit(made.describe, new Cut(made.data, 6));
  const foldOf = foldsOf(20);
  const outside = outsideOf(foldSizes(new Float64Array(20).fill(1), made.data.weights, foldOf, K));
  const theta = Matrix.fromRows(Array.from(full.parameters, (value) => [value, 1.1 * value, 0.9 * value]));
  const wide = { lower: [-1e3, -1e3, -1e3], upper: [1e3, 1e3, 1e3] };
  const [shared, rowwise] = await Promise.all(
    [{}, { bounds: wide }].map((options) =>
      foldPulls(full, [lp(1, options)(3), lp(2, options)(3)], { foldOf, outside }, theta),
    ),
  );
  [0, 1].forEach((a) => expect(relativeError(shared[a].data, rowwise[a].data)).toBeLessThan(1e-12));
  // One threat in a box makes all of them rowwise.
  const both = await foldPulls(full, [lp(2)(3), lp(2, { bounds: wide })(3)], { foldOf, outside }, theta);
  expect(relativeError(both[0].data, both[1].data)).toBeLessThan(1e-12);
});

test("sums by hand", () => {
  const foldOf = Uint16Array.of(0, 1, 0, 1, 1);
  const weights = Float64Array.of(0.1, 0.2, 0.3, 0.1, 0.3);
  const sizes = Float64Array.of(1, 2, 3, 4, 5);
  const inside = foldSizes(sizes, weights, foldOf, 2);
  expect(inside[0]).toBeCloseTo(1, 15);
  expect(inside[1]).toBeCloseTo(2.3, 15);
  const outside = Float64Array.of(0.6, 0.4);
  const scales = scalesOutside(inside, outside);
  expect(scales[0]).toBeCloseTo(2.3 / 0.6, 14);
  expect(scales[1]).toBeCloseTo(1 / 0.4, 14);
  const columns = scaledColumns(
    Matrix.fromRows([
      [1, 2],
      [3, 4],
    ]),
    Float64Array.of(10, 100),
  );
  expect([...columns.data]).toEqual([10, 200, 30, 400]);
  const sums = withRidge(
    Float64Array.of(0, 2),
    Matrix.fromRows([
      [1, 2],
      [3, 4],
    ]),
    Matrix.fromRows([
      [5, 6],
      [7, 8],
    ]),
  );
  expect([...sums.data]).toEqual([5, 6, 13, 16]);
  expect([...outsideOf(Float64Array.of(0.25, 0.75))]).toEqual([0.75, 0.25]);
  expect(() => outsideOf(Float64Array.of(0, 1))).toThrow("Fold 2 holds all the weight, so nothing is left to fit on");
  expect(() => outsideOf(Float64Array.of(1, 0))).toThrow("Fold 1 holds all the weight");
});

describe("which folds get a fit of their own", () => {
  const smooth = { oneSided: false, threat: lp(2)(2) };
  const sized = (count: number) =>
    ({ sparse: undefined, model: { map: { count } } }) as unknown as Parameters<typeof refitsFolds>[0];

  test("corners, joint attacks, lassos, and Hessians that take more than 512 MiB together", () => {
    expect(refitsFolds(sized(3), [smooth], 5)).toBe(false);
    expect(refitsFolds(sized(3), [smooth, { ...smooth, oneSided: true }], 5)).toBe(true);
    expect(refitsFolds(sized(3), [smooth, { ...smooth, threat: wasserstein(2, lp(2))(2) }], 5)).toBe(true);
    const sparse = { ...sized(3), sparse: {} } as unknown as Parameters<typeof refitsFolds>[0];
    expect(refitsFolds(sparse, [smooth], 5)).toBe(true);
    expect(refitsFolds(sized(4096), [smooth], 4)).toBe(false);
    expect(refitsFolds(sized(4096), [smooth], 5)).toBe(true);
  });

  test("at corners, with a shared budget and of a lasso: the same as fits on the other rows", async () => {
    const made = randomCase("half", 12, { n: 24, weighted: true, l2: 0.05 });
    const foldOf = foldsOf(24);
    const data = new Cut(made.data, 5);
    const full = await fit(made.describe, data, { l2: 0.05 });
    const threat = wasserstein(2, lp(2));
    const steps: unknown[] = [];
    const onProgress = (step: { phase: string; done: number; total: number }): void => {
      if (step.phase === "held-out folds") steps.push([step.done, step.total]);
    };
    const [crossed] = await crossFit(full, [await influence(full, threat)], foldOf, K, { onProgress });
    const truth = await naive(made.describe, made.problem, foldOf, 0.05, threat);
    expect(relativeError(crossed.scores, truth.scores)).toBeLessThan(1e-9);
    expect(relativeError(crossed.shifts, truth.shifts)).toBeLessThan(1e-8);
    expect(steps).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
    truth.parts.forEach(({ scale }, k) => expect(crossed.folds[k].scale).toBeCloseTo(scale, 12));
    expect(crossed.singularFolds).toBe(0);

    const options = { l1: 0.2, l2: 0.05 };
    const sparse = await lasso(made.describe, data, options);
    const [ours] = await crossFit(sparse, [await influence(sparse, lp(2))], foldOf, K);
    for (let k = 0; k < K; k++) {
      const own = await lasso(made.describe, dataOf(outsideProblem(made.problem, foldOf, k)), options);
      expect(relativeError(ours.folds[k].parameters, own.parameters)).toBeLessThan(1e-7);
      expect(relativeError(ours.folds[k].influence, (await influence(own, lp(2))).influence)).toBeLessThan(1e-6);
    }
  });

  test("a projection is learned again without each fold; a fold without rows changes nothing", async () => {
    const made = randomCase("half", 5, { n: 24, weighted: true });
    const data = new Cut(made.data, 5);
    const foldOf = foldsOf(24).map((k) => (k === 2 ? 3 : k));
    const learn = async (rows: Dataset) => projected(linear(), await principalComponents(rows, 2));
    const full = await fit(await learn(data), data);
    const attacks = [await influence(full, lp(2)), await influence(full, lp(INF))];
    const crossed = await crossFit(full, attacks, foldOf, 4);
    for (const k of [0, 1, 3]) {
      const rest = dataOf(outsideProblem(made.problem, foldOf, k));
      const own = await fit(await learn(rest), rest);
      for (const [a, p] of [2, INF].entries()) {
        const rows = await otherRows(await influence(own, lp(p)), made.data);
        foldOf.forEach((fold, i) => {
          if (fold !== k) return;
          expect(crossed[a].scores[i]).toBeCloseTo(rows.rows.scores[i], 8);
          expect(crossed[a].shifts[i]).toBeCloseTo(rows.rows.shifts[i], 7);
        });
      }
    }
  });
});

describe("folds that the fit cannot do without", () => {
  /** A level that occurs in fold 0 only. */
  const rare = () => {
    const random = new Random(12);
    const X = Array.from({ length: 18 }, (_, i) => [random.normal(), i % 3 === 0 && i < 12 ? 1 : 0]);
    const y = X.map((x) => x[0] + 5 * x[1] + random.normal());
    return { data: matrixDataset(Matrix.fromRows(X), y), foldOf: Uint16Array.from(y, (_, i) => i % 3) };
  };

  test("are counted where Hessians become singular, fitted together or each alone", async () => {
    const { data, foldOf } = rare();
    const full = await fit(linear(), data);
    const attack = await influence(full, lp(2, { budgets: [1, 0] }));
    const [together] = await crossFit(full, [attack], foldOf, K);
    const [alone] = await crossFit(full, [{ ...attack, oneSided: true }], foldOf, K);
    expect([together.singularFolds, alone.singularFolds]).toEqual([1, 1]);
    expect(relativeError(together.scores, alone.scores)).toBeLessThan(1e-9);
    expect(relativeError(together.shifts, alone.shifts)).toBeLessThan(1e-8);
  });

  test("are named where no fit is left; other errors stay as they are", async () => {
    const X = [-3, -2, -1, -0.5, 0.5, 1, 2, 3, 2.5].map((value) => [value]);
    const y = [-1, -1, -1, -1, 1, 1, 1, 1, -1];
    const foldOf = Uint16Array.from(y, (_, i) => (i === 8 ? 1 : 2 * (i % 2)));
    const full = await fit(logistic(), matrixDataset(Matrix.fromRows(X), y));
    const attack = await influence(full, lp(2));
    await expect(crossFit(full, [attack], foldOf, K)).rejects.toMatchObject({ code: "numerical" });
    await expect(crossFit(full, [attack], foldOf, K)).rejects.toThrow(/^Without fold 2 of 3: /);
    await expect(refitFold(full, foldOf, 1, K)).rejects.toThrow(/^Without fold 2 of 3: /);
    expect((await refitFold(full, foldOf, 0, K)).data.rows).toBe(5);
    await expect(namingFold(0, 2, () => Promise.reject(new TypeError("other")))).rejects.toThrow(/^other$/);
    const aborted = new AbortController();
    aborted.abort();
    const cancelled = refitFold(full, foldOf, 0, K, { signal: aborted.signal });
    await expect(cancelled).rejects.toMatchObject({ code: "cancelled" });
    await expect(cancelled).rejects.not.toThrow(/Without fold/);
    expect(await namingFold(0, 2, async () => 5)).toBe(5);
  });

  test("a held-out influence that does not converge is refused, unless a Hessian is singular", async () => {
    const made = randomCase("logistic", 3, { n: 20 });
    const full = await fit(made.describe, made.data, { l2: 0.1 });
    const foldOf = foldsOf(20);
    const outside = outsideOf(foldSizes(new Float64Array(20).fill(1), made.data.weights, foldOf, K));
    const { inverse } = leaveOutHessians(full, await fitFoldSums(full, foldOf, K), outside);
    const Phi = Matrix.fromRows(Array.from(full.parameters, (_, j) => [1, j, -1]));
    // Not a matrix: every product is another.
    let turn = 1;
    const wild = async (vectors: Matrix) =>
      new Matrix(
        vectors.data.map((value, at) => (turn *= -1.3) * value + at),
        vectors.rows,
        vectors.columns,
      );
    await expect(leaveOutInfluence(full, inverse, Phi, wild)).rejects.toThrow(
      /^The held-out influence did not converge \(relative residual /,
    );
    const singular = inverse.map((one, k) => (k === 1 ? { ...one, method: "pseudo-inverse" as const } : one));
    turn = 1;
    expect((await leaveOutInfluence(full, singular, Phi, wild)).columns).toBe(K);
  });

  test("a squared loss takes one step and asks the rows for nothing", async () => {
    const made = randomCase("half", 3, { n: 20, l2: 0.1 });
    const full = await fit(made.describe, made.data, { l2: 0.1 });
    const foldOf = foldsOf(20);
    const outside = outsideOf(foldSizes(new Float64Array(20).fill(1), made.data.weights, foldOf, K));
    const start = leaveOutHessians(full, await fitFoldSums(full, foldOf, K), outside);
    const refused = () => Promise.reject(new Error("asked"));
    const { theta, inverse } = await leaveOutFits(full, start, { gradients: refused, refit: refused });
    for (let k = 0; k < K; k++) {
      const own = await refitFold(full, foldOf, k, K);
      expect(relativeError(theta.column(k), own.parameters)).toBeLessThan(1e-10);
      expect(inverse[k]).toBe(start.inverse[k]);
    }
  });

  test("folds without anything to learn stay at 0, and ask for nothing more", async () => {
    // Every row once with either label: all slopes cancel, in every fold too.
    const X = [0.5, -1, 2, 0.3, -0.7, 1.5].flatMap((x) => [[x], [x]]);
    const y = X.map((_, i) => (i % 2 === 0 ? 1 : -1));
    const full = await fit(randomCase("logistic", 1, { m: 1 }).describe, matrixDataset(Matrix.fromRows(X), y));
    expect([...full.parameters]).toEqual([0, 0]);
    const foldOf = Uint16Array.from(y, (_, i) => Math.floor(i / 4));
    const outside = outsideOf(foldSizes(new Float64Array(12).fill(1), full.data.weights, foldOf, 3));
    const start = leaveOutHessians(full, await fitFoldSums(full, foldOf, 3), outside);
    const refused = () => Promise.reject(new Error("asked"));
    const { theta } = await leaveOutFits(full, start, { gradients: refused, refit: refused });
    expect(Math.max(...theta.data.map(Math.abs))).toBeLessThan(1e-15);
  });

  test("folds of a mild logistic model settle together", async () => {
    const made = randomCase("logistic", 3, { n: 60, l2: 0.1 });
    const full = await fit(made.describe, made.data, { l2: 0.1 });
    const foldOf = foldsOf(60);
    const outside = outsideOf(foldSizes(new Float64Array(60).fill(1), made.data.weights, foldOf, K));
    const rows = leaveOutRows(full, { foldOf, outside });
    const start = leaveOutHessians(full, await fitFoldSums(full, foldOf, K), outside);
    let passes = 0;
    const gradients = (at: Matrix): Promise<Matrix> => {
      passes++;
      return rows.gradients(at);
    };
    const { theta } = await leaveOutFits(full, start, { gradients, refit: () => Promise.reject(new Error("alone")) });
    expect(passes).toBeGreaterThan(2);
    expect(passes).toBeLessThan(40);
    for (let k = 0; k < K; k++) {
      const own = await refitFold(full, foldOf, k, K);
      expect(relativeError(theta.column(k), own.parameters)).toBeLessThan(1e-9);
    }
  });

  test("folds that move little share Newton steps; one that moves far is fitted alone", async () => {
    const random = new Random(6);
    const X = random.rows(24, 2);
    const y = X.map((_, i) => (i % 3 === 0 ? 60 + random.below(20) : random.below(3)));
    const full = await fit(randomCase("poisson", 1, { m: 2 }).describe, matrixDataset(Matrix.fromRows(X), y));
    const foldOf = Uint16Array.from(y, (_, i) => i % 3);
    const outside = outsideOf(foldSizes(new Float64Array(24).fill(1), full.data.weights, foldOf, K));
    const start = leaveOutHessians(full, await fitFoldSums(full, foldOf, K), outside);
    const rows = leaveOutRows(full, { foldOf, outside });
    const asked: number[] = [];
    let passes = 0;
    const { theta } = await leaveOutFits(full, start, {
      gradients: (at) => {
        passes++;
        return rows.gradients(at);
      },
      refit: (list) => {
        asked.push(...list.map(({ k }) => k));
        return rows.refit(list);
      },
    });
    // What settles shares its passes.
    expect(asked).toContain(0);
    expect(asked).not.toContain(2);
    expect(passes).toBeGreaterThan(1);
    expect(passes).toBeLessThan(100);
    for (let k = 0; k < K; k++) {
      const own = await refitFold(full, foldOf, k, K);
      expect(relativeError(theta.column(k), own.parameters)).toBeLessThan(1e-8);
    }
  });
});
