/** The wrappers of bases and of autodiff models against their definitions: v(P'(x − μ)) differentiated in x. */
import { describe, expect, test } from "vitest";
import { constant, crossEntropy, dense, matmul, sub, tanh } from "../../../src/autodiff/index.js";
import { Matrix } from "../../../src/index.js";
import type { FeatureMap } from "../../../src/models/feature-map.js";
import { LinearMap } from "../../../src/models/linear-map.js";
import { MonomialMap } from "../../../src/models/monomial-map.js";
import { predictiveModel } from "../../../src/models/predictive-model.js";
import { ProjectedMap } from "../../../src/models/projection/projected-map.js";
import { projectedModel } from "../../../src/models/projection/projected-model.js";
import type { Projection } from "../../../src/models/projection/projection.js";
import { QuadraticMap } from "../../../src/models/quadratic-map.js";
import { parseMonomials } from "../../../src/models/terms.js";
import { Random, relativeError } from "../naive.js";

const [M, K, R] = [4, 2, 5];
const random = new Random(11);
const normals = (rows: number, columns: number): Matrix =>
  new Matrix(
    Float64Array.from({ length: rows * columns }, () => random.normal()),
    rows,
    columns,
  );
const projection: Projection = {
  kind: "matrix",
  names: ["a", "b"],
  centre: normals(1, M).data,
  matrix: normals(M, K),
  explained: new Float64Array(K),
};
const x = normals(R, M);

const maps: Readonly<Record<string, FeatureMap>> = {
  linear: new LinearMap(K, true),
  "linear without intercept": new LinearMap(K, false),
  quadratic: new QuadraticMap(K, true),
  basis: new MonomialMap(K, true, parseMonomials("a, b^3/2, a*b", ["a", "b"])),
};

/** z of one row, by hand. */
const z = (row: ArrayLike<number>): number[] =>
  Array.from({ length: K }, (_, c) =>
    Array.from(projection.centre).reduce(
      (sum, mean, j) => sum + (row[j] - mean) * projection.matrix.data[j * K + c],
      0,
    ),
  );
/** v of one row, by hand. */
const v = (inner: FeatureMap, row: ArrayLike<number>): Float64Array => inner.features(Matrix.fromRows([z(row)])).data;
const H = 1e-4;
const moved = (row: Float64Array, phi: Float64Array, t: number): Float64Array =>
  row.map((value, j) => value + t * phi[j]);

