import type { Block } from "../data/dataset.js";
import type { Model } from "../models/model.js";
import type { Work } from "../parallel/work.js";
import { everyRow } from "./every-row.js";
import { eachBlock, type RiskProblem } from "./model-risk.js";
import { largestOfFeatures } from "./parameter-units.js";

/** Rows whose own gradients are looked at, spread evenly over the data; of fewer rows, all. */
const MOST_ROWS = 2048;
/** A coordinate whose terms are below this share of the largest (a feature that these rows do not show, a unit that is dead) counts with this share. */
const SMALLEST_SHARE = 1e-3;

/**
 * d: Σ_i w_i |∂l_i/∂θ_j| + |P_jθ_j|, what the terms of ∇L_j would add up to if none cancelled (MATH 12), never below a
 * thousandth of the largest (of those that are weights of the same feature, whose units they share). Of many rows it is estimated from about 2048 of them.
 */
export async function gradientTerms(problem: RiskProblem, theta: Float64Array, work: Work = {}): Promise<Float64Array> {
  const { model, data, ridge } = problem;
  const step = Math.max(1, Math.floor(data.rows / MOST_ROWS));
  const terms = new Float64Array(ridge.length);
  const weight = new Float64Array(1);
  const visit = (block: Block): void => {
    if (model.gradientSizes) {
      const chosen = everyRow(block, step);
      for (const w of chosen.w) weight[0] += w;
      const sizes = model.gradientSizes(theta, chosen);
      for (let j = 0; j < terms.length; j++) terms[j] += sizes[j];
      return;
    }
    for (let i = (step - (block.firstRow % step)) % step; i < block.x.rows; i += step) {
      const row = rowOf(block, i);
      weight[0] += row.w[0];
      const gradient = model.gradient(theta, row);
      for (let j = 0; j < terms.length; j++) terms[j] += Math.abs(gradient[j]);
    }
  };
  await eachBlock(data, "gradient", work, visit, [terms, weight]);
  for (let j = 0; j < terms.length; j++) {
    terms[j] = (weight[0] > 0 ? terms[j] / weight[0] : 0) + Math.abs(ridge[j] * theta[j]);
  }
  return withFloors(model, terms);
}

/** Terms of weights of one feature are beside one another; what has none, beside all. */
function withFloors({ featureOf }: Model, terms: Float64Array): Float64Array {
  const largest = terms.reduce((most, size) => Math.max(most, size), 0);
  if (!featureOf) return terms.map((size) => Math.max(size, SMALLEST_SHARE * largest));
  const own = largestOfFeatures(featureOf, terms);
  return terms.map((size, j) => Math.max(size, SMALLEST_SHARE * (own.get(featureOf[j]) || largest)));
}

const rowOf = ({ x, y, w, firstRow }: Block, i: number): Block => ({
  x: x.rowRange(i, i + 1),
  y: y.subarray(i, i + 1),
  w: w.subarray(i, i + 1),
  firstRow: firstRow + i,
});

/** max_j |∇L_j| beside the size of its terms; 0 where all is 0, NaN where one is. */
export function relativeSize(gradient: Float64Array, terms: Float64Array): number {
  let largest = 0;
  for (let j = 0; j < gradient.length; j++) {
    if (gradient[j] !== 0) largest = Math.max(largest, Math.abs(gradient[j]) / terms[j]);
  }
  return largest;
}
