/** Jobs of the table beside `library.ts`: each by the calls that a user would make, in stages whose sum is compared. */
import {
  basis,
  drawnDigits,
  fit,
  fitAt,
  influence,
  kernel,
  kernelFit,
  kernelInfluence,
  kernelTargets,
  linear,
  localInfluence,
  logistic,
  lp,
  Matrix,
  matrixDataset,
  pointAt,
  softmaxRegression,
} from "@aif/core";
import { randomStream } from "../packages/core/src/stats/random.js";
import type { Case } from "./cases.js";
import { type Answer, type Stages, stopwatch } from "./library.js";

export interface Done {
  readonly stages: Stages;
  readonly answer: Partial<Answer>;
}

const CLASSES = 10;
const SOFTMAX_L2 = 0.01;

/** Softmax regression at a given θ: θ_j = 0.05 sin j, then H⁻¹Φ at p = 2 to a residual of 1e-10. */
export async function softmaxJob({ rows, columns }: Case, x: Float64Array, y: Float64Array): Promise<Done> {
  const name = (kind: string, count: number): string[] => Array.from({ length: count }, (_, j) => `${kind}${j}`);
  const model = softmaxRegression({ features: name("x", columns), classes: name("c", CLASSES) });
  const data = matrixDataset(new Matrix(x, rows, columns), y);
  const theta = Float64Array.from({ length: model.parameterNames.length }, (_, j) => 0.05 * Math.sin(j));
  const clock = stopwatch();
  const point = await pointAt(model, data, theta, { l2: SOFTMAX_L2 });
  clock.lap("gradient");
  const options = { solver: "cg", tolerance: 1e-10, eigenvalues: false } as const;
  const { influence: I, scale, penalty } = await localInfluence(point, lp(2), options);
  clock.lap("influence");
  const answer = { parameters: sample(point.gradient), influence: sample(I), scale, penalty };
  return { stages: clock.stages, answer };
}

/** One entry in about a hundred. */
const sample = (values: Float64Array): number[] => Array.from(values).filter((_, j) => j % 97 === 0);

/** The fit and nothing else. */
export async function fitJob({ model, rows, columns }: Case, x: Float64Array, y: Float64Array): Promise<Done> {
  const data = matrixDataset(new Matrix(x, rows, columns), y);
  const clock = stopwatch();
  const { parameters } = await fit(model === "logistic" ? logistic() : linear(), data);
  clock.lap("fit");
  return { stages: clock.stages, answer: { parameters: [...parameters] } };
}

/** The models of Figure 2(a) on one data set: S/ε² with the first k features and their squares, k = 1 … m, radius ε·c. */
export async function featuresJob({ rows, columns }: Case, x: Float64Array, y: Float64Array): Promise<Done> {
  const clock = stopwatch();
  const sensitivities: number[] = [];
  const scales: number[] = [];
  const room = new Float64Array(rows * columns);
  for (let k = 1; k <= columns; k++) {
    const data = matrixDataset(firstColumns(x, rows, columns, k, room), y);
    const terms = [...data.features, ...data.features.map((name) => `${name}^2/4`)].join(", ");
    const fitted = await fit(basis(terms, { intercept: false, loss: "half-squared" }), data);
    const { penaltyGradient, influence: I, scale } = await influence(fitted, lp(2));
    sensitivities.push(-0.5 * penaltyGradient.reduce((sum, value, j) => sum + value * I[j], 0));
    scales.push(scale);
  }
  clock.lap("models");
  return { stages: clock.stages, answer: { influence: sensitivities, parameters: scales } };
}

function firstColumns(x: Float64Array, rows: number, columns: number, k: number, room: Float64Array): Matrix {
  if (k === columns) return new Matrix(x, rows, columns);
  const out = room.subarray(0, rows * k);
  for (let i = 0, to = 0; i < rows; i++)
    for (let j = 0, from = i * columns; j < k; j++, from++, to++) out[to] = x[from];
  return new Matrix(out, rows, k);
}

/** One pass over the rows: loss, gradient and Hessian at θ = 0. */
export async function gramJob({ model, rows, columns }: Case, x: Float64Array, y: Float64Array): Promise<Done> {
  const data = matrixDataset(new Matrix(x, rows, columns), y);
  const clock = stopwatch();
  const { hessian } = await fitAt(model === "logistic" ? logistic() : linear(), data, new Float64Array(columns + 1));
  clock.lap("pass");
  return { stages: clock.stages, answer: { curvature: hessian.data.at(-1) ?? 0 } };
}

const SOLVE_L2 = 1e-3;

/** H and H⁻¹Φ at given parameters: what influence solvers compute. */
export async function solveJob({ rows, columns }: Case, x: Float64Array, y: Float64Array): Promise<Done> {
  const data = matrixDataset(new Matrix(x, rows, columns), y);
  const clock = stopwatch();
  const fitted = await fitAt(logistic(), data, thetaOf(columns), { l2: SOLVE_L2 });
  const { influence: I, scale } = await influence(fitted, lp(2));
  clock.lap("influence");
  return { stages: clock.stages, answer: { influence: [...I], scale } };
}

const thetaOf = (columns: number): Float64Array =>
  Float64Array.from({ length: columns + 1 }, (_, j) => Math.sin(j + 1) / Math.sqrt(columns));

/** Kernel regression with the NTK on drawn digits: fit and influence. */
export async function kernelJob({ rows }: Case): Promise<Done> {
  const { pixels, labels } = drawnDigits(rows, randomStream(1));
  const set = { x: pixels, y: kernelTargets(labels, 10), weights: new Float64Array(rows).fill(1 / rows) };
  const clock = stopwatch();
  const fitted = await kernelFit(set, { kernel: kernel("ntk"), ridge: 0.01, centres: "move", penalty: "coefficients" });
  clock.lap("fit");
  const { relativeResidual } = await kernelInfluence(fitted, lp(2));
  clock.lap("influence");
  return { stages: clock.stages, answer: { change: relativeResidual < 1e-8 ? 0 : 1 } };
}
