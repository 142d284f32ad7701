import { describe, expect, it } from "vitest";
import { type MatrixDataset, matrixDataset } from "../../src/data/matrix-dataset.js";
import { Matrix } from "../../src/linalg/matrix.js";
import { symmetricEigen } from "../../src/linalg/symmetric.js";
import { softmaxRegression } from "../../src/models/softmax.js";
import { blockConjugateGradients } from "../../src/solvers/block-cg.js";
import { kroneckerCost, kroneckerPreconditioner } from "../../src/solvers/kronecker-preconditioner.js";
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

describe("the preconditioner of scores that share their inputs", () => {
  it.each([true, false])(
    "is the Hessian itself where all rows have the same probabilities (intercept: %s)",
    async (intercept) => {
      for (const lambda of [0, 0.3]) {
        const problem = problemOf(drawn(70, 5, 1), 0.01, intercept);
        const same = problem.parameters.map((value, j) => (intercept && j < 3 ? value : 0));
        const at = { ...problem, parameters: same };
        const preconditioner = (await kroneckerPreconditioner(at, same, 0.1)).withDamping(lambda);
        const whole = (await riskOperator(at, { curvature: "hessian", withRidge: true }).matrix?.()) as Matrix;
        for (let j = 0; j < whole.rows; j++) whole.data[j * (whole.columns + 1)] += lambda;
        const right = new Matrix(
          Float64Array.from(same, (_, j) => Math.sin(j + 1)),
          same.length,
          1,
        );
        // The same change of all intercepts has no curvature, and is left out.
        if (intercept && lambda === 0)
          for (let k = 0; k < 3; k++) right.data[k] -= [1, 2, 3].reduce((sum, j) => sum + Math.sin(j), 0) / 3;
        const solved = preconditioner.apply(right);
        expect(relativeError(times(whole, solved).data, right.data)).toBeLessThan(1e-6); // of condition 10⁹
      }
    },
  );

  it("is symmetric and positive, whatever the columns, and leaves fewer passes than none", async () => {
    const problem = problemOf(drawn(400, 8, 2), 1e-3);
    const operator = riskOperator(problem, { curvature: "hessian", withRidge: true });
    const preconditioner = await kroneckerPreconditioner(problem, problem.parameters);
    const d = problem.parameters.length;
    const inverse = preconditioner.apply(identity(d));
    for (let i = 0; i < d; i++) {
      for (let j = 0; j < i; j++) {
        const bound = 1e-9 * Math.sqrt(inverse.data[i * (d + 1)] * inverse.data[j * (d + 1)]);
        expect(Math.abs(inverse.data[i * d + j] - inverse.data[j * d + i])).toBeLessThan(bound);
      }
    }
    expect(symmetricEigen(inverse).values[0]).toBeGreaterThan(-1e-9);
    const right = await operator.product(
      new Matrix(
        Float64Array.from({ length: d }, (_, j) => Math.cos(j)),
        d,
        1,
      ),
    );
    const [with_, plain] = [
      await blockConjugateGradients(operator, right, { preconditioner, tolerance: 1e-8 }),
      await blockConjugateGradients(operator, right, { tolerance: 1e-8, maximumIterations: 5000 }),
    ];
    expect(with_.converged).toBe(true);
    expect(with_.iterations).toBeLessThan(0.5 * plain.iterations);
  });

  it("is made in the midst of conjugate gradients when it pays, and not before", async () => {
    const problem = problemOf(drawn(400, 40, 2), 1e-3);
    const operator = riskOperator(problem, { curvature: "hessian", withRidge: true });
    const d = problem.parameters.length;
    const right = await operator.product(
      new Matrix(
        Float64Array.from({ length: 2 * d }, (_, j) => Math.cos(j)),
        d,
        2,
      ),
    );
    const run = async (cost: number) => {
      let made = 0;
      const make = async () => {
        made++;
        return await kroneckerPreconditioner(problem, problem.parameters);
      };
      const solution = await blockConjugateGradients(operator, right, { later: { cost, make }, tolerance: 1e-8 });
      return { made, solution };
    };
    const [dear, cheap] = [await run(1e9), await run(kroneckerCost(3, 41))];
    expect([dear.made, cheap.made]).toEqual([0, 1]);
    expect(cheap.solution.converged).toBe(true);
    expect(cheap.solution.relativeResidual).toBeLessThan(1e-8);
    expect(cheap.solution.products).toBeLessThan(dear.solution.products);
  });

  it("columns of zeros without a ridge do no harm", async () => {
    const data = drawn(40, 4, 3);
    for (let i = 0; i < data.rows; i++) data.x.row(i)[2] = 0;
    const problem = problemOf(data, 0);
    const { data: applied } = (await kroneckerPreconditioner(problem, problem.parameters))
      .withDamping(0)
      .apply(Matrix.fromRows(Array.from(problem.parameters, () => [1])));
    expect(applied.every(Number.isFinite)).toBe(true);
  });

  it("Newton's method ends at the same minimum in fewer products", async () => {
    const data = drawn(400, 8, 4);
    const model = modelOf(8);
    const l2 = 1e-6;
    const { sharedCurvature: _, ...bare } = model;
    const tolerance = 1e-10;
    const quick = await trainModel(model, data, { l2, tolerance });
    const plain = await trainModel(bare, data, { l2, tolerance });
    expect([quick.end, plain.end]).toEqual(["converged", "converged"]);
    expect(quick.trainingLoss).toBeCloseTo(plain.trainingLoss, 9);
    // Intercepts have no ridge, and keep the sum that they began with.
    expect(relativeError(quick.parameters, plain.parameters)).toBeLessThan(1e-5);
  });

  it("one that is given serves a fit on most of the rows, and none is made", async () => {
    const data = drawn(4000, 12, 6);
    const model = modelOf(12);
    const l2 = 1e-4;
    const whole = await trainModel(model, data, { l2 });
    const problem = { model, data, ridge: ridgeOf(model, l2) };
    const preconditioner = await kroneckerPreconditioner(problem, whole.parameters);
    const rest = data.select(Int32Array.from({ length: 3600 }, (_, i) => i));
    const run = async (given: typeof preconditioner | undefined) => {
      let [made, applied] = [0, 0];
      const counting = {
        ...model,
        scoreCurvature: (...asked: Parameters<NonNullable<typeof model.scoreCurvature>>) => {
          if (asked[1].x.rows > 0) made++;
          return model.scoreCurvature?.(...asked) ?? Promise.reject(new Error("It gives it.")).then();
        },
      } as typeof model;
      const counted = given && { ...given, apply: (r: Matrix) => (applied++, given.apply(r)) };
      const found = await trainModel(counting, rest, { l2, start: whole.parameters, preconditioner: counted });
      expect(found.end).toBe("converged");
      return { made, applied, found };
    };
    const [given, own] = [await run(preconditioner), await run(undefined)];
    expect(given.applied).toBeGreaterThan(0);
    expect(given.made).toBe(0);
    expect(own.made).toBeGreaterThan(0);
    expect(relativeError(given.found.parameters, own.found.parameters)).toBeLessThan(1e-5);
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
    const run = async (cost: number | null, everyStep = false) => {
      let made = 0;
      const at = async (theta: Float64Array) => {
        made++;
        return { ...NO_PRECONDITIONER, apply: (r: Matrix) => byRows(r, (value, j) => value / diagonal(theta)[j]) };
      };
      const preconditioner = cost === null ? null : { cost, at, ...(everyStep && { meanwhile: at }) };
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
    const meanwhile = await run(1e9, true);
    expect(meanwhile.made).toBeGreaterThan(1);
    expect(meanwhile.products).toBeLessThan(0.5 * without.products);
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

function times(a: Matrix, b: Matrix): Matrix {
  const out = Matrix.zeros(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.columns; j++) {
      for (let k = 0; k < a.columns; k++) out.data[i * b.columns + j] += a.row(i)[k] * b.row(k)[j];
    }
  }
  return out;
}
