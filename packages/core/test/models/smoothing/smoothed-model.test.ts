/** Means over noise as models: derivatives against differences of the means, squares against their exact mean. */
import { describe, expect, test } from "vitest";
import {
  affineModel,
  Matrix,
  type PredictiveModel,
  perceptron,
  smoothedModel,
  smoothedSquares,
} from "../../../src/index.js";
import { Random, relativeError } from "../naive.js";

const random = new Random(3);
const [R, M] = [4, 3];
const normals = (rows: number, columns: number): Matrix =>
  new Matrix(
    Float64Array.from({ length: rows * columns }, () => random.normal()),
    rows,
    columns,
  );
const block = {
  x: normals(R, M),
  y: Float64Array.of(1, -1, 1, -1),
  w: Float64Array.of(0.1, 0.2, 0.3, 0.4),
  firstRow: 7,
};
const network = perceptron({ inputs: M, hidden: [3], activation: "tanh", loss: "logistic" });
const noise = { sigma: 0.7, draws: 16, seed: 5 };
const model = smoothedModel(network, noise);
const d = network.parameterNames.length;
const theta = normals(d, 1).data;
const H = 1e-4;
const shifted = (j: number, t: number): Float64Array => theta.map((value, a) => (a === j ? value + t : value));
const withRows = (x: Matrix) => ({ ...block, x });
const difference = (of: (t: number) => Float64Array): Float64Array => {
  const [up, down] = [of(H), of(-H)];
  return up.map((value, k) => (value - down[k]) / (2 * H));
};
const moved = (phi: Matrix, t: number): Matrix =>
  new Matrix(
    block.x.data.map((value, at) => value + t * phi.data[at]),
    R,
    M,
  );

