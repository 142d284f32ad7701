import type { Block } from "../../data/dataset.js";
import { usageError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import { symmetrise } from "../../linalg/symmetric.js";
import type { Loss } from "../../models/losses.js";
import type { Model } from "../../models/model.js";
import { timeSlices, type Work } from "../../parallel/work.js";
import { eachBlock, modelBlockRows } from "../../solvers/model-risk.js";
import { unitVectors } from "../../solvers/risk-operator.js";
import { answerTo } from "../../threats/answer.js";
import { dualExponent, norm } from "../../threats/norms.js";
import type { Threat } from "../../threats/threat.js";
import { bandwidthRate, deviation, gaussian } from "../gradient-density.js";
import type { Sampling } from "../sampling.js";
import { cornerDensity } from "./corner-density.js";
import type { LocalInfluence } from "./influence.js";

/** Columns that are formed at once: they share one pass through the model. */
const COLUMNS = 128;

/**
 * D + T (d×d, full): how Φ(θ) + H(θ)I moves with θ at fixed data and I, for any smooth loss (MATH 3):
 * Σ w ∇²θ(∇x l·cφ + ∇θ l·I) with φ held, and cΣ w G∇²‖·‖_q G' because φ turns with g. Where the penalty has corners, with
 * the density terms that make it smooth in expectation (`cornerDensity`, and `slopeCorner` for losses of one output).
 * @param loss of a model with one output, whose corners in the score and in the slope are told apart; null: corners are those of ∇x l.
 * @throws usage: a model without third derivatives, or without the output that `loss` speaks of.
 */
export async function localJacobian(
  attack: LocalInfluence,
  loss: Loss | null,
  options: Work & Partial<Sampling> = {},
): Promise<Matrix> {
  const { point, threat, scale, influence: I } = attack;
  const { model, data, parameters } = point;
  const tangents = tangentsOf(model);
  const { p, budgets } = threat.settings;
  const q = dualExponent(p);
  const bearer = loss ? outputOf(model) : model;
  const corners = await cornerDensity(bearer, point, { p, budgets }, options, loss === null, options);
  const kink = loss && (await slopeCorner(attack, loss, bandwidthRate(data.weights, options)));
  const d = I.length;
  const out = Matrix.zeros(d, d);
  const visit = async (block: Block): Promise<void> => {
    const slices = timeSlices(options);
    const gradients = model.inputGradients(parameters, block);
    const { directions, gain } = answerTo(gradients, threat, block);
    const scaled = new Matrix(
      directions.data.map((value) => scale * value),
      directions.rows,
      directions.columns,
    );
    const weighted = (factor: (i: number) => number): Block => ({ ...block, w: block.w.map((w, i) => w * factor(i)) });
    const terms: ((vectors: Matrix) => Matrix)[] = [
      (vectors) => tangents.tangentHessianProduct(parameters, block, scaled, I, vectors),
    ];
    if (q > 1 && q < Infinity) {
      const curve = smoothCurvature(threat, gradients, directions);
      const own = weighted(() => scale);
      terms.push((vectors) => tangents.mixedGramProduct(parameters, own, curve, vectors));
    }
    if (corners) {
      const slopes = loss && slopesOf(bearer, loss, parameters, block);
      const own = weighted((i) => scale * (slopes ? Math.abs(slopes[i]) : 1));
      const curve = corners(loss ? bearer.inputGradients(parameters, block) : gradients);
      const { mixedGramProduct } = tangentsOf(bearer);
      terms.push((vectors) => mixedGramProduct(parameters, own, curve, vectors));
    }
    if (kink) {
      const own = weighted(kink(block, gain));
      terms.push((vectors) => model.gaussNewtonProduct?.(parameters, own, vectors) ?? noOutput());
    }
    for (let from = 0; from < d; from += COLUMNS) {
      const vectors = unitVectors(d, from, Math.min(d, from + COLUMNS));
      for (const term of terms) {
        const part = term(vectors);
        for (let j = 0, at = 0; j < d; j++) {
          for (let k = 0; k < part.columns; k++, at++) out.data[j * d + from + k] += part.data[at];
        }
      }
      const done = block.firstRow + (block.x.rows * Math.min(d, from + COLUMNS)) / d;
      if (slices.due()) await slices.pause({ phase: "inference", done: Math.floor(done), total: data.rows });
    }
  };
  await eachBlock(data, "inference", options, visit, [out.data]);
  return symmetrise(out);
}

/** The products with third derivatives. @throws usage: the model has none. */
export function tangentsOf(model: Model): Required<Pick<Model, "tangentHessianProduct" | "mixedGramProduct">> {
  const { tangentHessianProduct, mixedGramProduct } = model;
  if (tangentHessianProduct && mixedGramProduct) return { tangentHessianProduct, mixedGramProduct };
  throw usageError("Intervals need third derivatives, which this model does not give: write it with modelOf.");
}

const outputOf = (model: Model): Model => model.output ?? noOutput();

function noOutput(): never {
  throw usageError("A loss of one output was given, but the model does not tell its output from its loss.");
}

/** ∇²‖b ⊙ g‖_q z = (q−1)/N {b² (b|g|/N)^{q−2} z − φ(φ·z)} row by row, 1 < q < ∞; coordinates that a box holds still are no part of N. */
function smoothCurvature(
  { settings: { p, budgets } }: Threat,
  gradients: Matrix,
  directions: Matrix,
): (moved: Matrix) => Matrix {
  const q = dualExponent(p);
  const { rows, columns } = gradients;
  const diagonals = Matrix.zeros(rows, columns);
  const factors = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const [g, phi, diagonal] = [gradients.row(i), directions.row(i), diagonals.row(i)];
    const sizes = g.map((value, k) => (phi[k] === 0 ? 0 : budgets[k] * Math.abs(value)));
    const N = norm(sizes, q);
    if (!(N > 0)) continue;
    factors[i] = (q - 1) / N;
    for (let k = 0; k < columns; k++) if (sizes[k] > 0) diagonal[k] = budgets[k] ** 2 * (sizes[k] / N) ** (q - 2);
  }
  return (moved) => {
    const out = Matrix.zeros(rows, columns);
    for (let i = 0; i < rows; i++) {
      const [z, phi, diagonal, to] = [moved.row(i), directions.row(i), diagonals.row(i), out.row(i)];
      let along = 0;
      for (let k = 0; k < columns; k++) along += phi[k] * z[k];
      for (let k = 0; k < columns; k++) to[k] = factors[i] * (diagonal[k] * z[k] - phi[k] * along);
    }
    return out;
  };
}

