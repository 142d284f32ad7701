/** Sums of a model over all rows, block by block: the risk with its ridge, its gradient. */
import type { Block, Dataset } from "../data/dataset.js";
import { usageError } from "../errors.js";
import type { Model } from "../models/model.js";
import { timeSlices, type Work } from "../parallel/work.js";

/** L(θ) = Σ w_i l_i(θ) + ½ Σ_j P_j θ_j². */
export interface RiskProblem {
  readonly model: Model;
  readonly data: Dataset;
  /** d: P */
  readonly ridge: Float64Array;
}

/** P: l2 where the model is penalised, 0 elsewhere. @throws usage: l2 is no number ≥ 0. */
export function ridgeOf({ penalised }: Model, l2: number): Float64Array {
  if (!(l2 >= 0 && l2 < Infinity)) throw usageError(`The l2 penalty must be a number ≥ 0, got ${l2}.`);
  return Float64Array.from(penalised, (flag) => flag * l2);
}

const MOST_ROWS = 1024;
const MOST_BYTES = 1 << 22;

/** Rows at a time: few enough that a network's intermediate results stay in cache, and a copy of them within 4 MB. */
export const modelBlockRows = (features: number): number =>
  Math.min(MOST_ROWS, Math.max(64, Math.floor(MOST_BYTES / 8 / Math.max(1, features))));

/** Visits all rows in order; others get their turn in between. */
export async function eachBlock(
  data: Dataset,
  phase: string,
  work: Work,
  visit: (block: Block) => void,
): Promise<void> {
  const slices = timeSlices(work);
  for (const block of data.blocks(modelBlockRows(data.features.length))) {
    visit(block);
    if (slices.due()) await slices.pause({ phase, done: block.firstRow + block.x.rows, total: data.rows });
  }
}

export interface RiskPoint {
  /** L, ridge included. */
  readonly value: number;
  /** Σ w l */
  readonly risk: number;
  /** d: ∇L, ridge included. */
  readonly gradient: Float64Array;
}

/** L and ∇L in one pass. @throws numerical: as the model does; cancelled. */
export async function riskAt(problem: RiskProblem, theta: Float64Array, work: Work = {}): Promise<RiskPoint> {
  const { model, data, ridge } = problem;
  const gradient = ridge.map((penalty, j) => penalty * theta[j]);
  let risk = 0;
  await eachBlock(data, "gradient", work, (block) => {
    const part = model.riskAndGradient?.(theta, block) ?? inTwoPasses(model, theta, block);
    risk += part.risk;
    for (let j = 0; j < gradient.length; j++) gradient[j] += part.gradient[j];
  });
  const penalty = ridge.reduce((sum, p, j) => sum + 0.5 * p * theta[j] ** 2, 0);
  return { value: risk + penalty, risk, gradient };
}

const inTwoPasses = (model: Model, theta: Float64Array, block: Block): { risk: number; gradient: Float64Array } => ({
  risk: model.losses(theta, block).reduce((sum, loss, i) => sum + block.w[i] * loss, 0),
  gradient: model.gradient(theta, block),
});

/** Σ w l on any rows. */
export async function meanLoss(model: Model, data: Dataset, theta: Float64Array, work: Work = {}): Promise<number> {
  let risk = 0;
  await eachBlock(data, "loss", work, (block) => {
    const losses = model.losses(theta, block);
    for (let i = 0; i < losses.length; i++) risk += block.w[i] * losses[i];
  });
  return risk;
}