describe.each(Object.keys(maps))("%s of components", (name) => {
  const inner = maps[name];
  const map = new ProjectedMap(inner, projection);
  const d = map.count;
  const theta = normals(d, 1);
  const omega = Float64Array.from({ length: R }, () => random.uniform());
  const directions = normals(R, M);
  /** d/dt v(x_i + tφ_i) */
  const slopes = Array.from({ length: R }, (_, i) => {
    const [up, down] = [H, -H].map((t) => v(inner, moved(x.row(i), directions.row(i), t)));
    return up.map((value, a) => (value - down[a]) / (2 * H));
  });

  test("features, scores and pullbacks", () => {
    const rows = Array.from({ length: R }, (_, i) => v(inner, x.row(i)));
    expect(
      relativeError(
        map.features(x).data,
        rows.flatMap((row) => [...row]),
      ),
    ).toBeLessThan(1e-13);
    const scores = rows.map((row) => row.reduce((sum, value, a) => sum + value * theta.data[a], 0));
    expect(relativeError(map.scores(theta, x).data, scores)).toBeLessThan(1e-13);
    const out = Matrix.zeros(d, 1);
    map.addPullback(x, new Matrix(omega, R, 1), out);
    const pulled = Array.from({ length: d }, (_, a) => rows.reduce((sum, row, i) => sum + omega[i] * row[a], 0));
    expect(relativeError(out.data, pulled)).toBeLessThan(1e-12);
    const gram = Matrix.zeros(d, d);
    map.addGram(x, omega, gram);
    for (let a = 0; a < d; a++) {
      for (let b = 0; b <= a; b++) {
        const sum = rows.reduce((total, row, i) => total + omega[i] * row[a] * row[b], 0);
        expect(gram.data[a * d + b]).toBeCloseTo(sum, 10);
      }
    }
  });

  test("derivatives in x", () => {
    const along = slopes.map((row) => row.reduce((sum, value, a) => sum + value * theta.data[a], 0));
    const gamma = map.inputGradients(theta.data, x);
    along.forEach((value, i) => {
      const row = gamma.row(gamma.rows === 1 ? 0 : i);
      expect(row.reduce((sum, entry, j) => sum + entry * directions.data[i * M + j], 0)).toBeCloseTo(value, 5);
    });
    expect(
      relativeError(
        map.jacobianTimes(x, directions).data,
        slopes.flatMap((row) => [...row]),
      ),
    ).toBeLessThan(1e-6);
    const pulled = new Float64Array(d);
    map.addJacobianPullback(x, directions, omega, pulled);
    const wanted = pulled.map((_, a) => slopes.reduce((sum, row, i) => sum + omega[i] * row[a], 0));
    expect(relativeError(pulled, wanted)).toBeLessThan(1e-6);
  });

  test("second derivatives in x", () => {
    const bend = Array.from({ length: R }, (_, i) => {
      const [up, at, down] = [H, 0, -H].map((t) => {
        const row = v(inner, moved(x.row(i), directions.row(i), t));
        return row.reduce((sum, value, a) => sum + value * theta.data[a], 0);
      });
      return (up - 2 * at + down) / (H * H);
    });
    const curvature = map.curvature(theta.data, x, directions) ?? new Float64Array(R);
    const times = map.curvatureTimes(theta.data, x, directions) ?? Matrix.zeros(R, M);
    bend.forEach((value, i) => {
      expect(curvature[i]).toBeCloseTo(value, 4);
      const along = times.row(i).reduce((sum, entry, j) => sum + entry * directions.data[i * M + j], 0);
      expect(along).toBeCloseTo(value, 4);
    });
    const pulled = new Float64Array(d);
    map.addCurvaturePullback(x, directions, omega, pulled);
    const along = pulled.reduce((sum, value, a) => sum + value * theta.data[a], 0);
    expect(along).toBeCloseTo(
      bend.reduce((sum, value, i) => sum + omega[i] * value, 0),
      4,
    );
  });

  test("Gram matrices of the Jacobian, by row and shared", () => {
    for (const rows of [R, 1]) {
      const diagonals = new Matrix(normals(rows, M).data.map(Math.abs), rows, M);
      const gram = Matrix.zeros(d, d);
      map.addJacobianGram(x, diagonals, omega, gram);
      const wanted = Matrix.zeros(d, d);
      for (let k = 0; k < M; k++) {
        const unit = Matrix.zeros(R, M);
        for (let i = 0; i < R; i++) unit.data[i * M + k] = 1;
        const columns = map.jacobianTimes(x, unit);
        for (let i = 0; i < R; i++) {
          const h = omega[i] * diagonals.data[(rows === 1 ? 0 : i) * M + k];
          for (let a = 0; a < d; a++) {
            for (let b = 0; b < d; b++) wanted.data[a * d + b] += h * columns.data[i * d + a] * columns.data[i * d + b];
          }
        }
      }
      for (let a = 0; a < d; a++) {
        for (let b = 0; b <= a; b++) expect(gram.data[a * d + b]).toBeCloseTo(wanted.data[a * d + b], 10);
      }
    }
  });
});

test("inputs that no component takes up are not used", () => {
  const matrix = new Matrix(projection.matrix.data.slice(), M, K);
  matrix.row(2).fill(0);
  const map = new ProjectedMap(maps["linear"], { ...projection, matrix });
  expect([0, 1, 2, 3].map((k) => map.usesInput(k))).toEqual([true, true, false, true]);
});

