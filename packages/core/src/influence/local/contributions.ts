import type { Block } from "../../data/dataset.js";
import { Matrix } from "../../linalg/matrix.js";
import { symmetrise } from "../../linalg/symmetric.js";
import type { Model } from "../../models/model.js";
import { asColumn } from "../../models/sweep.js";
import type { Work } from "../../parallel/work.js";
import { dot } from "../../solvers/inverse-hessian.js";
import { eachBlock } from "../../solvers/model-risk.js";
import { riskOperator } from "../../solvers/risk-operator.js";
import { answerTo } from "../../threats/answer.js";
import { lossSlopes } from "./changes.js";
import type { LocalInfluence } from "./influence.js";

/** H_L u (d): the curvature of the natural training risk, without the ridge and λ. */
export async function naturalCurvatureTimes(
  { point, curvature }: Pick<LocalInfluence, "point" | "curvature">,
  u: Float64Array,
  work: Work = {},
): Promise<Float64Array> {
  const operator = riskOperator(point, { curvature, withRidge: false }, work);
  return (await operator.product(asColumn(u))).data;
}

/** H_L itself (d×d, full), where it is affordable. */
export async function naturalCurvature(
  { point, curvature, system }: Pick<LocalInfluence, "point" | "curvature" | "system">,
  work: Work = {},
): Promise<Matrix> {
  if (system.matrix) {
    const out = new Matrix(system.matrix.data.slice(), system.matrix.rows, system.matrix.columns);
    point.ridge.forEach((P, j) => (out.data[j * (out.rows + 1)] -= P));
    symmetrise(out);
    return out;
  }
  const { matrix } = riskOperator(point, { curvature, withRidge: false }, work);
  return matrix ? await matrix() : Matrix.zeros(0, 0);
}

/** Of the residual of conjugate gradients: shares are read to a few digits. */
const TOLERANCE = 1e-4;

/**
 * The share of every training row in dQ/dε = ∇Q'I of a metric with gradient ∇Q (d): −c w_i ω_i u'G_iφ_i with u = (H + λI)⁻¹∇Q
 * (MATH 10c), or −w_i a_i u'∇θ l_i where rows are reweighted: n numbers that sum to ∇Q'I. By tangents of the input gradients along u: nothing of size n×d. For the curvature
 * part of the sensitivity ∇Q is H_L I (`naturalCurvatureTimes`).
 */
export async function localRowContributions(
  attack: LocalInfluence,
  metricGradient: Float64Array,
  work: Work = {},
): Promise<Float64Array> {
  const { point, threat, omega } = attack;
  const { model, data, parameters } = point;
  if (threat.tilt) {
    const u = await solvedFor(attack, metricGradient, work);
    const slopes = await lossSlopes(model, parameters, data, u, work);
    return slopes.map((slope, i) => -data.weights[i] * omega[i] * slope);
  }
  const out = new Float64Array(data.rows);
  const sharesOf = await blockContributions(attack, metricGradient, work);
  await eachBlock(data, "contributions", work, (block) => out.set(sharesOf(block), block.firstRow));
  return out.map((value, i) => omega[i] * value);
}

/** The same of moved rows, each with the whole radius, for whoever goes through the blocks: −c w_i u'G_iφ_i (r). */
export async function blockContributions(
  attack: LocalInfluence,
  metricGradient: Float64Array,
  work: Work = {},
): Promise<(block: Block) => Float64Array> {
  const { point, threat, scale } = attack;
  const { model, parameters } = point;
  const u = await solvedFor(attack, metricGradient, work);
  return (block) => {
    const { directions } = answerTo(model.inputGradients(parameters, block), threat, block);
    return slopesAlong(model, parameters, block, u, directions).map((along, i) => -scale * block.w[i] * along);
  };
}

/** (H + λI)⁻¹∇Q */
const solvedFor = async ({ system }: LocalInfluence, metricGradient: Float64Array, work: Work): Promise<Float64Array> =>
  (await system.solve(asColumn(metricGradient), work, TOLERANCE)).solution.data;

const ONE = Float64Array.of(1);

/** r: u'G_iφ_i = ∇x(∇θ l_i·u)·φ_i */
function slopesAlong(
  model: Model,
  theta: Float64Array,
  block: Block,
  u: Float64Array,
  directions: Matrix,
): Float64Array {
  const moving = model.inputGradientSlopes?.(theta, block, u);
  return block.y.map((_, i) => {
    if (moving) return dot(moving.row(i), directions.row(i));
    const { x, y, firstRow } = block;
    const row = { x: x.rowRange(i, i + 1), y: y.subarray(i, i + 1), w: ONE, firstRow: firstRow + i };
    return dot(model.mixedProduct(theta, row, directions.rowRange(i, i + 1), ONE), u);
  });
}
