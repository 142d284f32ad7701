import { describe, expect, it } from "vitest";
import { squaredLoss, sub } from "../../src/autodiff/index.js";
import { matrixDataset } from "../../src/data/matrix-dataset.js";
import { AifError } from "../../src/errors.js";
import { Matrix } from "../../src/linalg/matrix.js";
import { modelOf } from "../../src/models/autodiff-model.js";
import { perceptron } from "../../src/models/perceptron.js";
import { softmaxRegression } from "../../src/models/softmax.js";
import { gradientTerms } from "../../src/solvers/gradient-terms.js";
import { ridgeOf, riskAt } from "../../src/solvers/model-risk.js";
import { trainModel } from "../../src/solvers/train.js";
import { relativeError } from "../golden.js";
import { Random } from "../models/naive.js";

/** n rows of m features in K classes whose means differ, or with a smooth target. */
function drawn(n: number, m: number, seed: number, K = 3) {
  const random = new Random(seed);
  const labels = Float64Array.from({ length: n }, () => random.below(K));
  const x = Float64Array.from(
    { length: n * m },
    (_, at) => random.normal() + (at % m === labels[Math.floor(at / m)] ? 1 : 0),
  );
  const matrix = new Matrix(x, n, m);
  const target = Float64Array.from({ length: n }, (_, i) => Math.sin(matrix.row(i)[0]) + 0.5 * matrix.row(i)[1] ** 2);
  return { classes: matrixDataset(matrix, labels), smooth: matrixDataset(matrix, target) };
}

const softmax = (m: number) =>
  softmaxRegression({ features: Array.from({ length: m }, (_, j) => `x${j}`), classes: ["a", "b", "c"] });
const tanhNetwork = perceptron({ inputs: 4, hidden: [6], activation: "tanh", loss: "squared" });

/** max_j |∇L_j| beside its terms, row by row, without the floor under small terms. */
function strictNorm(gradients: Float64Array[], ridge: Float64Array, theta: Float64Array, w: Float64Array): number {
  return Math.max(
    ...theta.map((value, j) => {
      const terms = [...gradients.map((g, i) => w[i] * g[j]), ridge[j] * value];
      return Math.abs(terms.reduce((a, b) => a + b, 0)) / terms.reduce((a, b) => a + Math.abs(b), 0);
    }),
  );
}