const slopesOf = (output: Model, loss: Loss, theta: Float64Array, block: Block): Float64Array =>
  output.losses(theta, block).map((f, i) => loss.first(f, block.y[i]));

/**
 * cN·2K_h(ℓ')ℓ'' of each row, which the Gauss–Newton product turns into c w N·2K_h(ℓ')ℓ''² JJ': |ℓ'| has a corner where ℓ'
 * changes sign, h = 1.06 sd(ℓ') n^{−1/5}. null for losses whose ℓ' keeps its sign.
 */
async function slopeCorner(
  { point: { model, data, parameters }, scale }: LocalInfluence,
  loss: Loss,
  rate: number,
): Promise<((block: Block, gain: Float64Array) => (i: number) => number) | null> {
  if (Number.isNaN(loss.kink(1))) return null;
  const output = outputOf(model);
  const scores = new Float64Array(data.rows);
  for (const block of data.blocks(modelBlockRows(data.features.length))) {
    scores.set(output.losses(parameters, block), block.firstRow);
  }
  const slopes = scores.map((f, i) => loss.first(f, data.y[i]));
  const h = 1.06 * deviation(slopes, data.weights) * rate;
  if (!(h > 0)) return null;
  return ({ firstRow, y }, gain) =>
    (i) => {
      const slope = slopes[firstRow + i];
      const N = slope === 0 ? 0 : gain[i] / Math.abs(slope);
      return ((2 * scale * N * gaussian(slope / h)) / h) * loss.second(scores[firstRow + i], y[i]);
    };
}
