/** Intervals, bootstraps, shares and changes of local responses on a few rows against the closed forms of the same models. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  type Dataset,
  ensureBlas,
  type Fit,
  fit,
  type Influence,
  influence,
  linear,
  logistic,
  lp,
  Matrix,
  matrixDataset,
  scoreShifts,
} from "../../../src/index.js";
import { bootstrap } from "../../../src/influence/bootstrap.js";
import { drawWeights } from "../../../src/influence/bootstrap-weights.js";
import { naturalHessianTimes, parameterContributions, rowContributions } from "../../../src/influence/contributions.js";
import { estimationLoss, parameterCovariance } from "../../../src/influence/estimation-loss.js";
import { bootstrapRefusal, localBootstrap, nearby } from "../../../src/influence/local/bootstrap.js";
import { lossSlopes, rowLosses } from "../../../src/influence/local/changes.js";
import {
  blockContributions,
  localRowContributions,
  naturalCurvature,
  naturalCurvatureTimes,
} from "../../../src/influence/local/contributions.js";
import { KinkCounter } from "../../../src/influence/local/gradient-kinks.js";
import { type LocalInfluence, localInfluence, localInfluences } from "../../../src/influence/local/influence.js";
import { pointAt } from "../../../src/influence/local/point.js";
import { localSandwich } from "../../../src/influence/local/sandwich.js";
import { localRefusal } from "../../../src/influence/local/sandwich-refusal.js";
import { localSensitivity } from "../../../src/influence/moving-rows.js";
import { independentRows, meanStandardError } from "../../../src/influence/sampling.js";
import { sandwich } from "../../../src/influence/sandwich.js";
import { sensitivityInterval } from "../../../src/influence/sensitivity-interval.js";
import type { Loss } from "../../../src/models/losses.js";
import { perceptron } from "../../../src/models/perceptron.js";
import { divergence } from "../../../src/threats/divergence.js";
import type { RowShares } from "../../../src/threats/threat.js";
import { wasserstein } from "../../../src/threats/wasserstein.js";
import { dot, relativeError } from "../../models/naive.js";
import { Cut } from "../cut.js";
import { type ModelName, randomCase } from "../problems.js";
import { expansionOf, rowChanges } from "./expansion.js";
import { userLoss } from "./user-losses.js";

beforeAll(() => ensureBlas());

const INF = Number.POSITIVE_INFINITY;

interface Both {
  readonly data: Dataset;
  readonly own: Fit;
  readonly closed: Influence;
  readonly local: LocalInfluence;
  /** Where each parameter of the local model is among those of the closed form. */
  readonly order: readonly number[];
  readonly loss: Loss | null;
}

/** A closed form, and the same as a loss of one's own; or, for losses of one output, as a network without hidden layers. */
async function both(
  name: ModelName,
  p: number,
  { n = 20, l2 = 0.1, budgets = [1, 0.6] }: { n?: number; l2?: number; budgets?: number[] } = {},
  asNetwork = false,
): Promise<Both> {
  const made = randomCase(name, 13, { n, m: 2, l2, weighted: true });
  const data = new Cut(made.data, 6);
  const own = await fit(made.describe, data, { l2 });
  const threat = lp(p, { budgets });
  const closed = await influence(own, threat);
  const { name: lossName } = own.model.loss;
  if (asNetwork && lossName !== "poisson") {
    const network = perceptron({ inputs: 2, hidden: [], activation: "identity", loss: lossName });
    const order = [1, 2, 0];
    const theta = order.map((j) => own.parameters[j]);
    const local = await localInfluence(await pointAt(network, data, theta, { l2 }), threat);
    return { data, own, closed, local, order, loss: own.model.loss };
  }
  const point = await pointAt(userLoss(name, 2, true), data, own.parameters, { l2 });
  const order = Array.from(own.parameters, (_, j) => j);
  return { data, own, closed, local: await localInfluence(point, threat), order, loss: null };
}

