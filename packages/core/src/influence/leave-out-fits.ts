import { AifError, numericalError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { type FoldSums, foldSums } from "../models/fold-sums.js";
import { rowBends } from "../models/loss-rows.js";
import { relearned } from "../models/projection/projected-score.js";
import { asColumns, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { CorrectedSteps } from "../solvers/corrected-steps.js";
import { type Fit, fit as fitModel } from "../solvers/fit.js";
import { dot, hessianTimes, type InverseHessian, invertHessian } from "../solvers/inverse-hessian.js";
import { lasso } from "../solvers/lasso/lasso.js";
import { eachColumnLoss } from "./column-losses.js";

/** What is left of the way to θ̂_{−k}, relative to it, both in the H norm, when a fold's fit ends: about, since steps do not shrink evenly. */
const REMAINING = 1e-11;
/** A fold whose steps shrink less than this has moved too far for H_{−k}(θ̂) and is fitted on its own. */
const CONTRACTION = 0.7;

/** Where the rows are, and what the fits without a fold weigh. */
export interface Folds {
  /** n: the fold of every row. */
  readonly foldOf: Uint16Array;
  /** K: W_k, the weight outside each fold. */
  readonly outside: Float64Array;
}

export interface LeaveOut {
  /** K: (H_{−k})⁻¹, at θ̂ or, for folds that were refitted, at θ̂_{−k}. */
  readonly inverse: readonly InverseHessian[];
  readonly hessians: readonly Matrix[];
  /** d×K: ∇L_{−k}(θ̂) */
  readonly gradients: Matrix;
}

/** The folds' sums at θ̂: Σ w ℓ''vv' and Σ w ℓ'v over the rows of each. */
export const fitFoldSums = (
  { model: { map, loss }, data, scores }: Fit,
  foldOf: Uint16Array,
  folds: number,
  work?: Work,
): Promise<FoldSums> =>
  foldSums(
    map,
    data,
    foldOf,
    folds,
    ({ y, w, firstRow }, omega, pi) => {
      const f = scores.subarray(firstRow, firstRow + y.length);
      for (const { from, to, slopes, curvatures } of rowBends(loss, f, y)) {
        for (let i = from; i < to; i++) {
          omega[i] = w[i] * curvatures[i - from];
          pi[i] = w[i] * slopes[i - from];
        }
      }
    },
    work,
  );

/** H_{−k}(θ̂) and ∇L_{−k}(θ̂) for every fold, from the folds' sums at θ̂, which are used up. */
export function leaveOutHessians(
  { ridge, parameters }: Pick<Fit, "ridge" | "parameters">,
  { grams, pulls }: FoldSums,
  outside: Float64Array,
): LeaveOut {
  const d = ridge.length;
  const folds = outside.length;
  const total = Matrix.zeros(d, d);
  for (const { data } of grams)
    for (let i = 0; i < d; i++) for (let at = i * d, end = at + i; at <= end; at++) total.data[at] += data[at];
  const gradients = Matrix.zeros(d, folds);
  for (let j = 0, at = 0; j < d; j++) {
    let sum = 0;
    for (let k = 0; k < folds; k++) sum += pulls.data[j * folds + k];
    for (let k = 0; k < folds; k++, at++) {
      gradients.data[at] = (sum - pulls.data[at]) / outside[k] + ridge[j] * parameters[j];
    }
  }
  grams.forEach(({ data }, k) => {
    for (let i = 0; i < d; i++)
      for (let at = i * d, end = at + i; at <= end; at++) data[at] = (total.data[at] - data[at]) / outside[k];
    for (let j = 0; j < d; j++) data[j * d + j] += ridge[j];
  });
  return { inverse: grams.map(invertHessian), hessians: grams, gradients };
}

/** What the folds' fits ask of the rows. */
export interface LeaveOutRows {
  /** ∇L_{−k}(θ_k) for all folds, d×K. */
  gradients(theta: Matrix): Promise<Matrix>;
  /** Fits of some folds, each on its own, from where they are now. */
  refit(folds: readonly { readonly k: number; readonly start: Float64Array }[]): Promise<readonly OwnFit[]>;
}

type OwnFit = Pick<Fit, "parameters" | "inverse">;

/** The same of rows in memory. */
export const leaveOutRows = (full: Fit, folds: Folds, work?: Work): LeaveOutRows => ({
  gradients: async (theta) => withRidge(full.ridge, theta, await foldGradients(full, folds, theta, work)),
  async refit(list) {
    const { foldOf, outside } = folds;
    const out: OwnFit[] = [];
    for (const { k, start } of list) out.push(await refitFold(full, foldOf, k, outside.length, work, start));
    return out;
  },
});

/**
 * θ̂_{−k} as the columns of a d×K matrix: exact at once for squared losses; else Newton steps with the Hessians at θ̂, corrected on
 * the way, one pass over the data for all folds, and a fit of its own for a fold where that does not converge quickly.
 * @throws numerical: a fold without which the fit has no minimum.
 */
export async function leaveOutFits(
  full: Pick<Fit, "model" | "parameters">,
  start: LeaveOut,
  rows: LeaveOutRows,
): Promise<{ theta: Matrix; inverse: readonly InverseHessian[] }> {
  const folds = start.inverse.length;
  const theta = asColumns(Array.from({ length: folds }, () => full.parameters));
  const inverse = [...start.inverse];
  inverse.forEach((solver, k) => {
    if (solver.method !== "pseudo-inverse") return;
    // What the other folds do not determine must not be remembered from θ̂: start from H⁺Hθ̂.
    const known = solver.solve(hessianTimes(start.hessians[k], full.parameters));
    for (let j = 0; j < known.length; j++) theta.data[j * folds + k] = known[j];
  });
  const open = new Set(inverse.keys());
  const lengths = start.hessians.map((hessian, k) => {
    const before = theta.column(k);
    return Math.sqrt(dot(before, hessianTimes(hessian, before))) || 1;
  });
  const steps = inverse.map((solver) => new CorrectedSteps(solver, full.model.loss.quadratic));
  const lastStep = new Float64Array(folds).fill(Number.POSITIVE_INFINITY);
  let { gradients } = start;
  while (open.size > 0) {
    const alone: number[] = [];
    for (const k of open) {
      const step = steps[k].move(theta, gradients, k) / lengths[k];
      if (full.model.loss.quadratic || step <= REMAINING || wayLeft(step, lastStep[k]) <= REMAINING) open.delete(k);
      else if (!(step <= CONTRACTION * lastStep[k])) {
        alone.push(k);
        open.delete(k);
      }
      lastStep[k] = step;
    }
    const own = alone.length > 0 ? await rows.refit(alone.map((k) => ({ k, start: theta.column(k) }))) : [];
    alone.forEach((k, a) => {
      for (let j = 0; j < theta.rows; j++) theta.data[j * folds + k] = own[a].parameters[j];
      inverse[k] = own[a].inverse;
    });
    if (open.size > 0) gradients = await rows.gradients(theta);
  }
  return { theta, inverse };
}

/** Σ of the steps to come if they go on shrinking as from the last one to this one; no less than this one before there are two. */
function wayLeft(step: number, last: number): number {
  if (last === Number.POSITIVE_INFINITY) return step;
  const ratio = step / last;
  return ratio < 1 ? (step * ratio) / (1 - ratio) : Number.POSITIVE_INFINITY;
}

/** The fit on the rows outside fold k, from scratch; a lasso begins at the whole data's. @throws numerical: naming the fold. */
export async function refitFold(
  { model, data, l2, sparse, parameters }: Fit,
  foldOf: Uint16Array,
  k: number,
  folds: number,
  work?: Work,
  start?: Float64Array,
): Promise<Fit> {
  const rows = Int32Array.from([...foldOf.keys()].filter((i) => foldOf[i] !== k));
  return namingFold(k, folds, async () => {
    const rest = data.select(rows);
    if (sparse) {
      const options = { l1: sparse.l1, l2, start: parameters, signal: work?.signal };
      return await lasso(() => model, rest, options);
    }
    const own = await relearned(model, rest);
    return await fitModel(() => own, rest, { l2, ...(start ? { start } : {}), signal: work?.signal });
  });
}

/** Says of what goes wrong that it does so without a fold. */
export async function namingFold<T>(k: number, folds: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AifError && error.code === "numerical") {
      throw numericalError(`Without fold ${k + 1} of ${folds}: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

/** Σ w ℓ'v over the rows outside each fold at θ_k, relative to their weight: d×K. */
export async function foldGradients(
  { model, data }: Fit,
  { foldOf, outside }: Folds,
  theta: Matrix,
  work?: Work,
): Promise<Matrix> {
  const folds = outside.length;
  const shares = outside.map((weight) => 1 / weight);
  const { pull } = await sweep(
    model.map,
    data,
    { theta, pull: folds, phase: "held-out fits" },
    ({ block: { y, w, firstRow }, scores, pull: { data: omega } }) => {
      eachColumnLoss(model.loss, scores.data, y, folds, (from, count, slopes) => {
        for (let i = 0, at = from, row = from / folds; i < count; row++) {
          const weight = w[row];
          const own = at + foldOf[firstRow + row];
          for (let k = 0; k < folds; k++, i++, at++) omega[at] = weight * slopes[i] * shares[k];
          omega[own] = 0;
        }
      });
    },
    work,
  );
  return pull;
}

/** sums + diag(P)X, in place. */
export function withRidge(ridge: Float64Array, X: Matrix, sums: Matrix): Matrix {
  const K = X.columns;
  for (let j = 0, at = 0; j < ridge.length; j++) {
    for (let k = 0; k < K; k++, at++) sums.data[at] += ridge[j] * X.data[at];
  }
  return sums;
}
