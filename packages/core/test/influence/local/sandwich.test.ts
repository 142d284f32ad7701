/** Intervals for the population of models without a closed form: against closed forms, and against moving every weight. */
import { describe, expect, test } from "vitest";
import {
  add,
  columns,
  concatColumns,
  exp,
  halfSquaredLoss,
  logisticLoss,
  matmul,
  mul,
  squaredLoss,
  sub,
  type Tensor,
} from "../../../src/autodiff/index.js";
import { type Dataset, lp, Matrix, matrixDataset } from "../../../src/index.js";
import { scoreShifts } from "../../../src/influence/aif.js";
import { estimationLoss, parameterCovariance } from "../../../src/influence/estimation-loss.js";
import { type LocalInfluence, localInfluence } from "../../../src/influence/local/influence.js";
import { localJacobian } from "../../../src/influence/local/influence-jacobian.js";
import { pointAt } from "../../../src/influence/local/point.js";
import { localSandwich } from "../../../src/influence/local/sandwich.js";
import { localRefusal } from "../../../src/influence/local/sandwich-refusal.js";
import { independentRows, type Sampling } from "../../../src/influence/sampling.js";
import { sandwich } from "../../../src/influence/sandwich.js";
import { sensitivityInterval } from "../../../src/influence/sensitivity-interval.js";
import { modelOf } from "../../../src/models/autodiff-model.js";
import type { Model } from "../../../src/models/model.js";
import { perceptron } from "../../../src/models/perceptron.js";
import { type PredictiveModel, predictiveModel } from "../../../src/models/predictive-model.js";
import { softmaxRegression } from "../../../src/models/softmax.js";
import { wasserstein } from "../../../src/threats/wasserstein.js";
import { drawsOf } from "../../long.js";
import { Random, relativeError } from "../../models/naive.js";
import { type ModelName, type Options, smoothCase } from "../problems.js";
import { gradientOf, minimumOf, smallNetwork } from "./user-losses.js";

const INF = Number.POSITIVE_INFINITY;

const LOSSES = {
  linear: squaredLoss,
  half: halfSquaredLoss,
  logistic: logisticLoss,
  poisson: (f: Tensor, y: Tensor) => sub(exp(f), mul(y, f)),
  quadratic: squaredLoss,
  "quadratic-logistic": logisticLoss,
} satisfies Partial<Record<ModelName, (f: Tensor, y: Tensor) => Tensor>>;

/** f = θ'(1, x) or θ'(1, x, x_j x_k for j ≤ k) of three features as outputs of a model, compared with y. */
function scored(name: keyof typeof LOSSES): PredictiveModel {
  const quadratic = name.startsWith("quadratic");
  const products = (x: Tensor) => [0, 1, 2].map((j) => mul(columns(x, j, j + 1), columns(x, j, 3)));
  return predictiveModel({
    parameters: {
      intercept: { rows: 1, columns: 1, penalised: false },
      slope: { rows: quadratic ? 9 : 3, columns: 1 },
    },
    outputs: ({ intercept, slope }, x) =>
      add(matmul(quadratic ? concatColumns([x, ...products(x)]) : x, slope), intercept),
    loss: LOSSES[name],
  });
}