describe.each<[ModelName, number]>([
  ["logistic", 2],
  ["logistic", 3],
  ["half", 2],
  ["half", 1.5],
  ["linear", 2],
])("%s, p = %d: the sandwich of the closed form", (name, p) => {
  test("of rows, counts and clusters, for relative and absolute radii", async () => {
    const { own, closed, local, order, loss } = await both(name, p, {}, true);
    const of = (values: ArrayLike<number>): number[] => order.map((j) => values[j]);
    const square = ({ data }: Matrix): number[] => order.flatMap((j) => order.map((k) => data[3 * j + k]));
    const shifts = await scoreShifts(closed);
    const clusters = Int32Array.from({ length: 20 }, (_, i) => 3 * (i % 7));
    for (const options of [
      {},
      { relativeRadius: false },
      { weightsKind: "frequency", totalWeight: 50 },
      { clusters },
    ] as const) {
      const wanted = await sandwich(closed, shifts, options);
      const found = await localSandwich(local, { ...options, loss });
      expect(relativeError(found.covariance.data, square(wanted.covariance))).toBeLessThan(1e-7);
      expect(relativeError(found.standardErrors, of(wanted.standardErrors))).toBeLessThan(1e-7);
      expect(found.debiased / wanted.debiased).toBeCloseTo(1, 7);
      expect(found.sensitivityStandardError / wanted.sensitivityStandardError).toBeCloseTo(1, 7);
      expect(relativeError(found.sensitivityRows ?? [], wanted.sensitivityRows)).toBeLessThan(1e-7);
      const sampling = { weightsKind: "sampling", totalWeight: 20, ...options } as const;
      const covariance = await parameterCovariance(own, sampling);
      expect(relativeError(found.parameterCovariance.data, square(covariance))).toBeLessThan(1e-8);
      expect(found.estimationLoss / estimationLoss(own, covariance)).toBeCloseTo(1, 8);
      const [a, b] = [found.sensitivityInterval(0.9), sensitivityInterval(closed, wanted, 0.9)];
      expect(a.method).toBe(b.method);
      expect(relativeError([a.lower, a.upper], [b.lower, b.upper])).toBeLessThan(1e-6);
      // V̂/(1 − h̄), h̄ = tr(H⁻¹H_L)Σω, and nothing else.
      const wide = await localSandwich(local, { ...options, loss, leverage: "hc1" });
      let trace = 0;
      for (let j = 0; j < 3; j++) {
        const unit = Float64Array.from({ length: 3 }, (_, k) => (k === j ? 1 : 0));
        trace += own.inverse.solve(naturalHessianTimes(own, unit))[j];
      }
      const omega = "weightsKind" in options ? 1 / 50 : own.data.weights.reduce((sum, w) => sum + w * w, 0);
      const factor = 1 / (1 - trace * omega);
      expect(
        relativeError(
          wide.covariance.data,
          found.covariance.data.map((value) => factor * value),
        ),
      ).toBeLessThan(1e-8);
      expect(wide.debiased).toBe(found.debiased);
    }
  });
});

