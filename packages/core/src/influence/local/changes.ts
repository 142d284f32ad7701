import type { Block, Dataset } from "../../data/dataset.js";
import type { Model } from "../../models/model.js";
import type { Work } from "../../parallel/work.js";
import { dot } from "../../solvers/inverse-hessian.js";
import { eachBlock } from "../../solvers/model-risk.js";

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
