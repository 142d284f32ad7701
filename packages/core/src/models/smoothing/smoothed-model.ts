import type { Block } from "../../data/dataset.js";
import { Matrix } from "../../linalg/matrix.js";
import { randomStream } from "../../stats/random.js";
import type { AutodiffModel } from "../autodiff-model.js";
import type { KeptCurvature } from "../model.js";
import type { PredictiveModel } from "../predictive-model.js";

/** Draws of x + σξ that a mean over the noise is taken from, in pairs ±ξ. */
export interface ModelNoise {
  /** σ, in the units of x. */
  readonly sigma: number;
  /** D, even. */
  readonly draws: number;
  readonly seed: number;
  /** The first of the D/2 pairs of each row's stream (default 0). */
  readonly firstPair?: number;
}

/** Noisy copies of a block are put below each other up to this many rows, so that small blocks take few passes. */
const STACKED_ROWS = 4096;

/** Some of a block's noisy copies, one below the other: row i of copy c is row c·r + i. */
interface Stack {
  readonly block: Block;
  readonly copies: number;
}

/**
 * l̃_i(θ) = E_ξ l(θ, x_i + σξ, y_i) by D draws (MATH 13, 6): the loss of a model that is attacked, and trained, on its mean over the
 * noise. A row's draws depend on the seed and its place in the data alone, so that fit, attack and every derivative share them; they
 * are made again whenever they are looked at. `outputs` are those at the rows themselves.
 */
export function smoothedModel(model: PredictiveModel, noise: ModelNoise): PredictiveModel {
  const stacks = noisyStacks(noise);
  /** A sum over rows: the mean over draws is that of all copies, over D. */
  const summed = (block: Block, of: (stack: Stack) => Matrix): Matrix => {
    let sum: Matrix | null = null;
    for (const stack of stacks(block)) {
      const part = of(stack);
      if (sum === null) sum = new Matrix(part.data.slice(), part.rows, part.columns);
      else for (let at = 0; at < part.data.length; at++) sum.data[at] += part.data[at];
    }
    const total = sum ?? Matrix.zeros(0, 0);
    for (let at = 0; at < total.data.length; at++) total.data[at] /= noise.draws;
    return total;
  };
  /** What there is of every row (k numbers each): copies are folded onto their row. */
  const byRow = (block: Block, of: (stack: Stack) => Matrix): Matrix =>
    summed(block, (stack) => folded(of(stack), stack.copies));
  const column = (values: Float64Array): Matrix => new Matrix(values, values.length, 1);
  const kept = (block: Block, of: (noisy: Block) => KeptCurvature): KeptCurvature => {
    const parts = Array.from(stacks(block), (stack) => of(stack.block));
    return {
      bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
      product: (V) => {
        const sum = Matrix.zeros(V.rows, V.columns);
        for (const { product } of parts) {
          product(V).data.forEach((value, at) => {
            sum.data[at] += value / noise.draws;
          });
        }
        return sum;
      },
    };
  };
  const { parameterNames, penalised, initialParameters, convex } = model;
  const smoothed: AutodiffModel = {
    parameterNames,
    penalised,
    lossesAndInputGradients: (theta, block) => ({
      losses: smoothed.losses(theta, block),
      gradients: smoothed.inputGradients(theta, block),
    }),
    keptHessian: (theta, block) => kept(block, (noisy) => model.keptHessian(theta, noisy)),
    losses: (theta, block) => byRow(block, (stack) => column(model.losses(theta, stack.block))).data,
    gradient: (theta, block) => summed(block, (stack) => column(model.gradient(theta, stack.block))).data,
    riskAndGradient: (theta, block) => {
      let risk = 0;
      const { data: gradient } = summed(block, (stack) => {
        const part = model.riskAndGradient(theta, stack.block);
        risk += part.risk / noise.draws;
        return column(part.gradient);
      });
      return { risk, gradient };
    },
    inputGradients: (theta, block) => byRow(block, (stack) => model.inputGradients(theta, stack.block)),
    mixedProduct: (theta, block, phi, omega) =>
      summed(block, ({ block: noisy, copies }) =>
        column(model.mixedProduct(theta, noisy, repeated(phi, copies), repeated(column(omega), copies).data)),
      ).data,
    hessianProduct: (theta, block, V) => summed(block, (stack) => model.hessianProduct(theta, stack.block, V)),
    gradientRows: (theta, block) => byRow(block, (stack) => model.gradientRows(theta, stack.block)),
    mixedRows: (theta, block, phi) =>
      byRow(block, (stack) => model.mixedRows(theta, stack.block, repeated(phi, stack.copies))),
    hessianRows: (theta, block, u) => byRow(block, (stack) => model.hessianRows(theta, stack.block, u)),
    inputCurvature: (theta, block, phi) =>
      byRow(block, (stack) => column(model.inputCurvature(theta, stack.block, repeated(phi, stack.copies)))).data,
    lossSlopes: (theta, block, u) => byRow(block, (stack) => column(model.lossSlopes(theta, stack.block, u))).data,
    inputGradientSlopes: (theta, block, u) => byRow(block, (stack) => model.inputGradientSlopes(theta, stack.block, u)),
    tangentHessianProduct: (theta, block, phi, u, V) =>
      summed(block, (stack) => model.tangentHessianProduct(theta, stack.block, repeated(phi, stack.copies), u, V)),
    // Quadratic in the mean mixed derivatives, so not a mean of products.
    mixedGramProduct: (theta, block, curve, V) => {
      const out = Matrix.zeros(V.rows, V.columns);
      for (let k = 0; k < V.columns; k++) {
        const moved = curve(smoothed.inputGradientSlopes(theta, block, V.column(k)));
        smoothed.mixedProduct(theta, block, moved, block.w).forEach((value, j) => {
          out.data[j * V.columns + k] = value;
        });
      }
      return out;
    },
  };
  return {
    ...smoothed,
    ...(initialParameters && { initialParameters }),
    ...(convex !== undefined && { convex }),
    output: model.output,
    outputs: model.outputs,
    keptGaussNewton: (theta, block) => kept(block, (noisy) => model.keptGaussNewton(theta, noisy)),
    gaussNewtonProduct: (theta, block, V) => summed(block, (stack) => model.gaussNewtonProduct(theta, stack.block, V)),
  };
}