describe("a bootstrap", () => {
  test.each([true, false])("draws what that of the closed form draws; relative radii: %s", async (relativeRadius) => {
    const { own, closed, local } = await both("logistic", 2, { n: 24, l2: 0.3 });
    const second = await influence(own, lp(3));
    const other = await localInfluence(local.point, lp(3));
    const options = { draws: 5, seed: 4, relativeRadius };
    const steps: [number, number][] = [];
    const wanted = await bootstrap([closed, second], options);
    const found = await localBootstrap([local, other], {
      ...options,
      onProgress: ({ phase, done, total }) => {
        if (phase === "bootstrap") steps.push([done, total]);
      },
    });
    expect(steps).toEqual([
      [0, 5],
      [1, 5],
      [2, 5],
      [3, 5],
      [4, 5],
      [5, 5],
    ]);
    expect(found).toHaveLength(2);
    found.forEach((one, a) => {
      expect(one.failed).toBe(0);
      expect(relativeError(one.parameters.data, wanted[a].parameters.data)).toBeLessThan(2e-3);
      expect(relativeError(one.influence.data, wanted[a].influence.data)).toBeLessThan(5e-3);
      expect(relativeError(one.scale, wanted[a].scale)).toBeLessThan(1e-10);
      expect(relativeError(one.sensitivity, wanted[a].sensitivity)).toBeLessThan(1e-2);
    });
  });

  test("draws that end elsewhere do not count; too many of them are refused", async () => {
    // As if θ̃ were what one draw in a convex risk never reaches: a model that is not said to be convex keeps its nearest draws.
    const { local } = await both("logistic", 2, { n: 24, l2: 0.3 });
    const [whole] = await localBootstrap([local], { draws: 6, seed: 1 });
    expect([whole.failed, whole.influence.rows]).toEqual([0, 6]);
    const convex = { ...local, point: { ...local.point, model: { ...local.point.model, convex: true } } };
    const [same] = await localBootstrap([convex], { draws: 6, seed: 1 });
    expect(relativeError(same.influence.data, whole.influence.data)).toBeLessThan(1e-4);
  });

  test("draws near θ̃ are those within 25 times the middle squared distance, in the norm of H with its ridge", async () => {
    // H = diag(1, 1) + diag(0, 3): no intercept, columns of ±1 at right angles.
    const X = [
      [1, 1],
      [1, -1],
      [-1, 1],
      [-1, -1],
    ];
    const data = matrixDataset(Matrix.fromRows(X), [1, 2, 0.5, -1]);
    const point = await pointAt(userLoss("half", 2, false), data, [0.5, -0.25]);
    const local = await localInfluence({ ...point, ridge: Float64Array.of(0, 3) }, lp(2));
    const drawn = (a: number, b: number) => ({ parameters: Float64Array.of(0.5 + a, -0.25 + b), attacks: [] });
    const draws = [
      drawn(1, 0),
      drawn(0, 0.5),
      drawn(-1, 0),
      drawn(4.9, 0),
      drawn(0, 2.4),
      drawn(5.1, 0),
      drawn(0, -2.6),
    ];
    const middle = [drawn(0.6, 0.4), drawn(1, 0), drawn(0.6, -0.4)];
    const kept = await nearby(local, [...draws, ...middle], {});
    expect(kept).toEqual([...draws.slice(0, 5), ...middle]);
    // Where no draw moves all of them stay.
    expect(await nearby(local, [drawn(0, 0), drawn(0, 0)], {})).toHaveLength(2);
    expect(await nearby(local, [], {})).toEqual([]);
  });

  test("draws without a minimum are counted up to a tenth", async () => {
    const X = Array.from({ length: 20 }, (_, i) => [i % 2 === 0 ? 1 + 0.1 * i : -1 - 0.1 * i]);
    const y = X.map(([value], i) => (i < 2 ? -1 : 1) * Math.sign(value));
    const data = matrixDataset(Matrix.fromRows(X), y);
    const own = await fit(logistic({ intercept: false }), data);
    const model = { ...userLoss("logistic", 1, false), convex: true };
    const local = await localInfluence(await pointAt(model, data, own.parameters), lp(2));
    const weights = new Float64Array(20);
    const lostOf = (seed: number): number[] =>
      Array.from({ length: 10 }, (_, draw) => draw).filter((draw) => {
        drawWeights(data.weights, { seed })(draw, weights);
        return weights[0] === 0 && weights[1] === 0;
      });
    const seeds = Array.from({ length: 100 }, (_, seed) => seed);
    const one = seeds.find((seed) => lostOf(seed).length === 1) ?? -1;
    const two = seeds.find((seed) => lostOf(seed).length === 2) ?? -1;
    const [found] = await localBootstrap([local], { draws: 10, seed: one });
    expect([found.failed, found.influence.rows]).toEqual([1, 9]);
    const failing = localBootstrap([local], { draws: 10, seed: two });
    await expect(failing).rejects.toMatchObject({ code: "numerical" });
    await expect(localBootstrap([local], { draws: 10, seed: two })).rejects.toThrow(
      `2 of ${lostOf(two)[1] + 1} bootstrap draws end at no minimum, or at another one`,
    );
  });

  test("draws that leave a parameter open count as failed, whether its response exists or not", async () => {
    // Only rows 0 and 1 have anything in the second column.
    const X = Array.from({ length: 20 }, (_, i) => [Math.cos(i + 1), i < 2 ? 1 + i : 0]);
    const data = matrixDataset(
      Matrix.fromRows(X),
      X.map(([a, b], i) => a + 0.5 * b + 0.3 * Math.sin(7 * i)),
    );
    const own = await fit(linear({ loss: "half-squared", intercept: false }), data);
    const model = { ...userLoss("half", 2, false), convex: true };
    const point = await pointAt(model, data, own.parameters);
    const weights = new Float64Array(20);
    const lostOf = (seed: number): number =>
      Array.from({ length: 10 }, (_, draw) => draw).filter((draw) => {
        drawWeights(data.weights, { seed })(draw, weights);
        return weights[0] === 0 && weights[1] === 0;
      }).length;
    const seed = Array.from({ length: 100 }, (_, candidate) => candidate).find((one) => lostOf(one) === 1) ?? -1;
    for (const budgets of [
      // Φ needs the open parameter: there is no response. Without it there is one, on fewer parameters.
      [1, 1],
      [1, 0],
    ]) {
      const [found] = await localBootstrap([await localInfluence(point, lp(2, { budgets }))], { draws: 10, seed });
      expect([found.failed, found.influence.rows]).toEqual([1, 9]);
      expect(found.influence.data.every(Number.isFinite)).toBe(true);
    }
    // What is wrong with the model itself is no failed draw.
    const broken: typeof model = {
      ...model,
      mixedProduct: () => {
        throw new RangeError("broken");
      },
      mixedProducts: () => {
        throw new RangeError("broken");
      },
    };
    const attack = await localInfluence(point, lp(2));
    const failing = localBootstrap([{ ...attack, point: { ...point, model: broken } }], { draws: 10, seed });
    await expect(failing).rejects.toThrow("broken");
  });

  test("what is refused, in words", async () => {
    const { local } = await both("logistic", 2);
    expect(await localBootstrap([])).toEqual([]);
    for (const draws of [1, 1.5, Number.NaN])
      await expect(localBootstrap([local], { draws })).rejects.toThrow(`2 or more; got ${draws}.`);
    const elsewhere = { ...local, point: { ...local.point } };
    await expect(localBootstrap([local, elsewhere], { draws: 2 })).rejects.toThrow("at the same point");
    await expect(localBootstrap([{ ...local, damping: 1 }], { draws: 2 })).rejects.toThrow(
      "No bootstrap: the response is damped, so that it is no property of the population.",
    );
    const first = await localInfluence(local.point, wasserstein(1, lp(2)));
    expect(bootstrapRefusal(first)?.code).toBe("one-row");
    expect(bootstrapRefusal(await localInfluence(local.point, wasserstein(2, lp(2))))).toBeNull();
    expect(bootstrapRefusal({ ...local, influence: new Float64Array(3001) })).toEqual({
      code: "too-large",
      reason: "3001 parameters are too many for a bootstrap",
    });
    expect(bootstrapRefusal({ ...local, influence: new Float64Array(3000) })?.code).not.toBe("too-large");
  });
});

