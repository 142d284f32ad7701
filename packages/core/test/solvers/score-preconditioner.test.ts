/** The curvature of softmax regression along its scores, and what is made of it, beside the whole Hessian by automatic differentiation. */
import { beforeAll, describe, expect, it } from "vitest";
import { matrixDataset } from "../../src/data/matrix-dataset.js";
import { ensureBlas } from "../../src/linalg/backend.js";
import { Matrix } from "../../src/linalg/matrix.js";
import { symmetricEigen } from "../../src/linalg/symmetric.js";
import { softmaxInTensors, softmaxRegression } from "../../src/models/softmax.js";
import { blockConjugateGradients } from "../../src/solvers/block-cg.js";
import { kroneckerPreconditioner, sharedRidge } from "../../src/solvers/kronecker-preconditioner.js";
import { ridgeOf } from "../../src/solvers/model-risk.js";
import type { Preconditioner } from "../../src/solvers/preconditioner.js";
import { riskOperator } from "../../src/solvers/risk-operator.js";
import { scorePreconditioner, scoreSample } from "../../src/solvers/score-preconditioner.js";
import { Random } from "../models/naive.js";
import { passing, twice } from "./processes.js";

beforeAll(() => ensureBlas());

const L2 = 0.01;

interface Shape {
  readonly rows: number;
  readonly features: number;
  readonly classes: number;
  readonly intercept: boolean;
  readonly size?: number;
}

function problemOf({ rows, features, classes, intercept, size = 1 }: Shape) {
  const random = new Random(rows + features);
  const options = {
    features: Array.from({ length: features }, (_, j) => `x${j}`),
    classes: Array.from({ length: classes }, (_, k) => `c${k}`),
    intercept,
  };
  const x = Matrix.zeros(rows, features);
  for (let at = 0; at < x.data.length; at++) x.data[at] = random.normal();
  const labels = Float64Array.from({ length: rows }, () => random.below(classes));
  const model = softmaxRegression(options);
  const parameters = Float64Array.from(model.parameterNames, () => (size / Math.sqrt(features)) * random.normal());
  const members = Array.from({ length: classes }, (_, k) => {
    const first = intercept ? classes : 0;
    return [...(intercept ? [k] : []), ...Array.from({ length: features }, (_unused, j) => first + k * features + j)];
  });
  const data = matrixDataset(x, labels);
  return { model, data, ridge: ridgeOf(model, L2), parameters, members, plain: softmaxInTensors(options) };
}

/** ∇²L of the model that knows no closed form. */
async function wholeHessian(problem: ReturnType<typeof problemOf>): Promise<Matrix> {
  const { plain, ...rest } = problem;
  const d = rest.parameters.length;
  return riskOperator({ ...rest, model: plain }, { curvature: "hessian", withRidge: true }).product(identity(d));
}

const identity = (n: number): Matrix =>
  Matrix.fromRows(Array.from({ length: n }, (_, i) => Array.from({ length: n }, (__, j) => (i === j ? 1 : 0))));

/** Z (d×Kr): I ⊗ E'. */
function changesOf(axes: Matrix, members: readonly (readonly number[])[], d: number): Matrix {
  const out = Matrix.zeros(d, members.length * axes.rows);
  members.forEach((part, k) => {
    for (let s = 0; s < axes.rows; s++)
      part.forEach((j, at) => (out.data[j * out.columns + k * axes.rows + s] = axes.row(s)[at]));
  });
  return out;
}

function times(a: Matrix, b: Matrix): Matrix {
  const out = Matrix.zeros(a.rows, b.columns);
  for (let i = 0; i < a.rows; i++)
    for (let k = 0; k < a.columns; k++)
      for (let j = 0; j < b.columns; j++) out.data[i * b.columns + j] += a.row(i)[k] * b.row(k)[j];
  return out;
}

function largestDifference(a: Matrix, b: Matrix): number {
  return a.data.reduce((most, value, at) => Math.max(most, Math.abs(value - b.data[at])), 0);
}

/** (PM⁻¹P)⁺ by its eigenvectors. */
function inverted(a: Matrix): Matrix {
  const { values, vectors } = symmetricEigen(a);
  const out = Matrix.zeros(a.rows, a.rows);
  values.forEach((value, k) => {
    if (value < 1e-9 * values[values.length - 1]) return;
    const v = vectors.row(k);
    for (let i = 0; i < a.rows; i++) for (let j = 0; j < a.rows; j++) out.data[i * a.rows + j] += (v[i] * v[j]) / value;
  });
  return out;
}

const SHAPES: readonly Shape[] = [
  { rows: 90, features: 6, classes: 3, intercept: true },
  { rows: 90, features: 5, classes: 4, intercept: false, size: 3 },
  { rows: 60, features: 2, classes: 5, intercept: true },
  // Scores that are 0 have no axes.
  { rows: 60, features: 3, classes: 3, intercept: true, size: 0 },
];