describe("models with a closed form, written as losses of one's own", () => {
  const settings: readonly Options[] = [
    { p: 2, n: 60, l2: 0.05, weighted: true },
    { p: 1, n: 60, l2: 0.05 },
    { p: INF, n: 60, l2: 0.1, weighted: true, budgets: [2, 1, 0.5] },
    { p: 1.5, n: 60, weighted: true, l2: 0.02, budgets: [1, 0, 0.4] },
    { p: 3, n: 60, l2: 0.3 },
    { p: 2, n: 60, l2: 0.1, boxed: true, weighted: true },
  ];
  const names = Object.keys(LOSSES) as (keyof typeof LOSSES)[];
  const cases = names.flatMap((name) => settings.map((options, k) => [name, k, options] as const));

  test.each(cases)("%s, setting %d", async (name, k, options) => {
    const { attack, data, fit: fitted, threat, l2 } = await smoothCase(name, 500 + k, options);
    const shifts = await scoreShifts(attack);
    const clusters = Int32Array.from({ length: data.rows }, (_, i) => (i * i) % 17);
    const samplings: readonly (Partial<Sampling> & { relativeRadius?: boolean })[] = [
      {},
      { weightsKind: "frequency", totalWeight: 300 },
      { clusters, relativeRadius: false },
    ];
    const local = await localInfluence(await pointAt(scored(name), data, fitted.parameters, { l2 }), threat);
    for (const sampling of samplings) {
      const wanted = await sandwich(attack, shifts, sampling);
      const found = await localSandwich(local, { ...sampling, loss: fitted.model.loss });
      expect(relativeError(found.covariance.data, wanted.covariance.data)).toBeLessThan(1e-8);
      expect(relativeError(found.standardErrors, wanted.standardErrors)).toBeLessThan(1e-8);
      expect(Math.abs(found.debiased - wanted.debiased)).toBeLessThan(1e-8 * Math.abs(wanted.debiased));
      expect(found.sensitivityStandardError / wanted.sensitivityStandardError).toBeCloseTo(1, 8);
      const covariance = await parameterCovariance(fitted, { ...independentRows(data.rows), ...sampling });
      expect(found.estimationLoss / estimationLoss(fitted, covariance)).toBeCloseTo(1, 8);
      const [a, b] = [found.sensitivityInterval(0.9), sensitivityInterval(attack, wanted, 0.9)];
      expect(a.method).toBe(b.method);
      expect(relativeError([a.lower, a.upper], [b.lower, b.upper])).toBeLessThan(1e-7);
    }
  });
});

/** Three classes that overlap. */
function classes(seed: number, n: number, weighted = true): Dataset {
  const random = new Random(seed);
  const X = random.rows(n, 2);
  const y = X.map(([a, b]) => {
    const scores = [0.8 * a + 0.3, -0.6 * a + 0.9 * b, -0.7 * b].map((f) => Math.exp(f));
    let left = random.uniform() * (scores[0] + scores[1] + scores[2]);
    return scores.findIndex((share) => (left -= share) < 0);
  });
  const weights = X.map(() => (weighted ? 0.5 + random.uniform() : 1));
  return matrixDataset(Matrix.fromRows(X), y, { weights });
}

const softmax = softmaxRegression({ features: ["a", "b"], classes: ["x", "y", "z"] });

/** Newton's method with the pseudo-inverse, so that flat directions stay where they are. */
async function polished(
  model: Model,
  data: Dataset,
  l2: number,
  start: Float64Array,
): Promise<LocalInfluence["point"]> {
  let point = await pointAt(model, data, start, { l2 });
  for (let step = 0; step < 30; step++) {
    const { local, system } = await localInfluence(point, lp(2), { eigenvalues: false });
    if (local.gradientNorm < 1e-15) break;
    const { solution } = await system.solve(new Matrix(point.gradient, start.length, 1));
    point = await pointAt(
      model,
      data,
      point.parameters.map((value, j) => value - solution.data[j]),
      { l2 },
    );
  }
  return point;
}

/** IF_i of Î and of Ŝ by moving a little weight to row i, fitting again, and computing c, H, Φ and I again. */
async function jackknife(attack: LocalInfluence): Promise<{ rows: Float64Array[]; sensitivities: number[] }> {
  const { point, threat } = attack;
  const { model, data, l2, parameters } = point;
  const { p, budgets } = threat.settings;
  const at = async (i: number, eta: number) => {
    const weights = data.weights.map((w, k) => (1 - eta) * w + (k === i ? eta : 0));
    const [{ x, y }] = data.blocks(data.rows);
    const moved = await polished(model, matrixDataset(x, y, { weights }), l2, parameters);
    const { influence: I, system } = await localInfluence(moved, lp(p, { budgets }));
    const { data: image } = await system.operator.product(new Matrix(I, I.length, 1));
    const S = 0.5 * I.reduce((sum, value, j) => sum + value * (image[j] - moved.ridge[j] * value), 0);
    return [...I, S];
  };
  const rows: Float64Array[] = [];
  const sensitivities: number[] = [];
  for (let i = 0; i < data.rows; i++) {
    const differences: number[][] = [];
    for (const eta of [4e-5, 2e-5]) {
      const [up, down] = [await at(i, eta), await at(i, -eta)];
      differences.push(up.map((value, j) => (value - down[j]) / (2 * eta)));
    }
    const slope = differences[1].map((value, j) => (4 * value - differences[0][j]) / 3);
    rows.push(Float64Array.from(slope.slice(0, -1)));
    sensitivities.push(slope[slope.length - 1]);
  }
  return { rows, sensitivities };
}

