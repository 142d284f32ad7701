import type { Block } from "../data/dataset.js";
import { numericalError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import type { ScoreModel } from "../models/score-model.js";
import { asColumns, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { conjugateGradients } from "../solvers/conjugate-gradient.js";
import type { Fit } from "../solvers/fit.js";
import type { InverseHessian } from "../solvers/inverse-hessian.js";
import type { Threat } from "../threats/threat.js";
import type { Influence } from "./aif.js";
import { eachColumnLoss } from "./column-losses.js";
import { countMet, type MetWithoutFold } from "./fold-corners.js";
import { type Folds, withRidge } from "./leave-out-fits.js";

const INFLUENCE_TOLERANCE = 1e-10;
const MAXIMUM_ITERATIONS = 60;

/** What a pass for the folds' pulls may leave behind. */
export interface FoldRows {
  /** n×K zeros, which become w ℓ''/W_k of each row outside each fold. */
  readonly curvatures?: Float64Array | undefined;
  /** n: what the score of each row becomes under its own fold's fit. */
  readonly scores?: Float64Array | undefined;
  /** Counts the rows that the fits without a fold meet exactly. */
  readonly met?: MetWithoutFold | undefined;
}

/** Φ_{−k} at θ̂_{−k} for every attack: d×K each. @param kept as in `foldPulls` */
export async function leaveOutPulls(
  full: Fit,
  attacks: readonly Influence[],
  folds: Folds,
  theta: Matrix,
  work?: Work,
  kept?: FoldRows,
): Promise<Matrix[]> {
  const threats = attacks.map(({ threat }) => threat);
  const pulls = await foldPulls(full, threats, folds, theta, work, kept);
  return pulls.map((pull, a) => scaledColumns(pull, leaveOutScales(attacks[a], folds)));
}

/** Columns times their factors, in place. */
export function scaledColumns(columns: Matrix, factors: Float64Array): Matrix {
  const { data } = columns;
  for (let at = 0; at < data.length; at++) data[at] *= factors[at % factors.length];
  return columns;
}

/** @param kept where numbers of the rows go that are wanted */
type FoldPulls = (
  full: Fit,
  threats: readonly Threat[],
  folds: Folds,
  theta: Matrix,
  work?: Work,
  kept?: FoldRows,
) => Promise<Matrix[]>;

/** Φ_{−k}/c_{−k} at θ̂_{−k} for every threat: d×K each, sums over the rows. */
export const foldPulls: FoldPulls = (full, threats, ...rest) => {
  const shared = full.model.map.sharedGradient && threats.every(({ settings }) => settings.bounds === null);
  return (shared ? sharedPulls : rowwisePulls)(full, threats, ...rest);
};

/** c_{−k} (K): the mean sizes of the rows outside each fold. */
export const leaveOutScales = (
  { fit, rowScales }: Pick<Influence, "fit" | "rowScales">,
  { foldOf, outside }: Folds,
): Float64Array => scalesOutside(foldSizes(rowScales, fit.data.weights, foldOf, outside.length), outside);

/** Σ w_i size_i within each fold (K). */
export function foldSizes(
  sizes: Float64Array,
  weights: Float64Array,
  foldOf: Uint16Array,
  folds: number,
): Float64Array {
  const inside = new Float64Array(folds);
  for (let i = 0; i < foldOf.length; i++) inside[foldOf[i]] += weights[i] * sizes[i];
  return inside;
}

export function scalesOutside(inside: Float64Array, outside: Float64Array): Float64Array {
  const total = inside.reduce((sum, size) => sum + size, 0);
  return inside.map((sum, k) => (total - sum) / outside[k]);
}

/** Linear scores: Φ/c = N Σ w ℓ'' sgn(ℓ') v + (Σ w |ℓ'|) Eφ(β), so one pass serves every norm and budget. */
const sharedPulls: FoldPulls = async ({ model, data }, threats, { foldOf, outside }, theta, work, kept = {}) => {
  const { map, loss } = model;
  const { curvatures, met } = kept;
  const limit = met?.limit ?? -1;
  const folds = outside.length;
  const shares = outside.map((weight) => 1 / weight);
  const slopeSizes = new Float64Array(folds);
  const { pull: signed } = await sweep(
    map,
    data,
    { theta, pull: folds, phase: "held-out influence" },
    ({ block: { y, w, firstRow }, scores, pull: { data: omega } }) => {
      takeOwn(scores, foldOf, firstRow, 0, kept.scores);
      const bent = curvatures?.subarray(firstRow * folds);
      eachColumnLoss(loss, scores.data, y, folds, (from, count, slopes, seconds) => {
        for (let i = 0, at = from, row = from / folds; i < count; row++) {
          const own = foldOf[firstRow + row];
          for (let k = 0; k < folds; k++, i++, at++) {
            if (k === own) continue;
            const slope = slopes[i];
            const curvature = w[row] * seconds[i];
            const size = Math.abs(slope);
            if (met && size <= limit) countMet(met, loss, y[row], k);
            slopeSizes[k] += w[row] * size;
            omega[at] = slope > 0 ? curvature : slope < 0 ? -curvature : 0;
            if (bent) bent[at] = curvature * shares[k];
          }
        }
      });
    },
    work,
  );
  scaledColumns(signed, shares);
  scaledColumns(new Matrix(slopeSizes, 1, folds), shares);
  const noRows = { x: Matrix.zeros(0, map.inputs), y: new Float64Array(0), w: new Float64Array(0), firstRow: 0 };
  return threats.map((threat) => {
    const out = new Matrix(signed.data.slice(), map.count, folds);
    for (let k = 0; k < folds; k++) {
      const base = map.inputGradients(theta.column(k), noRows.x);
      const { base: phi, gain } = threat.respond({ slope: Float64Array.of(1), base }, noRows);
      const direction = new Float64Array(map.count);
      map.addJacobianPullback(noRows.x, phi, Float64Array.of(slopeSizes[k]), direction);
      for (let j = 0, at = k; j < map.count; j++, at += folds) out.data[at] = gain[0] * out.data[at] + direction[j];
    }
    return out;
  });
};

/** Gradients that differ by row: every fold looks at every block. */
const rowwisePulls: FoldPulls = async ({ model, data }, threats, { foldOf, outside }, theta, work, kept = {}) => {
  const { map, loss } = model;
  const { curvatures, met } = kept;
  const folds = outside.length;
  const columns = Array.from({ length: folds }, (_, k) => theta.column(k));
  const jacobian = threats.map(() => columns.map(() => new Float64Array(map.count)));
  const { pull } = await sweep(
    map,
    data,
    { theta, pull: folds * threats.length, phase: "held-out influence" },
    ({ block, scores, pull: omega }) => {
      const { x, y, w, firstRow } = block;
      takeOwn(scores, foldOf, firstRow, 0, kept.scores);
      columns.forEach((column, k) => {
        const slope = y.map((target, i) => loss.first(scores.data[i * folds + k], target));
        slope.forEach((value, i) => {
          if (met && Math.abs(value) <= met.limit && foldOf[firstRow + i] !== k) countMet(met, loss, y[i], k);
        });
        const gradients = { slope, base: map.inputGradients(column, x) };
        const weights = w.map((weight, i) => (foldOf[firstRow + i] === k ? 0 : weight / outside[k]));
        const curved = weights.map((weight, i) => weight * loss.second(scores.data[i * folds + k], y[i]));
        curved.forEach((value, i) => {
          if (curvatures) curvatures[(firstRow + i) * folds + k] = value;
        });
        threats.forEach((threat, a) => {
          const { sign, base, gain } = threat.respond(gradients, block);
          for (let i = 0; i < y.length; i++) {
            const along = slope[i] === 0 ? 0 : gain[i] / slope[i];
            omega.data[i * omega.columns + a * folds + k] = curved[i] * along;
          }
          const onJacobian = weights.map((weight, i) => weight * slope[i] * sign[i]);
          map.addJacobianPullback(x, base, onJacobian, jacobian[a][k]);
        });
      });
    },
    work,
  );
  return threats.map((_, a) => {
    const out = Matrix.zeros(map.count, folds);
    for (let j = 0; j < map.count; j++) {
      for (let k = 0; k < folds; k++) {
        out.data[j * folds + k] = pull.data[j * pull.columns + a * folds + k] + jacobian[a][k][j];
      }
    }
    return out;
  });
};

/** out_i ← each row's number in the column of its own fold, where it is wanted. @param first the column of fold 0 */
export function takeOwn(
  { data, rows, columns }: Matrix,
  foldOf: Uint16Array,
  firstRow: number,
  first: number,
  out: Float64Array | undefined,
): void {
  if (!out) return;
  for (let i = 0, at = first; i < rows; i++, at += columns) out[firstRow + i] = data[at + foldOf[firstRow + i]];
}

/** H_{−k}(θ̂_{−k}) times the columns of a d×K matrix, column by column, without the ridge. */
export type FoldProduct = (vectors: Matrix) => Promise<Matrix>;

/** I_{−k} = −H_{−k}(θ̂_{−k})⁻¹Φ_{−k}, d×K: exact for squared losses, else by conjugate gradients with H_{−k}(θ̂) in front. */
export async function leaveOutInfluence(
  { model, ridge }: Pick<Fit, "model" | "ridge">,
  inverse: readonly InverseHessian[],
  Phi: Matrix,
  product: FoldProduct,
): Promise<Matrix> {
  const negative = new Matrix(
    Phi.data.map((value) => -value),
    Phi.rows,
    Phi.columns,
  );
  if (model.loss.quadratic) return asColumns(inverse.map((solver, k) => solver.solve(negative.column(k))));
  const solved = await conjugateGradients(
    async (vectors) => withRidge(ridge, vectors, await product(vectors)),
    (right) => asColumns(inverse.map((solver, k) => solver.solveRoughly(right.column(k)))),
    negative,
    { tolerance: INFLUENCE_TOLERANCE, maximumIterations: MAXIMUM_ITERATIONS },
  );
  if (!solved.converged && inverse.every((solver) => solver.method !== "pseudo-inverse")) {
    throw numericalError(
      `The held-out influence did not converge (relative residual ${solved.relativeResidual.toExponential(1)}): add a ridge such as --l2 0.001, or evaluate on the training rows.`,
    );
  }
  return solved.solution;
}

/** Products of rows in memory from their curvatures. @param curvatures n×K: w ℓ''/W_k, from `foldPulls` */
export function keptFoldProduct(
  { model, data }: Fit,
  folds: number,
  curvatures: Float64Array,
  work?: Work,
): FoldProduct {
  return async (vectors) => {
    const { pull } = await sweep(
      model.map,
      data,
      { theta: vectors, pull: folds, phase: "held-out influence" },
      ({ block, scores, pull: omega }) => {
        const own = curvatures.subarray(block.firstRow * folds);
        const [images, products] = [scores.data, omega.data];
        for (let at = 0; at < products.length; at++) products[at] = own[at] * images[at];
      },
      work,
    );
    return pull;
  };
}

/** The same of rows that are not kept: a sum over them. @param theta d×K: θ̂_{−k} */
export async function foldProduct({ model, data }: Fit, folds: Folds, theta: Matrix, vectors: Matrix): Promise<Matrix> {
  const { pull } = await sweep(
    model.map,
    data,
    { theta: vectors, pull: folds.outside.length, phase: "held-out influence" },
    ({ block, scores, pull: omega }) => {
      foldCurvatures(model, block, folds, model.map.scores(theta, block.x), omega.data);
      for (let at = 0; at < omega.data.length; at++) omega.data[at] *= scores.data[at];
    },
  );
  return pull;
}

/** w ℓ''/W_k of each row outside each fold, 0 inside: r×K. @param scores r×K under the folds' fits */
function foldCurvatures(
  { loss }: ScoreModel,
  { y, w, firstRow }: Block,
  { foldOf, outside }: Folds,
  scores: Matrix,
  out: Float64Array,
): void {
  const folds = outside.length;
  eachColumnLoss(loss, scores.data, y, folds, (from, count, _, curvatures) => {
    for (let i = 0, at = from, row = from / folds; i < count; row++) {
      const own = foldOf[firstRow + row];
      for (let k = 0; k < folds; k++, i++, at++) out[at] = k === own ? 0 : (w[row] / outside[k]) * curvatures[i];
    }
  });
}