describe("why a response has no interval", () => {
  test("the first reason that holds, on either side of each limit", async () => {
    const { local } = await both("logistic", 2);
    const reasonOf = (changed: object, options = {}): string | undefined =>
      localRefusal({ ...local, ...changed }, options)?.reason;
    expect(localRefusal(local)).toBeNull();
    const at = (gradientNorm: number) => reasonOf({ point: { ...local.point, gradientNorm } });
    expect(at(1e-6)).toBeUndefined();
    expect(at(1.5e-6)).toMatch(/^the parameters are no minimum \(relative gradient 0\.0000015\)/);
    expect(at(Number.NaN)).toMatch(/no minimum/);
    expect(reasonOf({}, { smooth: false })).toMatch(/^the network has ReLU units/);
    expect(reasonOf({ curvature: "gauss-newton" })).toMatch(/^the Gauss–Newton curvature is not the derivative/);
    expect(reasonOf({ damping: 1e-9 })).toMatch(/^the response is damped/);
    expect(reasonOf({ solver: { ...local.solver, converged: false } })).toBe(
      "the solver of the response did not converge",
    );
    const threat = (description: ReturnType<typeof lp>) => ({ threat: description(2) });
    expect(reasonOf(threat(wasserstein(1, lp(2))))).toMatch(/^at u = 1 one row takes everything/);
    expect(reasonOf(threat(wasserstein(2, lp(2))))).toMatch(/^rows are attacked together/);
    const rows = (n: number) => reasonOf({ point: { ...local.point, data: { ...local.point.data, rows: n } } });
    expect(rows(15)).toBeUndefined();
    expect(rows(14)).toBe("there are 3 parameters for 14 rows");
    const ranked = (rank: number | null, convex?: boolean) =>
      reasonOf({
        solver: { ...local.solver, rank },
        point: { ...local.point, model: { ...local.point.model, convex } },
      });
    expect(ranked(3)).toBeUndefined();
    expect(ranked(null)).toBeUndefined();
    expect(ranked(2)).toBe("the Hessian is singular (rank 2 of 3), so that the minimum is not isolated");
    expect(ranked(2, true)).toBeUndefined();
    for (const name of ["tangentHessianProduct", "mixedGramProduct", "gradientRows", "mixedRows", "hessianRows"]) {
      const model = { ...local.point.model, [name]: undefined };
      expect(reasonOf({ point: { ...local.point, model } })).toBe("the model gives no third derivatives");
    }
    expect(reasonOf({}, { affordable: 20 * 9 })).toBeUndefined();
    expect(reasonOf({}, { affordable: 20 * 9 - 1 })).toBe("3 parameters on 20 rows would take too long");
    const wide = {
      influence: new Float64Array(3001),
      solver: { ...local.solver, rank: 3 },
      point: { ...local.point, model: { ...local.point.model, convex: true } },
    };
    expect(reasonOf(wide)).toBe("3001 parameters on 20 rows would take too long");
    expect(localRefusal({ ...local, damping: 1 }, {}, ["damped"])).toBeNull();
    await expect(localSandwich({ ...local, damping: 1 })).rejects.toThrow(
      "No interval for the population: the response is damped",
    );
  });
});