async function expectJackknife(attack: LocalInfluence): Promise<void> {
  const { data } = attack.point;
  const { rows, sensitivities } = await jackknife(attack);
  const d = attack.influence.length;
  const wanted = new Float64Array(d * d);
  rows.forEach((row, i) => {
    for (let j = 0; j < d; j++) for (let k = 0; k < d; k++) wanted[j * d + k] += data.weights[i] ** 2 * row[j] * row[k];
  });
  const found = await localSandwich(attack);
  expect(relativeError(found.covariance.data, wanted)).toBeLessThan(1e-5);
  const variance = sensitivities.reduce((sum, value, i) => sum + (data.weights[i] * value) ** 2, 0);
  expect(found.sensitivityStandardError / Math.sqrt(variance)).toBeCloseTo(1, 5);
}

test.each([
  [1.5, 0.05, [1, 1]],
  [2, 0, [1, 1]],
  [2, 0.1, [1, 0.4]],
  [3, 0.05, [2, 1]],
])("softmax, p = %d, l2 = %d: the influence function is that of moved weights", async (p, l2, budgets) => {
  const data = classes(3, 48);
  const point = await polished(softmax, data, l2, new Float64Array(9));
  const attack = await localInfluence(point, lp(p, { budgets }));
  // The intercepts move together without effect; without a ridge, the coefficients too.
  expect(attack.solver.rank).toBe(l2 > 0 ? 8 : 6);
  await expectJackknife(attack);
});

test("a tanh network with a ridge: the influence function is that of moved weights", async () => {
  const { model, data } = smallNetwork(2, { n: 70 });
  const theta = minimumOf((at) => gradientOf(model, data, 0.02, at), smallNetwork(2, { n: 70 }).start);
  const attack = await localInfluence(await pointAt(model, data, theta, { l2: 0.02 }), lp(2));
  expect(attack.local.smallestEigenvalue ?? 0).toBeGreaterThan(1e-4);
  await expectJackknife(attack);
});

test("identified quantities do not depend on which intercepts a softmax model was given", async () => {
  const data = classes(5, 60);
  const point = await polished(softmax, data, 0.05, new Float64Array(9));
  const shifted = await pointAt(
    softmax,
    data,
    point.parameters.map((value, j) => value + (j < 3 ? 1.7 : 0)),
    { l2: 0.05 },
  );
  const [one, other] = await Promise.all(
    [point, shifted].map(async (at) => localSandwich(await localInfluence(at, lp(2)))),
  );
  expect(relativeError(other.covariance.data, one.covariance.data)).toBeLessThan(1e-9);
  // A model with two classes is a logistic one in the difference of its coefficients, with half the ridge.
  const [block] = data.blocks(data.rows);
  const y = block.y.map((label) => (label === 0 ? 0 : 1));
  const binary = matrixDataset(block.x, y, { weights: block.w });
  const signed = matrixDataset(
    block.x,
    y.map((label) => 2 * label - 1),
    { weights: block.w },
  );
  const two = softmaxRegression({ features: ["a", "b"], classes: ["no", "yes"] });
  const logistic = perceptron({ inputs: 2, hidden: [], activation: "identity", loss: "logistic" });
  const multi = await localSandwich(await localInfluence(await polished(two, binary, 0.1, new Float64Array(6)), lp(2)));
  const single = await localSandwich(
    await localInfluence(await polished(logistic, signed, 0.05, new Float64Array(3)), lp(2)),
  );
  // Contrasts yes − no of (a, b, intercept) in the order of the perceptron.
  const pairs = [
    [2, 4],
    [3, 5],
    [0, 1],
  ];
  const V = (j: number, k: number): number => multi.covariance.data[j * 6 + k];
  const contrasts = pairs.flatMap(([a, b]) => pairs.map(([c, e]) => V(b, e) - V(b, c) - V(a, e) + V(a, c)));
  expect(relativeError(contrasts, single.covariance.data)).toBeLessThan(1e-8);
  expect(multi.debiased / single.debiased).toBeCloseTo(1, 8);
  expect(multi.sensitivityStandardError / single.sensitivityStandardError).toBeCloseTo(1, 8);
});