describe("the mean of a network's losses over 16 draws", () => {
  const phi = normals(R, M);
  const u = normals(d, 1);
  const along = (t: number): Float64Array => theta.map((value, j) => value + t * u.data[j]);
  const g = (at: Float64Array, x = block.x): Float64Array => model.inputGradients(at, withRows(x)).data;

  test("is another loss than that of the rows, the same at every look", () => {
    expect(relativeError(model.losses(theta, block), network.losses(theta, block))).toBeGreaterThan(1e-2);
    expect(model.losses(theta, block)).toEqual(model.losses(theta, block));
    const last = { x: block.x.rowRange(3, 4), y: block.y.subarray(3), w: Float64Array.of(1), firstRow: 10 };
    expect(model.losses(theta, last)[0]).toBeCloseTo(model.losses(theta, block)[3], 13);
    const other = smoothedModel(network, { ...noise, seed: 6 });
    expect(relativeError(other.losses(theta, block), model.losses(theta, block))).toBeGreaterThan(1e-4);
  });

  test("halves of the draws are batches of their own, with the same mean", () => {
    const halves = [0, 4].map((firstPair) =>
      smoothedModel(network, { ...noise, draws: 8, firstPair }).losses(theta, block),
    );
    const mean = halves[0].map((value, i) => (value + halves[1][i]) / 2);
    expect(relativeError(mean, model.losses(theta, block))).toBeLessThan(1e-13);
  });

  test("derivatives in θ", () => {
    const weighted = (at: Float64Array): number =>
      model.losses(at, block).reduce((sum, l, i) => sum + block.w[i] * l, 0);
    const slopes = theta.map((_, j) => difference((t) => Float64Array.of(weighted(shifted(j, t))))[0]);
    expect(relativeError(model.gradient(theta, block), slopes)).toBeLessThan(1e-6);
    const { risk, gradient } = model.riskAndGradient(theta, block);
    expect(risk).toBeCloseTo(weighted(theta), 13);
    expect(relativeError(gradient, slopes)).toBeLessThan(1e-6);
    const curved = difference((t) => model.gradient(along(t), block));
    expect(relativeError(model.hessianProduct(theta, block, u).data, curved)).toBeLessThan(1e-6);
    expect(relativeError(model.keptHessian(theta, block).product(u).data, curved)).toBeLessThan(1e-6);
    const gaussNewton = model.gaussNewtonProduct(theta, block, u).data;
    expect(relativeError(model.keptGaussNewton(theta, block).product(u).data, gaussNewton)).toBeLessThan(1e-12);
    expect(
      relativeError(
        model.lossSlopes(theta, block, u.data),
        difference((t) => model.losses(along(t), block)),
      ),
    ).toBeLessThan(1e-6);
  });

  test("derivatives in x, and mixed ones", () => {
    const slopes = difference((t) => model.losses(theta, withRows(moved(phi, t))));
    const products = slopes.map((_, i) =>
      g(theta)
        .subarray(i * M, (i + 1) * M)
        .reduce((s, v, k) => s + v * phi.data[i * M + k], 0),
    );
    expect(relativeError(products, slopes)).toBeLessThan(1e-6);
    const gain = (at: Float64Array): number =>
      g(at).reduce((sum, value, k) => sum + block.w[Math.floor(k / M)] * value * phi.data[k], 0);
    const mixed = theta.map((_, j) => difference((t) => Float64Array.of(gain(shifted(j, t))))[0]);
    expect(relativeError(model.mixedProduct(theta, block, phi, block.w), mixed)).toBeLessThan(1e-6);
    expect(
      relativeError(
        model.inputGradientSlopes(theta, block, u.data).data,
        difference((t) => g(along(t))),
      ),
    ).toBeLessThan(1e-6);
    const bend = difference((t) => {
      const at = g(theta, moved(phi, t));
      return slopes.map((_, i) => at.subarray(i * M, (i + 1) * M).reduce((s, v, k) => s + v * phi.data[i * M + k], 0));
    });
    expect(relativeError(model.inputCurvature(theta, block, phi), bend)).toBeLessThan(1e-6);
  });

  test("Gram products are of mean derivatives, not means of products", () => {
    const rows = Array.from({ length: R }, (_, i) => {
      return Array.from({ length: M }, (_, k) => {
        const unit = Matrix.zeros(R, M);
        unit.data[i * M + k] = 1;
        return model.mixedRows(theta, block, unit).row(i).slice();
      });
    });
    const wanted = new Float64Array(d);
    rows.forEach((columns, i) => {
      columns.forEach((column) => {
        const inner = column.reduce((sum, value, j) => sum + value * u.data[j], 0);
        column.forEach((value, j) => (wanted[j] += block.w[i] * 2 * inner * value));
      });
    });
    const twice = (z: Matrix): Matrix =>
      new Matrix(
        z.data.map((value) => 2 * value),
        z.rows,
        z.columns,
      );
    expect(relativeError(model.mixedGramProduct(theta, block, twice, u).data, wanted)).toBeLessThan(1e-10);
  });
});

test("draws of a squared loss approach its exact mean", () => {
  const names = ["(intercept)", "a", "b", "c"];
  const exact = smoothedSquares({ names, loss: "squared" }, 0.8);
  const plain = affineModel({ names, loss: "squared" });
  const at = Float64Array.of(0.3, 1, -2, 0.5);
  const far = (drawn: PredictiveModel): number => relativeError(drawn.losses(at, block), exact.losses(at, block));
  const errors = [32, 512, 8192].map((draws) => far(smoothedModel(plain, { sigma: 0.8, draws, seed: 1 })));
  expect(errors[2]).toBeLessThan(0.05);
  expect(errors[2]).toBeLessThan(errors[0] / 3);
  // σ²‖β‖² on top of every row's own loss.
  exact.losses(at, block).forEach((loss, i) => {
    expect(loss - plain.losses(at, block)[i]).toBeCloseTo(0.64 * (1 + 4 + 0.25), 12);
  });
  expect(relativeError(exact.inputGradients(at, block).data, plain.inputGradients(at, block).data)).toBeLessThan(1e-14);
});