describe("shares and changes", () => {
  test.each<[ModelName, number]>([
    ["logistic", 2],
    ["poisson", INF],
    ["quadratic-logistic", 1.5],
  ])("%s, p = %d: of rows and parameters, and what the loss does along I", async (name, p) => {
    const { own, closed, local } = await both(name, p, { budgets: [1, 2] });
    const towards = naturalHessianTimes(own, closed.influence);
    const wanted = await rowContributions(closed, towards);
    expect(relativeError(await localRowContributions(local, towards), wanted)).toBeLessThan(1e-9);
    expect(wanted.reduce((sum, value) => sum + value, 0)).toBeCloseTo(dot(towards, closed.influence), 10);
    const shares = await blockContributions(local, towards);
    for (const block of local.point.data.blocks()) {
      const part = wanted.subarray(block.firstRow, block.firstRow + block.y.length);
      expect(relativeError(shares(block), part)).toBeLessThan(1e-8);
    }
    const { inputGradientSlopes: _a, lossSlopes: _b, ...bare } = local.point.model;
    const plain = { ...local, point: { ...local.point, model: bare } };
    expect(relativeError(await localRowContributions(plain, towards), wanted)).toBeLessThan(1e-9);
    const parameters = parameterContributions(closed);
    parameters.forEach((value, j) => expect(value).toBeCloseTo(closed.influence[j] * towards[j], 12));
    expect(relativeError(await naturalCurvatureTimes(local, local.influence), towards)).toBeLessThan(1e-9);
    const H = await naturalCurvature(local);
    const iterated = await localInfluence(local.point, lp(p), { solver: "cg" });
    const other = await naturalCurvature(iterated);
    const d = own.parameters.length;
    for (let j = 0; j < d; j++) {
      const unit = Float64Array.from({ length: d }, (_, k) => (k === j ? 1 : 0));
      const column = naturalHessianTimes(own, unit);
      expect(relativeError(H.column(j), column)).toBeLessThan(1e-9);
      for (let k = 0; k <= j; k++) expect(other.data[j * d + k]).toBeCloseTo(column[k], 9);
    }

    const before = own.scores.map((f, i) => own.model.loss.value(f, own.data.y[i]));
    expect(relativeError(await rowLosses(local.point.model, own.parameters, local.point.data), before)).toBeLessThan(
      1e-10,
    );
    const shifts = await scoreShifts(closed);
    const slopes = own.scores.map((f, i) => own.model.loss.first(f, own.data.y[i]) * shifts[i]);
    for (const model of [local.point.model, bare])
      expect(
        relativeError(await lossSlopes(model, own.parameters, local.point.data, local.influence), slopes),
      ).toBeLessThan(1e-9);
    const clusters = Int32Array.from({ length: 20 }, (_, i) => i % 6);
    for (const sampling of [undefined, { weightsKind: "sampling", totalWeight: 20, clusters }] as const) {
      const rows = { loss: own.model.loss, y: own.data.y, w: own.data.weights, scores: own.scores, shifts };
      const truth = localSensitivity(rows, sampling);
      const found = await expansionOf(local, local.point.data, sampling);
      expect(found.slopeStandardError / truth.slopeStandardError).toBeCloseTo(1, 8);
      expect(found.curvature / truth.curvature).toBeCloseTo(1, 8);
      expect(found.slope).toBeCloseTo(truth.slope, 10);
    }
    const changes = own.scores.map((f, i) => own.model.loss.value(f + 0.3 * shifts[i], own.data.y[i]) - before[i]);
    const mean = dot(changes, own.data.weights);
    const found = await rowChanges(local, local.point.data, 0.3);
    expect(relativeError(found, changes)).toBeLessThan(1e-9);
    const variance = changes.reduce((sum, value, i) => sum + (own.data.weights[i] * (value - mean)) ** 2, 0);
    const error = meanStandardError(found, own.data.weights, independentRows(own.data.rows));
    expect(error).toBeCloseTo(Math.sqrt(variance), 9);
  });

  test("rows that are reweighted, and rows that share a budget", async () => {
    const { own, local } = await both("logistic", 2);
    const metric = Float64Array.of(1, -2, 0.5);
    for (const threat of [divergence("chi2"), wasserstein(2, lp(2))]) {
      const [again] = await localInfluences(local.point, [threat]);
      const wanted = await rowContributions(await influence(own, threat), metric);
      expect(relativeError(await localRowContributions(again, metric), wanted)).toBeLessThan(1e-8);
    }
  });
});

