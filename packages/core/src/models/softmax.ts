import { crossEntropy, dense } from "../autodiff/index.js";
import { shorter } from "../data/block-stretches.js";
import type { Block } from "../data/dataset.js";
import { usageError } from "../errors.js";
import { growingBuffer } from "../linalg/buffers.js";
import { Matrix } from "../linalg/matrix.js";
import { rowProducts } from "./feature-map.js";
import { finite } from "./finite.js";
import type { Model } from "./model.js";
import { type PredictiveModel, predictiveModel } from "./predictive-model.js";
import {
  probabilitiesAt,
  sharedSoftmaxCurvature,
  softmaxCurvature,
  softmaxThirdDerivatives,
} from "./softmax-curvature.js";
import { curveInPlace, probabilitiesAndLosses, residualsInPlace, SoftmaxRows, weighInPlace } from "./softmax-rows.js";
import { softmaxScores } from "./softmax-scores.js";
import { softmaxSpan } from "./softmax-span.js";

/** The features and classes of a softmax regression. */
export interface SoftmaxOptions {
  /** m names. */
  readonly features: readonly string[];
  /** K names, at least two; the target is their index, 0 … K−1. */
  readonly classes: readonly string[];
  /** Default true. */
  readonly intercept?: boolean;
}

/**
 * Multinomial logistic regression: l = log Σ_k e^{f_k} − f_y with f = b + Bx. Parameters: the K intercepts (not
 * penalised) where there are any, then B (K×m) class by class. All K classes have parameters, so adding one vector to every class changes
 * nothing: without l2, and for the intercepts always, the Hessian is singular along those directions. Everything is in closed form.
 * @throws usage: fewer than two classes, or no features.
 */
export function softmaxRegression(options: SoftmaxOptions): PredictiveModel {
  const { features, classes, intercept = true } = options;
  const model = softmaxInTensors(options);
  const rows = new SoftmaxRows(classes.length, features.length, intercept);
  return {
    ...model,
    ...closedForms(rows, model),
    initialParameters: () => new Float64Array(rows.count),
    featureOf: Int32Array.from({ length: rows.count }, (_, j) =>
      j < rows.first ? -1 : (j - rows.first) % features.length,
    ),
    rowsAtOnce: Math.max(1, Math.floor(AT_ONCE / (classes.length * features.length))),
    convex: true,
  };
}

/** The same model by automatic differentiation alone. @throws as `softmaxRegression`. */
export function softmaxInTensors({ features, classes, intercept = true }: SoftmaxOptions): PredictiveModel {
  if (classes.length < 2) throw usageError(`A softmax model needs at least two classes, got ${classes.length}.`);
  if (features.length === 0) throw usageError("A softmax model needs at least one feature.");
  const weight = {
    rows: classes.length,
    columns: features.length,
    names: classes.flatMap((name) => features.map((feature) => `${name}: ${feature}`)),
  };
  const bias = {
    rows: 1,
    columns: classes.length,
    penalised: false,
    names: classes.map((name) => `${name}: intercept`),
  };
  return intercept
    ? predictiveModel({
        parameters: { bias, weight },
        outputs: (theta, x) => dense(x, theta.weight, theta.bias),
        loss: crossEntropy,
      })
    : predictiveModel({ parameters: { weight }, outputs: (theta, x) => dense(x, theta.weight), loss: crossEntropy });
}

/** Multiply-adds of rows that are taken at once: some tens of milliseconds. */
const AT_ONCE = 2e8;

/** Numbers of a stretch of rows: with two of its size beside it, it stays in a second-level cache. */
const STRETCH_NUMBERS = 1 << 15;
const stretchRows = (features: number): number => Math.max(1, Math.floor(STRETCH_NUMBERS / features));

/** Classes beside features up to which their span is worth a basis. */
const SPAN_SHARE = 0.5;

function magnitudes({ data, rows, columns }: Matrix): Matrix {
  const out = new Float64Array(data.length); // a call for every number would take as long as the products
  for (let at = 0; at < out.length; at++) out[at] = Math.abs(data[at]);
  return new Matrix(out, rows, columns);
}

type ClosedForms = Omit<
  PredictiveModel,
  "output" | "parameterNames" | "penalised" | "initialParameters" | "rowsAtOnce" | "convex" | "featureOf"