test("weights that count rows give what the rows written out give", async () => {
  const base = classes(9, 40, false);
  const [{ x, y }] = base.blocks(40);
  const counts = y.map((_, i) => 1 + (i % 3));
  const rows = [...counts].flatMap((count, i) => new Array<number>(count).fill(i));
  const copied = matrixDataset(
    Matrix.fromRows(rows.map((i) => x.row(i))),
    rows.map((i) => y[i]),
  );
  const weighted = matrixDataset(x, y, { weights: counts });
  const attackOn = async (data: Dataset, p: number) =>
    localInfluence(await polished(softmax, data, 0.1, new Float64Array(9)), lp(p));
  for (const p of [2, INF, 1]) {
    const counted = await localSandwich(await attackOn(weighted, p), {
      weightsKind: "frequency",
      totalWeight: rows.length,
    });
    const written = await localSandwich(await attackOn(copied, p));
    expect(relativeError(counted.covariance.data, written.covariance.data)).toBeLessThan(1e-9);
    const clustered = await localSandwich(await attackOn(copied, p), { clusters: Int32Array.from(rows) });
    expect(clustered.standardErrors[4]).toBeGreaterThan(1.05 * written.standardErrors[4]);
  }
});

test("many parameters a row widen the intervals by the mean leverage", async () => {
  const point = await polished(softmax, classes(4, 60, false), 0, new Float64Array(9));
  const attack = await localInfluence(point, lp(2));
  const [plain, wide] = [await localSandwich(attack), await localSandwich(attack, { leverage: "hc1" })];
  // Six identified parameters without a ridge: h̄ = 6/60.
  plain.standardErrors.forEach((error, j) => expect(wide.standardErrors[j] / error).toBeCloseTo(0.9 ** -0.5, 10));
  expect(wide.debiased).toBe(plain.debiased);
  expect(wide.sensitivityStandardError).toBe(plain.sensitivityStandardError);
});

test("where the penalty has corners the density of their places is added: p = ∞ and p = 1, against sums by hand", async () => {
  const data = classes(8, 60);
  const point = await polished(softmax, data, 0.1, new Float64Array(9));
  const [block] = data.blocks(60);
  const { w } = block;
  const rate = w.reduce((sum, value) => sum + value * value, 0) ** 0.2;
  const weighted = (values: number[]) => values.reduce((sum, value, i) => sum + w[i] * value, 0);
  const gradients = (theta: Float64Array) => softmax.inputGradients(theta, block);
  const g = gradients(point.parameters);
  const size = [...w].map((_, i) => Math.hypot(...g.row(i)));
  const kernel = (t: number, h: number) => Math.exp(-0.5 * (t / h) ** 2) / (h * Math.sqrt(2 * Math.PI));
  // ∂g_ik/∂θ_j by central differences.
  const slopes = Array.from({ length: 9 }, (_, j) => {
    const moved = (h: number) => gradients(point.parameters.map((value, k) => value + (k === j ? h : 0)));
    const [up, down] = [moved(1e-5), moved(-1e-5)];
    return up.data.map((value, at) => (value - down.data[at]) / 2e-5);
  });
  for (const p of [INF, 1]) {
    const attack = await localInfluence(point, lp(p));
    const terms: { weight: number; slope: number[] }[] = [];
    if (p === 1) {
      const gap = [...w].map((_, i) => Math.abs(Math.abs(g.row(i)[0]) - Math.abs(g.row(i)[1])));
      const h = 1.06 * rate * Math.sqrt(weighted(gap.map((value, i) => (value / size[i]) ** 2)));
      gap.forEach((value, i) => {
        const [s, t] = [Math.sign(g.row(i)[0]), Math.sign(g.row(i)[1])];
        const slope = slopes.map((column) => s * column[2 * i] - t * column[2 * i + 1]);
        terms.push({ weight: w[i] * kernel(value, h * size[i]), slope });
      });
    } else {
      for (const k of [0, 1]) {
        const ratios = [...w].map((_, i) => Math.abs(g.row(i)[k]) / size[i]);
        const mean = weighted(ratios);
        const h = 1.06 * rate * Math.sqrt(weighted(ratios.map((ratio) => (ratio - mean) ** 2)));
        ratios.forEach((_, i) => {
          const slope = slopes.map((column) => column[2 * i + k]);
          terms.push({ weight: 2 * w[i] * kernel(g.row(i)[k], h * size[i]), slope });
        });
      }
    }
    // Without corners D + T is the derivative of Φ + HI with the directions held where they are: signs stay for a small step.
    const held = async (theta: Float64Array) => {
      const there = await localInfluence(await pointAt(softmax, data, theta, { l2: 0 }), lp(p), { damping: 1 });
      const image = softmax.hessianProduct(theta, block, new Matrix(attack.influence, 9, 1)).data;
      return there.penaltyGradient.map((value, j) => value + image[j]);
    };
    const jacobian = await localJacobian(attack, null);
    for (let j = 0; j < 9; j++) {
      const moved = (h: number) => held(point.parameters.map((value, k) => value + (k === j ? h : 0)));
      const [up, down] = [await moved(1e-5), await moved(-1e-5)];
      const wanted = up.map((value, k) => {
        const corners = terms.reduce((sum, { weight, slope }) => sum + weight * slope[j] * slope[k], 0);
        return (value - down[k]) / 2e-5 + attack.scale * corners;
      });
      expect(relativeError(jacobian.column(j), wanted)).toBeLessThan(1e-7);
    }
  }
});