describe("training", () => {
  it("of a softmax regression reaches the same minimum by Newton's method, L-BFGS and, nearly, Adam", async () => {
    const { classes: data } = drawn(300, 4, 1);
    const model = softmax(4);
    const newton = await trainModel(model, data, { l2: 0.05, tolerance: 1e-12 });
    const lbfgs = await trainModel(model, data, { l2: 0.05, method: "lbfgs", tolerance: 1e-10 });
    const adam = await trainModel(model, data, { l2: 0.05, method: "adam", epochs: 200, learningRate: 0.01 });
    expect([newton.method, newton.end, lbfgs.end, adam.end]).toEqual([
      "newton",
      "converged",
      "converged",
      "epochs-done",
    ]);
    expect(newton.gradientNorm).toBeLessThan(1e-12);
    expect(newton.iterations).toBeLessThan(12);
    expect(relativeError(lbfgs.parameters, newton.parameters)).toBeLessThan(1e-8);
    expect(relativeError(adam.parameters, newton.parameters)).toBeLessThan(0.1);
    expect(adam.converged).toBe(false);
    expect(adam.iterations).toBe(200 * Math.ceil(300 / 128));
    const [block] = data.blocks();
    const gradients = Array.from({ length: 300 }, (_, i) =>
      model.gradient(newton.parameters, {
        x: block.x.rowRange(i, i + 1),
        y: block.y.subarray(i, i + 1),
        w: Float64Array.of(1),
        firstRow: i,
      }),
    );
    expect(strictNorm(gradients, ridgeOf(model, 0.05), newton.parameters, data.weights)).toBeLessThan(1e-12);
  });

  it("of a network ends where its gradient is small beside its terms, the same for the same seed", async () => {
    const { smooth: data } = drawn(120, 4, 2);
    const options = { l2: 1e-2, seed: 4 };
    const first = await trainModel(tanhNetwork, data, options);
    expect(first).toMatchObject({ method: "lbfgs", end: "converged", converged: true });
    expect(first.gradientNorm).toBeLessThan(1e-8);
    expect(await trainModel(tanhNetwork, data, options)).toEqual(first);
    const other = await trainModel(tanhNetwork, data, { ...options, seed: 5 });
    expect(other.parameters).not.toEqual(first.parameters);
    const again = await trainModel(tanhNetwork, data, { l2: 1e-2, start: first.parameters });
    expect(again.iterations).toBe(0);
    expect(again.parameters).toEqual(first.parameters);
  });

  it("by Adam is seeded, keeps the best epoch on rows held out, and stops when they do not gain", async () => {
    const { smooth: data } = drawn(60, 4, 3);
    const { smooth: validation } = drawn(200, 4, 4);
    const options = {
      method: "adam",
      seed: 1,
      epochs: 400,
      learningRate: 0.02,
      batchRows: 16,
      validation,
      patience: 15,
    } as const;
    const first = await trainModel(tanhNetwork, data, options);
    expect(await trainModel(tanhNetwork, data, options)).toEqual(first);
    expect(first.end).toBe("stopped");
    const { risk } = await riskAt(
      { model: tanhNetwork, data: validation, ridge: ridgeOf(tanhNetwork, 0) },
      first.parameters,
    );
    expect(first.validationLoss).toBeCloseTo(risk, 13);
    const longer = await trainModel(tanhNetwork, data, { ...options, patience: 1e9 });
    expect(longer.validationLoss).toBeLessThanOrEqual(first.validationLoss ?? 0);
    const { validation: _, patience: __, ...blind } = options;
    const last = await trainModel(tanhNetwork, data, { ...blind, epochs: 400 });
    expect(last.validationLoss).toBeNull();
    expect(last.trainingLoss).toBeLessThan(first.trainingLoss);
  });

  it("by Adam steps along batches whose mean is the gradient, last and shorter one included", async () => {
    // The mean of the rows is the minimum; unequal batches that counted alike would miss it.
    const values = Float64Array.of(0, 0, 0, 0, 10);
    const data = matrixDataset(new Matrix(values, 5, 1), values);
    const centre = modelOf({
      parameters: { a: { rows: 1, columns: 1 } },
      losses: ({ a }, x) => squaredLoss(sub(x, a), sub(x, x)),
    });
    const rates = { learningRate: 0.002, epochs: 3000 };
    const { parameters } = await trainModel(centre, data, {
      method: "adam",
      start: Float64Array.of(1),
      batchRows: 4,
      ...rates,
    });
    expect(parameters[0]).toBeGreaterThan(1.7);
    expect(parameters[0]).toBeLessThan(2.3);
  });

  it("tells how far it is, with loss and gradient, and can be cancelled", async () => {
    const { smooth: data } = drawn(120, 4, 2);
    const phases: string[] = [];
    await trainModel(tanhNetwork, data, { maximumIterations: 5 }, { onProgress: ({ phase }) => phases.push(phase) });
    expect(phases.some((phase) => /^training: loss [\d.]+, gradient [\d.e+-]+$/.test(phase))).toBe(true);
    const controller = new AbortController();
    const stopped = trainModel(
      tanhNetwork,
      data,
      {},
      { signal: controller.signal, onProgress: () => controller.abort() },
    );
    await expect(stopped).rejects.toMatchObject({ code: "cancelled" });
  });

  it("returns what did not converge and says so", async () => {
    const { smooth: data } = drawn(120, 4, 2);
    const short = await trainModel(tanhNetwork, data, { maximumIterations: 3 });
    expect(short).toMatchObject({ end: "iteration-limit", converged: false, iterations: 3 });
    expect(short.gradientNorm).toBeGreaterThan(1e-8);
  });

  it.each<[string, object, RegExp]>([
    [
      "a method that there is not",
      { method: "sgd" },
      /Unknown training method "sgd": use one of auto, newton, lbfgs, adam/,
    ],
    ["a start of another length", { start: new Float64Array(2) }, /has 37 parameters, but "start" has 2/],
    ["a tolerance of 0", { tolerance: 0 }, /tolerance of a training must be above 0, got 0/],
    ["a negative ridge", { l2: -1 }, /l2 penalty must be a number ≥ 0, got -1/],
  ])("is refused with %s", async (_, options, message) => {
    const { smooth: data } = drawn(20, 4, 2);
    const training = trainModel(tanhNetwork, data, options);
    await expect(training).rejects.toThrow(AifError);
    await expect(training).rejects.toThrow(message);
  });

  it("of a model that names no start asks for one", async () => {
    const data = drawn(20, 4, 2).smooth;
    const bare = modelOf({
      parameters: { a: { rows: 1, columns: 1 } },
      losses: ({ a }, _, y) => squaredLoss(sub(y, a), sub(y, y)),
    });
    await expect(trainModel(bare, data)).rejects.toThrow(/give "start", 1 numbers/);
  });
});

it("a gradient's terms are those of its rows, weighted, and of the ridge", async () => {
  const { classes } = drawn(50, 4, 9);
  const model = softmax(4);
  const theta = Float64Array.from({ length: 15 }, (_, j) => Math.cos(j));
  const weights = Float64Array.from({ length: 50 }, (_, i) => 1 + (i % 3));
  const [all] = classes.blocks();
  const data = matrixDataset(all.x, all.y, { weights });
  const terms = await gradientTerms({ model, data, ridge: ridgeOf(model, 0.3) }, theta);
  const naive = new Float64Array(15);
  for (let i = 0; i < 50; i++) {
    const x = all.x.row(i);
    const f = [0, 1, 2].map((k) => theta[k] + x.reduce((sum, value, j) => sum + value * theta[3 + 4 * k + j], 0));
    const total = f.reduce((sum, value) => sum + Math.exp(value), 0);
    f.forEach((value, k) => {
      const residual = data.weights[i] * Math.abs(Math.exp(value) / total - (k === all.y[i] ? 1 : 0));
      naive[k] += residual;
      x.forEach((entry, j) => {
        naive[3 + 4 * k + j] += residual * Math.abs(entry);
      });
    });
  }
  for (let j = 3; j < 15; j++) naive[j] += 0.3 * Math.abs(theta[j]);
  expect(relativeError(terms, naive)).toBeLessThan(1e-13);
});

it("a gradient's terms of many rows are scaled from the rows that were looked at", async () => {
  const n = 5000; // every second row is looked at
  const weights = Float64Array.from({ length: n }, (_, i) => (i % 2 === 0 ? 3 : 1));
  const ones = new Float64Array(n).fill(1);
  const data = matrixDataset(new Matrix(ones, n, 1), ones, { weights });
  const model = modelOf({
    parameters: { a: { rows: 1, columns: 1 } },
    losses: ({ a }, x, y) => squaredLoss(sub(x, sub(y, a)), sub(x, y)),
  });
  const terms = await gradientTerms({ model, data, ridge: ridgeOf(model, 0) }, Float64Array.of(1));
  expect(terms[0]).toBeCloseTo(2, 12); // |2(a − 0)| of every row at a = 1
});