> &
  Required<Pick<Model, "mixedProducts" | "inputSpan" | "sharedCurvature" | "scoreCurvature" | "gradientSizes">>;

/** With p = softmax(f), δ = p − e_y and A = diag(p) − pp': ∇θ l = δ ⊗ (1, x), ∇x l = B'δ, ∇²θ l = A ⊗ (1, x)(1, x)'. */
function closedForms(rows: SoftmaxRows, { parameterNames }: Pick<Model, "parameterNames">): ClosedForms {
  const d = parameterNames.length;
  const gradients = growingBuffer();

  const forward = (
    theta: Float64Array,
    { x, y }: Block,
    turned?: Matrix,
  ): { delta: Matrix; p: Matrix; losses: Float64Array } => {
    const f = rows.scores(checked(theta), x, turned);
    finite("losses", f.data);
    const { p, losses } = probabilitiesAndLosses(f, y);
    return { p, losses, delta: residualsInPlace(new Matrix(p.data.slice(), p.rows, p.columns), y) };
  };
  const checked = (theta: Float64Array): Float64Array => {
    if (theta.length === d) return theta;
    throw usageError(`The model has ${d} parameters, but was given a vector of ${theta.length}.`);
  };
  /** The entries of B'q are bounded by the column sums of |B| times the largest |q|. */
  const checkInputGradients = (theta: Float64Array): void => {
    const bound = new Float64Array(rows.features);
    for (let at = rows.first; at < d; at += bound.length)
      for (let j = 0; j < bound.length; j++) bound[j] += Math.abs(theta[at + j]);
    finite("input gradients", bound);
  };
  /** B'q_i */
  const toInputs = (theta: Float64Array, q: Matrix, out: Matrix): Matrix => {
    checkInputGradients(theta);
    return rows.pullToInputs(theta, q, out);
  };
  const zeros = (x: Matrix): Matrix => Matrix.zeros(x.rows, x.columns);
  const pulled = (what: string, x: Matrix, q: Matrix): Float64Array => {
    const out = new Float64Array(d);
    rows.addPullback(x, q, out);
    return finite(what, out);
  };
  /** Σ ω ∇θ(B'δ·φ) = Σ ω (A Bφ ⊗ (1, x) + δ ⊗ (0, φ)), added to `out`. */
  const mixed = (
    theta: Float64Array,
    x: Matrix,
    { p, delta }: { p: Matrix; delta: Matrix },
    directions: Matrix,
    omega: Float64Array,
    out: Float64Array = new Float64Array(d),
    turned?: Matrix,
  ): Float64Array => {
    rows.addPullback(x, curveInPlace(rows.scoreMoves(theta, directions, turned), p, omega), out);
    const weighted = weighInPlace(new Matrix(delta.data.slice(), delta.rows, delta.columns), omega);
    rows.addWeightPullback(directions, weighted, out);
    return finite("mixed product", out);
  };
  /** ∇x(∇θ l·u) = U'δ + B'A(u_b + Ux), row by row. */
  const slopesOfInputs = (
    theta: Float64Array,
    { x }: Block,
    { p, delta }: { p: Matrix; delta: Matrix },
    u: Float64Array,
  ): Matrix => {
    const curved = curveInPlace(rows.scores(u, x), p, new Float64Array(x.rows).fill(1));
    const out = rows.pullToInputs(theta, curved, zeros(x));
    const own = rows.pullToInputs(u, delta, zeros(x));
    for (let at = 0; at < own.data.length; at++) out.data[at] += own.data[at];
    finite("input gradient slopes", out.data);
    return out;
  };

  const ones = (count: number): Float64Array => new Float64Array(count).fill(1);
  const hessianAt = (theta: Float64Array, block: Block) => softmaxCurvature(rows, checked(theta), block);

  return {
    outputs: (theta, x) => {
      const f = rows.scores(checked(theta), x);
      finite("outputs", f.data);
      return f;
    },
    losses: (theta, block) => forward(theta, block).losses,
    gradient: (theta, block) => pulled("gradient", block.x, weighInPlace(forward(theta, block).delta, block.w)),
    riskAndGradient: (theta, block) => {
      const { losses, delta } = forward(theta, block);
      let risk = 0;
      for (let i = 0; i < losses.length; i++) risk += block.w[i] * losses[i];
      return { risk, gradient: pulled("gradient", block.x, weighInPlace(delta, block.w)) };
    },
    gradientSizes: (theta, block) => {
      const { delta } = forward(theta, block);
      return pulled("gradient", magnitudes(block.x), weighInPlace(magnitudes(delta), block.w));
    },
    inputGradients: (theta, block) => toInputs(theta, forward(theta, block).delta, zeros(block.x)),
    lossesAndInputGradients: (theta, block) => {
      const { losses, delta } = forward(theta, block);
      return { losses, gradients: toInputs(theta, delta, zeros(block.x)) };
    },
    mixedProduct: (theta, block, directions, weights) =>
      mixed(theta, block.x, forward(theta, block), directions, weights),
    mixedProducts: (theta, block, answers) => {
      checkInputGradients(checked(theta));
      const { columns: m } = block.x;
      const turned = rows.turnedWeights(theta);
      const sums: Float64Array[] = [];
      // Gradients and directions are as large as x: in stretches they stay in the cache between their products.
      for (const part of shorter(block, stretchRows(m))) {
        const at = forward(theta, part, turned);
        const from = part.firstRow - block.firstRow;
        const own = rows.pullToInputs(theta, at.delta, new Matrix(gradients(part.x.rows * m), part.x.rows, m));
        answers(own, from).forEach(({ directions, weights }, t) => {
          sums[t] = mixed(theta, part.x, at, directions, weights, sums[t], turned);
        });
      }
      return sums;
    },
    inputSpan: (theta, budgets) => {
      if (SPAN_SHARE * rows.features < rows.classes) return null;
      checkInputGradients(checked(theta));
      const turned = rows.turnedWeights(theta);
      return softmaxSpan(rows, theta, budgets, (block) => forward(theta, block, turned));
    },
    hessianProduct: (theta, block, vectors) => hessianAt(theta, block).product(vectors),
    keptHessian: hessianAt,
    // The scores are linear in θ.
    gaussNewtonProduct: (theta, block, vectors) => hessianAt(theta, block).product(vectors),
    keptGaussNewton: hessianAt,
    sharedCurvature: (theta, block) => sharedSoftmaxCurvature(rows, checked(theta), block),
    scoreCurvature: (theta, block) => softmaxScores(rows, checked(theta), block),
    tangentHessianProduct: (theta, block, directions, u, vectors) =>
      softmaxThirdDerivatives(rows, checked(theta), block, { directions, u, vectors }),
    mixedGramProduct: (theta, block, curve, vectors) => {
      const at = forward(theta, block);
      const out = Matrix.zeros(vectors.columns, d);
      const given = vectors.transposed();
      for (let k = 0; k < given.rows; k++) {
        const moved = curve(slopesOfInputs(theta, block, at, given.row(k)));
        out.row(k).set(mixed(theta, block.x, at, moved, block.w));
      }
      return out.transposed();
    },
    gradientRows: (theta, block) => rows.rowPullbacks(block.x, forward(theta, block).delta),
    mixedRows: (theta, block, directions) => {
      const { p, delta } = forward(theta, block);
      const curved = curveInPlace(rows.scoreMoves(theta, directions), p, ones(block.x.rows));
      const out = rows.rowPullbacks(block.x, curved);
      const { first, features: m, classes: K } = rows;
      for (let i = 0; i < out.rows; i++) {
        const [row, phi] = [out.row(i), directions.row(i)];
        for (let k = 0; k < K; k++)
          for (let j = 0; j < m; j++) row[first + k * m + j] += delta.data[i * K + k] * phi[j];
      }
      return out;
    },
    hessianRows: (theta, block, u) => {
      const p = probabilitiesAt(rows, checked(theta), block.x);
      return rows.rowPullbacks(block.x, curveInPlace(rows.scores(u, block.x), p, ones(block.x.rows)));
    },
    inputCurvature: (theta, block, directions) => {
      const p = probabilitiesAt(rows, checked(theta), block.x);
      const moves = rows.scoreMoves(theta, directions);
      const curved = curveInPlace(new Matrix(moves.data.slice(), moves.rows, moves.columns), p, ones(moves.rows));
      return finite("input curvature", rowProducts(moves, curved));
    },
    lossSlopes: (theta, block, u) =>
      finite("loss slopes", rowProducts(forward(theta, block).delta, rows.scores(u, block.x))),
    inputGradientSlopes: (theta, block, u) => slopesOfInputs(theta, block, forward(theta, block), u),
  };
}
