/** Sums of a model over all rows, block by block: the risk with its ridge, its gradient. */
import { longer } from "../data/block-stretches.js";
import type { Block, Dataset, RowBlocks } from "../data/dataset.js";
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

/**
 * Visits the rows here in order; others get their turn in between.
 * @param sums what the visits add up, added over the processes that share the rows when all have been seen.
 * @param seen rows here, from the first on, that need not be visited; of rows that pass by they may be.
 * @param rowsAtOnce of blocks that lie in one piece
 */
export async function eachBlock(
  data: RowBlocks,
  phase: string,
  work: Work,
  visit: (block: Block) => void | Promise<void>,
  sums: readonly Float64Array[] = [],
  seen = 0,
  rowsAtOnce = 0,
): Promise<void> {
  if (data.pass) return data.pass({ sums, seen, visit });
  const slices = timeSlices(work);
  for (const block of longer(data.blocks(modelBlockRows(data.features.length), seen), rowsAtOnce)) {
    await visit(block);
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
  const gradient = new Float64Array(theta.length);
  const risk = new Float64Array(1);
  const visit = (block: Block): void => {
    const part = model.riskAndGradient?.(theta, block) ?? inTwoPasses(model, theta, block);
    risk[0] += part.risk;
    for (let j = 0; j < gradient.length; j++) gradient[j] += part.gradient[j];
  };
  await eachBlock(data, "gradient", work, visit, [risk, gradient], 0, model.rowsAtOnce);
  return withPenalty(ridge, theta, risk[0], gradient);
}

/** The ridge added to sums over the rows. */
export function withPenalty(ridge: Float64Array, theta: Float64Array, risk: number, gradient: Float64Array): RiskPoint {
  const penalty = ridge.reduce((sum, p, j) => sum + 0.5 * p * theta[j] ** 2, 0);
  return { value: risk + penalty, risk, gradient: gradient.map((slope, j) => slope + ridge[j] * theta[j]) };
}

const inTwoPasses = (model: Model, theta: Float64Array, block: Block): { risk: number; gradient: Float64Array } => ({
  risk: model.losses(theta, block).reduce((sum, loss, i) => sum + block.w[i] * loss, 0),
  gradient: model.gradient(theta, block),
});

/** Σ w l on any rows. */
export async function meanLoss(model: Model, data: Dataset, theta: Float64Array, work: Work = {}): Promise<number> {
  const risk = new Float64Array(1);
  const visit = (block: Block): void => {
    const losses = model.losses(theta, block);
    for (let i = 0; i < losses.length; i++) risk[0] += block.w[i] * losses[i];
  };
  await eachBlock(data, "loss", work, visit, [risk]);
  return risk[0];
}