describe("the curvature along the scores", () => {
  it.each(SHAPES)("is that of the whole Hessian, $classes classes of $features features", async (shape) => {
    const problem = problemOf(shape);
    const sample = await scoreSample(problem, problem.parameters);
    if (!sample) throw new Error("A softmax model gives it.");
    const Z = changesOf(sample.axes, problem.members, problem.parameters.length);
    const H = await wholeHessian({ ...problem, ridge: problem.ridge.map(() => 0) });
    expect(largestDifference(sample.own, times(times(Z.transposed(), H), Z))).toBeLessThan(1e-12);
    expect(largestDifference(times(Z.transposed(), Z), identity(Z.columns))).toBeLessThan(1e-9);
    // Every difference of scores is one of the axes' combinations.
    const { members, parameters } = problem;
    const difference = members[0].map((j, at) => parameters[j] - parameters[members[1][at]]);
    if (shape.intercept) difference[0] = 0;
    const left = difference.slice();
    for (let s = 0; s < sample.axes.rows; s++) {
      const axis = sample.axes.row(s);
      const share = difference.reduce((sum, value, at) => sum + value * axis[at], 0);
      left.forEach((value, at) => (left[at] = value - share * axis[at]));
    }
    expect(Math.hypot(...left)).toBeLessThanOrEqual(1e-9 * Math.hypot(...difference));
  });

  it("is the same of rows that processes share, and is not offered by a model that does not know it", async () => {
    const problem = problemOf(SHAPES[0]);
    const [alone, shared] = [
      await scoreSample(problem, problem.parameters),
      await scoreSample({ ...problem, data: passing(problem.data, twice) }, problem.parameters),
    ];
    expect(shared?.own.data).toEqual(alone?.own.data);
    expect(await scoreSample({ ...problem, model: problem.plain }, problem.parameters)).toBeNull();
  });
});

describe.each([
  ["from a sample of rows", false],
  ["from a Gram matrix", true],
])("a preconditioner %s", (_, gram) => {
  const made = async (problem: ReturnType<typeof problemOf>, damping: number): Promise<Preconditioner> => {
    const sample = await scoreSample(problem, problem.parameters);
    if (!sample) throw new Error("A softmax model gives it.");
    if (gram) return (await kroneckerPreconditioner(problem, problem.parameters, 0.5, {}, sample)).withDamping(damping);
    const parameters = problem.members.map((part) => Int32Array.from(part));
    return scorePreconditioner(sample, parameters, sharedRidge(problem.ridge, parameters), 0.5).withDamping(damping);
  };

  it.each(SHAPES)("is H along the scores, symmetric and positive, $classes classes", async (shape) => {
    for (const damping of [0, 0.2]) {
      const problem = problemOf(shape);
      const d = problem.parameters.length;
      const inverse = (await made(problem, damping)).apply(identity(d));
      const turned = inverse.transposed();
      expect(largestDifference(inverse, turned)).toBeLessThan(1e-10 * Math.max(...inverse.data));
      const { values } = symmetricEigen(inverse);
      expect(values[0]).toBeGreaterThan(-1e-12 * values[d - 1]);
      const sample = await scoreSample(problem, problem.parameters);
      const Z = changesOf(sample?.axes ?? inverse, problem.members, d);
      const H = await wholeHessian(problem);
      for (let j = 0; j < d; j++) H.data[j * (d + 1)] += damping;
      const [found, truth] = [inverted(inverse), H].map((of) => times(times(Z.transposed(), of), Z));
      // A thousandth of the stand-in is added to it.
      expect(largestDifference(found, truth)).toBeLessThan(5e-3 * Math.max(...truth.data));
    }
  });

  it("leaves conjugate gradients far fewer passes than without the scores where rows are normal", async () => {
    const problem = problemOf({ rows: 6000, features: 30, classes: 4, intercept: true, size: 2 });
    const operator = riskOperator(problem, { curvature: "hessian", withRidge: true });
    const right = await operator.product(
      Matrix.fromRows(Array.from(problem.parameters, (_value, j) => [Math.cos(j) + (j < 4 ? 3 : 0)])),
    );
    const passes = async (preconditioner: Preconditioner): Promise<number> => {
      const solution = await blockConjugateGradients(operator, right, { preconditioner, tolerance: 1e-10 });
      expect(solution.converged).toBe(true);
      return solution.iterations;
    };
    const without = await passes(await kroneckerPreconditioner(problem, problem.parameters));
    expect(await passes(await made(problem, 0))).toBeLessThan(0.7 * without);
  });
});
