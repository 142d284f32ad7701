/** The models that have closed forms, written as a user would write a loss of one's own, and a small network. */
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
import { type Dataset, Matrix, matrixDataset } from "../../../src/index.js";
import { type AutodiffModel, modelOf } from "../../../src/models/autodiff-model.js";
import type { Model } from "../../../src/models/model.js";
import { perceptron } from "../../../src/models/perceptron.js";
import { Random, solve } from "../../models/naive.js";
import type { ModelName } from "../problems.js";

type RowLoss = (f: Tensor, y: Tensor) => Tensor;

const LOSSES: Partial<Record<ModelName, RowLoss>> = {
  linear: squaredLoss,
  half: halfSquaredLoss,
  logistic: logisticLoss,
  poisson: (f, y) => sub(exp(f), mul(y, f)),
  quadratic: squaredLoss,
  "quadratic-logistic": logisticLoss,
};

/** f = θ'(1?, x) or θ'(1?, x, x_j x_k for j ≤ k), compared with y. */
export function userLoss(name: ModelName, m: number, withIntercept: boolean): AutodiffModel {
  const loss = LOSSES[name];
  if (!loss) throw new Error(`No user loss of ${name}.`);
  const isQuadratic = name.startsWith("quadratic");
  const slope = { rows: isQuadratic ? m + (m * (m + 1)) / 2 : m, columns: 1 };
  const products = (x: Tensor): Tensor[] =>
    Array.from({ length: m }, (_, j) => mul(columns(x, j, j + 1), columns(x, j, m)));
  const score = (x: Tensor, beta: Tensor): Tensor => matmul(isQuadratic ? concatColumns([x, ...products(x)]) : x, beta);
  const intercept = { rows: 1, columns: 1, penalised: false };
  return withIntercept
    ? modelOf({
        parameters: { intercept, slope },
        losses: ({ intercept, slope }, x, y) => loss(add(score(x, slope), intercept), y),
      })
    : modelOf({ parameters: { slope }, losses: ({ slope }, x, y) => loss(score(x, slope), y) });
}

/** A network of one hidden layer of tanh, with rows that it cannot separate; its robust risk is smooth. */
export function smallNetwork(seed: number, { n = 40, m = 2, width = 3 } = {}) {
  const random = new Random(seed);
  const X = random.rows(n, m);
  const y = X.map(([a, b]) => (Math.sin(1.5 * a) + 0.5 * b + 0.8 * random.normal() > 0 ? 1 : -1));
  const weights = X.map(() => 0.5 + random.uniform());
  const data = matrixDataset(Matrix.fromRows(X), y, { weights });
  const model = perceptron({ inputs: m, hidden: [width], activation: "tanh", loss: "logistic" });
  const start = Float64Array.from(random.normals(model.parameterNames.length), (value) => 0.7 * value);
  return { model, data, start };
}

/** ∇ of Σ w l + ½ΣPθ² on rows of one block, P = l2 on what is penalised. */
export function gradientOf(model: Model, data: Dataset, l2: number, theta: Float64Array, x?: Matrix): Float64Array {
  const [block] = data.blocks(data.rows);
  const sum = model.gradient(theta, x ? { ...block, x } : block);
  return sum.map((value, j) => value + l2 * model.penalised[j] * theta[j]);
}

/** The Hessian of the same by central differences of the gradient with one Richardson step. */
export function numericalHessian(gradient: (theta: Float64Array) => Float64Array, theta: Float64Array): number[][] {
  const moved = (j: number, h: number): Float64Array =>
    gradient(theta.map((value, k) => (k === j ? value + h : value)));
  const difference = (j: number, h: number): Float64Array => {
    const down = moved(j, -h);
    return moved(j, h).map((value, k) => (value - down[k]) / (2 * h));
  };
  const columnsOf = Array.from(theta, (_, j) => {
    const [wide, narrow] = [difference(j, 2e-3), difference(j, 1e-3)];
    return Array.from(narrow, (value, k) => (4 * value - wide[k]) / 3);
  });
  return columnsOf.map((_, i) => columnsOf.map((column, j) => 0.5 * (column[i] + columnsOf[i][j])));
}

/** A zero of `gradient` near `start`: damped Newton steps; its numerical Hessian is kept while steps still shrink fast. */
export function zeroOf(
  gradient: (theta: Float64Array) => Float64Array,
  start: Float64Array,
  damping = 0,
): Float64Array {
  const size = (v: Float64Array): number => Math.max(...v.map(Math.abs));
  let theta = start;
  let g = gradient(theta);
  let H: number[][] | null = null;
  let extra = damping;
  for (let step = 0; step < 300 && size(g) > 1e-16; step++) {
    const fresh = H === null;
    H ??= numericalHessian(gradient, theta);
    const delta = solve(
      H.map((row, i) => row.map((value, j) => value + (i === j ? extra : 0))),
      [...g],
    );
    const next = theta.map((value, j) => value - delta[j]);
    const there = gradient(next);
    const shrinks = size(there) / size(g);
    if (shrinks < 1) [theta, g] = [next, there];
    if (!(shrinks < 0.2)) H = null;
    if (shrinks < 1) extra = extra < 1e-9 ? 0 : 0.2 * extra;
    else if (fresh && size(g) < 1e-14) break;
    else if (fresh) extra = Math.max(1e-3, 4 * extra);
  }
  return theta;
}

/** Where steps of descent lead, polished to a zero of the gradient. */
export function minimumOf(gradient: (theta: Float64Array) => Float64Array, start: Float64Array): Float64Array {
  let theta = start;
  for (let step = 0; step < 3000; step++) {
    const g = gradient(theta);
    theta = theta.map((value, j) => value - g[j]);
  }
  return zeroOf(gradient, theta);
}

/** δ ∈ argmax g·d over ‖d‖_p ≤ ρ, by the textbook. */
function bestMove(g: Float64Array, p: number, radius: number): Float64Array {
  if (p === 1) {
    const sizes = g.map(Math.abs);
    const top = sizes.indexOf(Math.max(...sizes));
    return g.map((value, k) => (k === top ? radius * Math.sign(value) : 0));
  }
  if (p === Number.POSITIVE_INFINITY) return g.map((value) => radius * Math.sign(value));
  const q = p / (p - 1);
  const length = g.reduce((sum, value) => sum + Math.abs(value) ** q, 0) ** (1 / q);
  return g.map((value) => radius * Math.sign(value) * (Math.abs(value) / length) ** (q - 1));
}

/** x + δ with δ the best move by ∇x l there: the worst case for a small ρ, by iterating. */
export function worstRows(model: Model, data: Dataset, theta: Float64Array, radius: number, p = 2): Matrix {
  const [block] = data.blocks(data.rows);
  let moved = new Matrix(block.x.data.slice(), block.x.rows, block.x.columns);
  for (let step = 0; step < 60; step++) {
    const g = model.inputGradients(theta, { ...block, x: moved });
    const next = new Matrix(block.x.data.slice(), block.x.rows, block.x.columns);
    for (let i = 0; i < g.rows; i++) {
      bestMove(g.row(i), p, radius).forEach((delta, k) => {
        next.row(i)[k] += delta;
      });
    }
    moved = next;
  }
  return moved;
}
