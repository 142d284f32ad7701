import { describe, expect, it } from "vitest";
import { type MatrixDataset, matrixDataset } from "../../src/data/matrix-dataset.js";
import { Matrix } from "../../src/linalg/matrix.js";
import { symmetricEigen } from "../../src/linalg/symmetric.js";
import { softmaxRegression } from "../../src/models/softmax.js";
import { blockPreconditioner } from "../../src/solvers/block-preconditioner.js";
import { ridgeOf } from "../../src/solvers/model-risk.js";
import { minimiseNewton } from "../../src/solvers/newton-cg.js";
import { NO_PRECONDITIONER } from "../../src/solvers/preconditioner.js";
import { riskOperator } from "../../src/solvers/risk-operator.js";
import { trainModel } from "../../src/solvers/train.js";
import { relativeError } from "../golden.js";
import { Random } from "../models/naive.js";

const CLASSES = ["a", "b", "c"];

/** Columns of very different lengths, two of them nearly copies. */
function drawn(n: number, m: number, seed: number): MatrixDataset {
  const random = new Random(seed);
  const x = Matrix.zeros(n, m);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < m; j++) x.row(i)[j] = 10 ** (j % 4) * random.normal();
    x.row(i)[m - 1] = x.row(i)[0] + 1e-3 * random.normal();
  }
  return matrixDataset(
    x,
    Float64Array.from({ length: n }, () => random.below(3)),
  );
}

const modelOf = (m: number, intercept = true) =>
  softmaxRegression({ features: Array.from({ length: m }, (_, j) => `x${j}`), classes: CLASSES, intercept });

function problemOf(data: MatrixDataset, l2: number, intercept = true) {
  const model = modelOf(data.features.length, intercept);
  const random = new Random(7);
  const parameters = Float64Array.from(model.parameterNames, () => 0.02 * random.normal());
  return { model, data, ridge: ridgeOf(model, l2), parameters };
}