describe("what has no interval", () => {
  const data = classes(1, 50);

  test("says why", async () => {
    const point = await polished(softmax, data, 0.1, new Float64Array(9));
    const attack = await localInfluence(point, lp(2));
    expect(localRefusal(attack)).toBeNull();
    const codeOf = (changed: LocalInfluence, options = {}) => localRefusal(changed, options)?.code;
    const elsewhere = await pointAt(
      softmax,
      data,
      point.parameters.map((value) => 1.1 * value),
      { l2: 0.1 },
    );
    expect(codeOf(await localInfluence(elsewhere, lp(2)))).toBe("not-at-minimum");
    expect(codeOf(await localInfluence(point, lp(2), { damping: 0.01 }))).toBe("damped");
    expect(codeOf(await localInfluence(point, lp(2), { curvature: "gauss-newton" }))).toBe("gauss-newton");
    expect(codeOf(await localInfluence(point, wasserstein(2, lp(2))))).toBe("shared-budget");
    expect(codeOf(attack, { smooth: false })).toBe("kinks");
    expect(codeOf(attack, { affordable: 50 * 80 })).toBe("too-large");
    const { tangentHessianProduct: _third, ...bare } = softmax;
    expect(codeOf({ ...attack, point: { ...point, model: bare } })).toBe("third-derivatives");
    await expect(localSandwich(attack, { smooth: false })).rejects.toThrow(/No interval for the population: .*ReLU/);
    const few = await polished(softmax, classes(1, 36), 0.1, new Float64Array(9));
    expect(codeOf(await localInfluence(few, lp(2)))).toBe("few-rows");
  });

  test("a minimum that is not isolated, unless the risk is convex", async () => {
    const l = modelOf({
      parameters: { a: { rows: 1, columns: 1 }, b: { rows: 1, columns: 1 } },
      losses: ({ a, b }, x, y) => squaredLoss(mul(columns(x, 0, 1), add(a, b)), y),
    });
    const point = await polished(l, data, 0, new Float64Array(2));
    const attack = await localInfluence(point, lp(2));
    expect(localRefusal(attack)?.code).toBe("singular");
    expect(localRefusal({ ...attack, point: { ...point, model: { ...l, convex: true } } })).toBeNull();
  });
});

test("coverage of nominal 95 % intervals: softmax, n = 500", { timeout: 900_000 }, async () => {
  const truth = await localInfluence(
    await polished(softmax, classes(1000, drawsOf(20_000, 200_000), false), 0.01, new Float64Array(9)),
    lp(2),
    { eigenvalues: false },
  );
  const draws = drawsOf(25, 400);
  const covered = new Float64Array(9);
  for (let draw = 0; draw < draws; draw++) {
    const point = await polished(softmax, classes(draw, 500, false), 0.01, truth.point.parameters);
    const attack = await localInfluence(point, lp(2), { eigenvalues: false });
    const { standardErrors } = await localSandwich(attack);
    attack.influence.forEach((value, j) => {
      if (Math.abs(value - truth.influence[j]) <= 1.96 * standardErrors[j]) covered[j]++;
    });
  }
  const mean = covered.reduce((sum, count) => sum + count, 0) / (9 * draws);
  expect(mean).toBeGreaterThan(drawsOf(0.88, 0.935));
  expect(mean).toBeLessThan(drawsOf(0.995, 0.965));
  for (const count of covered) expect(count / draws).toBeGreaterThan(drawsOf(0.8, 0.92));
});