describe("corners of rows are counted", () => {
  const gradients = Matrix.fromRows([
    [1, -1, 0],
    [2, 0, 0],
    [0, 0, 0],
    [3, 1, 0],
    [1e-12, 2, 0],
  ]);
  const gains = Float64Array.of(1, 2, 0, 3, 2);
  const count = (p: number, budgets = [1, 1, 1], shares: RowShares | null = null) => {
    const counter = new KinkCounter(5, lp(p, { budgets })(3));
    counter.add(Matrix.fromRows([gradients.row(0), gradients.row(1)]), 0);
    counter.add(Matrix.fromRows([gradients.row(2), gradients.row(3), gradients.row(4)]), 2);
    return counter.finish(gains, shares);
  };

  test("zeros at p = ∞ but in a column that is 0 throughout; ties at p = 1; rows without gain", () => {
    expect(count(INF)).toEqual({ zeroGradients: 1, zeroCoordinates: 2, ties: 0, tiedRows: 0 });
    expect(count(1)).toEqual({ zeroGradients: 1, zeroCoordinates: 0, ties: 1, tiedRows: 0 });
    expect(count(2)).toEqual({ zeroGradients: 1, zeroCoordinates: 0, ties: 0, tiedRows: 0 });
    // A frozen feature is no corner; budgets tie (3, 1) where 1·3 = 3·1.
    expect(count(INF, [1, 0, 1])).toEqual({ zeroGradients: 1, zeroCoordinates: 0, ties: 0, tiedRows: 0 });
    expect(count(1, [1, 3, 1])).toEqual({ zeroGradients: 1, zeroCoordinates: 0, ties: 1, tiedRows: 0 });
  });

  test("with one budget a row without gain stays, and is none", () => {
    const shares: RowShares = { omega: new Float64Array(5).fill(1), tied: [1, 3] };
    expect(count(2, [1, 1, 1], shares)).toEqual({ zeroGradients: 0, zeroCoordinates: 0, ties: 0, tiedRows: 2 });
    const counter = new KinkCounter(2, lp(2)(3));
    expect(counter.finish(new Float64Array(2), { omega: new Float64Array(2), tied: [] }).zeroGradients).toBe(2);
  });
});

test("a linear model as a loss of one's own has no interval where its loss is not given and bends sharply", async () => {
  const made = randomCase("half", 13, { n: 20, m: 2, l2: 0.1 });
  const own = await fit(linear({ loss: "half-squared" }), made.data, { l2: 0.1 });
  const local = await localInfluence(
    await pointAt(userLoss("half", 2, true), made.data, own.parameters, { l2: 0.1 }),
    lp(2),
  );
  const { gradientRows: _rows, ...bare } = local.point.model;
  const without = { ...local, point: { ...local.point, model: bare } };
  await expect(localSandwich(without)).rejects.toThrow("the model gives no third derivatives");
});