/** The D noisy copies of a block, as many at a time as the stack holds (at least one). */
function noisyStacks({ sigma, draws, seed, firstPair = 0 }: ModelNoise): (block: Block) => Generator<Stack> {
  const pairs = draws / 2;
  return function* stacks(block: Block): Generator<Stack> {
    const { rows: r, columns: m, data } = block.x;
    const xi = new Float64Array(r * pairs * m);
    for (let i = 0; i < r; i++) {
      const stream = randomStream(seed, block.firstRow + i);
      for (let skipped = 0; skipped < firstPair * m; skipped++) stream.normal();
      stream.fillNormals(xi.subarray(i * pairs * m, (i + 1) * pairs * m));
    }
    const most = Math.max(1, Math.floor(STACKED_ROWS / Math.max(1, r)));
    for (let from = 0; from < draws; from += most) {
      const copies = Math.min(most, draws - from);
      const x = Matrix.zeros(copies * r, m);
      for (let copy = 0, at = 0; copy < copies; copy++) {
        const draw = from + copy;
        const step = draw % 2 === 0 ? sigma : -sigma;
        for (let i = 0; i < r; i++) {
          const z = (i * pairs + (draw >> 1)) * m;
          for (let k = 0; k < m; k++, at++) x.data[at] = data[i * m + k] + step * xi[z + k];
        }
      }
      const y = repeated(new Matrix(block.y, r, 1), copies).data;
      const w = repeated(new Matrix(block.w, r, 1), copies).data;
      yield { block: { x, y, w, firstRow: block.firstRow }, copies };
    }
  };
}

/** The rows `copies` times over, one copy below the other. */
function repeated({ data, rows, columns }: Matrix, copies: number): Matrix {
  const out = new Float64Array(data.length * copies);
  for (let copy = 0; copy < copies; copy++) out.set(data, copy * data.length);
  return new Matrix(out, rows * copies, columns);
}

/** Sums of the copies of every row. */
function folded({ data, rows, columns }: Matrix, copies: number): Matrix {
  const out = Matrix.zeros(rows / copies, columns);
  const length = out.data.length;
  for (let at = 0; at < data.length; at++) out.data[at % length] += data[at];
  return out;
}
