import type { Block, Dataset } from "../../data/dataset.js";
import type { Model } from "../../models/model.js";
import { asColumn } from "../../models/sweep.js";
import type { Work } from "../../parallel/work.js";
import { dot } from "../../solvers/inverse-hessian.js";
import { eachBlock } from "../../solvers/model-risk.js";
import { riskOperator } from "../../solvers/risk-operator.js";
import type { LocalSensitivity } from "../moving-rows.js";
import { independentRows, meanStandardError, type Sampling } from "../sampling.js";
import type { LocalInfluence } from "./influence.js";

/** l_i(θ) (n). */
export async function rowLosses(
  model: Model,
  theta: Float64Array,
  data: Dataset,
  work: Work = {},
): Promise<Float64Array> {
  const out = new Float64Array(data.rows);
  await eachBlock(data, "losses", work, (block) => out.set(model.losses(theta, block), block.firstRow));
  return out;
}

/** ∇θ l_i·u (n), the slope of every row's loss along u (d): for u = I, per unit of ε. By tangents; else one gradient a row. */
export async function lossSlopes(
  model: Model,
  theta: Float64Array,
  data: Dataset,
  u: Float64Array,
  work: Work = {},
): Promise<Float64Array> {
  const out = new Float64Array(data.rows);
  await eachBlock(data, "loss slopes", work, (block) => {
    out.set(lossSlopesOf(model, theta, block, u), block.firstRow);
  });
  return out;
}

/** The same of a block (r). */
export const lossSlopesOf = (model: Model, theta: Float64Array, block: Block, u: Float64Array): Float64Array =>
  model.lossSlopes?.(theta, block, u) ?? rowwiseSlopes(model, theta, block, u);

const ONE = Float64Array.of(1);

function rowwiseSlopes(model: Model, theta: Float64Array, { x, y, firstRow }: Block, u: Float64Array): Float64Array {
  return y.map((_, i) => {
    const row = { x: x.rowRange(i, i + 1), y: y.subarray(i, i + 1), w: ONE, firstRow: firstRow + i };
    return dot(model.gradient(theta, row), u);
  });
}

/**
 * The expansion of the natural loss on any rows along θ̃ + εI (MATH 2): slope ∇L_e'I with its standard error over the rows,
 * curvature ½I'H_eI with the curvature that I was made with, no ridge.
 */
export async function localExpansion(
  { point: { model, parameters, ridge }, influence, curvature }: LocalInfluence,
  data: Dataset,
  sampling: Sampling = independentRows(data.rows),
  work: Work = {},
): Promise<LocalSensitivity> {
  const slopes = await lossSlopes(model, parameters, data, influence, work);
  const operator = riskOperator({ model, data, ridge, parameters }, { curvature, withRidge: false }, work);
  const { data: image } = await operator.product(asColumn(influence));
  return {
    slope: dot(data.weights, slopes),
    slopeStandardError: meanStandardError(slopes, data.weights, sampling),
    curvature: 0.5 * dot(influence, image),
  };
}

/** A predicted change of the natural loss. */
export interface PredictedChange {
  readonly epsilon: number;
  /** Σ w_i [l_i(θ̃ + εI) − l_i(θ̃)] */
  readonly change: number;
  /** Over the rows, given the fit, from the paired differences. */
  readonly standardError: number;
}

/** The predicted changes of the natural loss on any rows, one pass for θ̃ and one for each ε. */
export async function predictedChanges(
  { point: { model, parameters }, influence }: LocalInfluence,
  data: Dataset,
  epsilons: readonly number[],
  sampling: Sampling = independentRows(data.rows),
  work: Work = {},
): Promise<PredictedChange[]> {
  const before = await rowLosses(model, parameters, data, work);
  const out: PredictedChange[] = [];
  for (const epsilon of epsilons) {
    const moved = parameters.map((value, j) => value + epsilon * influence[j]);
    const after = await rowLosses(model, moved, data, work);
    const changes = after.map((loss, i) => loss - before[i]);
    out.push({
      epsilon,
      change: dot(data.weights, changes),
      standardError: meanStandardError(changes, data.weights, sampling),
    });
  }
  return out;
}