describe("the preconditioner of diagonal blocks", () => {
  it.each([true, false])("are those of the Hessian itself (intercept: %s)", async (intercept) => {
    const data = drawn(70, 5, 1);
    const { model, parameters, ...rest } = problemOf(data, 0, intercept);
    const whole = await riskOperator(
      { model, parameters, ...rest },
      { curvature: "hessian", withRidge: false },
    ).matrix?.();
    const [block] = data.blocks(data.rows);
    const seen = new Set<number>();
    for (const { parameters: members, hessian } of model.diagonalBlocks?.(parameters, block) ?? []) {
      members.forEach((j, i) => {
        seen.add(j);
        members.forEach((k, l) => {
          if (l <= i) expect(relativeError([hessian.row(i)[l]], [whole?.row(j)[k] ?? Number.NaN])).toBeLessThan(1e-10);
        });
      });
    }
    expect(seen.size).toBe(model.parameterNames.length);
  });

  it("leaves no eigenvalue above the number of classes, whatever the columns", async () => {
    const all = problemOf(drawn(80, 6, 2), 0.01, false);
    const problem = { ...all, ridge: all.ridge.map((_, j) => 0.01 * (1 + (j % 6))) };
    const preconditioner = await blockPreconditioner(problem, problem.parameters);
    const whole = (await riskOperator(problem, { curvature: "hessian", withRidge: true }).matrix?.()) as Matrix;
    const image = preconditioner.apply(whole); // M⁻¹H, similar to a symmetric matrix
    const trace = Array.from({ length: image.rows }, (_, j) => image.row(j)[j]).reduce((a, b) => a + b, 0);
    expect(trace).toBeCloseTo(image.rows, 8);
    const inverse = preconditioner.apply(identity(image.rows));
    const { values } = symmetricEigen(similar(inverse, whole));
    expect(values[values.length - 1]).toBeLessThanOrEqual(CLASSES.length + 1e-8);
    expect(values[0]).toBeGreaterThan(-1e-10);
  });

  it("blocks that are singular, and rows in any blocks, do no harm", async () => {
    const data = drawn(40, 4, 3);
    for (let i = 0; i < data.rows; i++) data.x.row(i)[2] = 0;
    const problem = problemOf(data, 0);
    const { data: applied } = (await blockPreconditioner(problem, problem.parameters)).apply(
      Matrix.fromRows(Array.from(problem.parameters, () => [1])),
    );
    expect(applied.every(Number.isFinite)).toBe(true);
  });

  it("Newton's method ends at the same minimum in fewer products", async () => {
    const data = drawn(400, 8, 4);
    const model = modelOf(8);
    const l2 = 1e-6;
    const { diagonalBlocks: _, ...bare } = model;
    const [quick, plain] = [await trainModel(model, data, { l2 }), await trainModel(bare, data, { l2 })];
    expect([quick.end, plain.end]).toEqual(["converged", "converged"]);
    expect(quick.trainingLoss).toBeCloseTo(plain.trainingLoss, 9);
    // Intercepts have no ridge, and keep the sum that they began with.
    expect(relativeError(quick.parameters, plain.parameters)).toBeLessThan(1e-5);
  });

  it("is made when products have cost as much, and not before", async () => {
    // f = ½ Σ a_j θ_j² + ¼ Σ θ_j⁴, of condition 10⁴
    const a = Float64Array.from({ length: 60 }, (_, j) => 10 ** (j / 15));
    const evaluate = async (theta: Float64Array) => ({
      value: theta.reduce((sum, t, j) => sum + 0.5 * a[j] * t * t + 0.25 * t ** 4 - t, 0),
      gradient: theta.map((t, j) => a[j] * t + t ** 3 - 1),
    });
    const diagonal = (theta: Float64Array) => theta.map((t, j) => a[j] + 3 * t * t);
    const hessian = (theta: Float64Array) => ({
      size: theta.length,
      product: async (v: Matrix) => byRows(v, (value, j) => value * diagonal(theta)[j]),
    });
    const run = async (cost: number | null) => {
      let made = 0;
      const preconditioner =
        cost === null
          ? null
          : {
              cost,
              at: async (theta: Float64Array) => {
                made++;
                return {
                  ...NO_PRECONDITIONER,
                  apply: (r: Matrix) => byRows(r, (value, j) => value / diagonal(theta)[j]),
                };
              },
            };
      const result = await minimiseNewton(evaluate, new Float64Array(60), {
        hessian,
        preconditioner,
        tolerance: 1e-10,
        relativeGradient: ({ gradient }) => Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0)),
      });
      expect(result.end).toBe("converged");
      return { made, products: result.products };
    };
    const [without, never, cheap] = [await run(null), await run(1e9), await run(5)];
    expect(never).toEqual(without);
    expect(cheap.made).toBeGreaterThan(0);
    expect(cheap.products).toBeLessThan(0.5 * without.products);
  });
});

const identity = (n: number): Matrix =>
  Matrix.fromRows(Array.from({ length: n }, (_, i) => Array.from({ length: n }, (__, j) => (i === j ? 1 : 0))));

function byRows(v: Matrix, value: (entry: number, row: number) => number): Matrix {
  return new Matrix(
    v.data.map((entry, at) => value(entry, Math.floor(at / v.columns))),
    v.rows,
    v.columns,
  );
}

/** R'HR for M⁻¹ = RR' (symmetric root), with the eigenvalues of M⁻¹H. */
function similar(inverse: Matrix, whole: Matrix): Matrix {
  const { values, vectors } = symmetricEigen(inverse);
  const n = whole.rows;
  const root = Matrix.zeros(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      for (let k = 0; k < n; k++) root.data[i * n + j] += Math.sqrt(values[k]) * vectors.row(k)[i] * vectors.row(k)[j];
    }
  }
  return times(times(root, whole), root);
}

function times(a: Matrix, b: Matrix): Matrix {
  const out = Matrix.zeros(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.columns; j++) {
      for (let k = 0; k < a.columns; k++) out.data[i * b.columns + j] += a.row(i)[k] * b.row(k)[j];
    }
  }
  return out;
}