describe("an autodiff model of components", () => {
  const P = constant(projection.matrix.data, M, K);
  const centre = constant(projection.centre, 1, M);
  const parameters = {
    w: { rows: 3, columns: K },
    b: { rows: 1, columns: 3 },
    u: { rows: 3, columns: 3 },
    c: { rows: 1, columns: 3 },
  };
  const plain = predictiveModel({
    parameters,
    outputs: ({ w, b, u, c }, input) => dense(tanh(dense(input, w, b)), u, c),
    loss: crossEntropy,
  });
  const wrapped = projectedModel(plain, projection);
  /** The projection written into the model instead. */
  const direct = predictiveModel({
    parameters,
    outputs: ({ w, b, u, c }, input) => dense(tanh(dense(matmul(sub(input, centre), P), w, b)), u, c),
    loss: crossEntropy,
  });
  const d = plain.parameterNames.length;
  const theta = normals(d, 1).data;
  const u = normals(d, 1).data;
  const vectors = normals(d, 2);
  const phi = normals(R, M);
  const block = { x, y: Float64Array.of(0, 2, 1, 1, 0), w: Float64Array.of(0.1, 0.3, 0.2, 0.25, 0.15), firstRow: 0 };
  const curve = (rows: Matrix): Matrix =>
    new Matrix(
      rows.data.map((value, at) => value * (1 + (at % M))),
      rows.rows,
      rows.columns,
    );

  test("every product is that of the model with the projection inside", () => {
    type Of = (model: typeof wrapped) => Float64Array;
    const products: Readonly<Record<string, Of>> = {
      losses: (model) => model.losses(theta, block),
      gradient: (model) => model.gradient(theta, block),
      riskAndGradient: (model) => model.riskAndGradient(theta, block).gradient,
      inputGradients: (model) => model.inputGradients(theta, block).data,
      mixedProduct: (model) => model.mixedProduct(theta, block, phi, block.w),
      mixedProducts: (model) =>
        model.mixedProducts?.(theta, block, (gradients) => [{ directions: gradients, weights: block.w }])[0] ??
        new Float64Array(0),
      hessianProduct: (model) => model.hessianProduct(theta, block, vectors).data,
      gradientRows: (model) => model.gradientRows(theta, block).data,
      mixedRows: (model) => model.mixedRows(theta, block, phi).data,
      hessianRows: (model) => model.hessianRows(theta, block, u).data,
      inputCurvature: (model) => model.inputCurvature(theta, block, phi),
      lossSlopes: (model) => model.lossSlopes(theta, block, u),
      inputGradientSlopes: (model) => model.inputGradientSlopes(theta, block, u).data,
      tangentHessianProduct: (model) => model.tangentHessianProduct(theta, block, phi, u, vectors).data,
      mixedGramProduct: (model) => model.mixedGramProduct(theta, block, curve, vectors).data,
      keptHessian: (model) => model.keptHessian(theta, block).product(vectors).data,
      keptGaussNewton: (model) => model.keptGaussNewton(theta, block).product(vectors).data,
      lossesAndInputGradients: (model) => model.lossesAndInputGradients(theta, block).gradients.data,
      gaussNewtonRows: (model) => {
        const [first, second] = model.gaussNewtonRows?.(theta, block)?.layers ?? [];
        return Float64Array.of(
          ...first.inputs.data,
          ...first.slopes.data,
          ...second.inputs.data,
          ...second.slopes.data,
        );
      },
      gaussNewtonProduct: (model) => model.gaussNewtonProduct(theta, block, vectors).data,
      outputs: (model) => model.outputs(theta, x).data,
    };
    for (const [name, of] of Object.entries(products)) {
      expect(relativeError(of(wrapped), of(direct)), name).toBeLessThan(1e-11);
    }
    const known = new Set([...Object.keys(products), "parameterNames", "penalised", "output"]);
    expect(Object.keys(wrapped).filter((key) => !known.has(key))).toEqual([]);
  });
});
