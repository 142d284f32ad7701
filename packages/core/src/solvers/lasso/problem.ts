import type { Block, Dataset } from "../../data/dataset.js";
import { blas } from "../../linalg/backend.js";
import { Matrix } from "../../linalg/matrix.js";
import { LinearMap } from "../../models/linear-map.js";
import type { ScoreModel } from "../../models/score-model.js";
import { asColumn, sweep } from "../../models/sweep.js";
import { timeSlices, type Work } from "../../parallel/work.js";

/** minimise F(θ) = Σ w_i l_i + ½ Σ_j P_j θ_j² + Σ_j λ_j |θ_j|: P and λ are 0 on the intercept, which is never penalised. */
export interface SparseProblem {
  readonly model: ScoreModel;
  readonly data: Dataset;
  /** P (d) */
  readonly ridge: Float64Array;
  /** λ (d) */
  readonly penalties: Float64Array;
}

/** The smooth part L(θ) = Σ w l + ½ΣPθ² at one θ, seen through some of its parameters. */
export interface SmoothPart {
  /** n: f_i */
  readonly scores: Float64Array;
  /** Σ w l, without the ridge. */
  readonly loss: number;
  /** ∇L on those parameters. */
  readonly gradient: Float64Array;
  /** ∇²L on those parameters (lower triangle); null where it was not asked for. */
  readonly hessian: Matrix | null;
  /** Σ w ℓ'² / Σ w ℓ'': the mean square of the residuals in units of the score. */
  readonly residualSquare: number;
}

/** F(θ), the l1 part included. */
export function objectiveOf({ ridge, penalties }: SparseProblem, loss: number, theta: Float64Array): number {
  let value = loss;
  for (let j = 0; j < theta.length; j++) {
    if (theta[j] !== 0) value += 0.5 * ridge[j] * theta[j] * theta[j] + penalties[j] * Math.abs(theta[j]);
  }
  return value;
}

/** L with its gradient on all d parameters: one pass, and nothing of size d×d. */
export async function smoothPart(problem: SparseProblem, theta: Float64Array, work?: Work): Promise<SmoothPart> {
  const { model, data, ridge } = problem;
  const tally = rowTally(model);
  const scores = new Float64Array(data.rows);
  const { pull } = await sweep(
    model.map,
    data,
    { theta: asColumn(theta), pull: 1, phase: "fitting" },
    ({ block, scores: f, pull: omega }) => {
      scores.set(f.data, block.firstRow);
      tally.add(block, f.data, omega.data, null);
    },
    work,
  );
  const gradient = pull.data;
  if (!gradient.every(Number.isFinite)) data.check?.();
  for (let j = 0; j < gradient.length; j++) gradient[j] += ridge[j] * theta[j];
  return { scores, loss: tally.loss, gradient, hessian: null, residualSquare: tally.residualSquare };
}

/**
 * The same on the parameters `kept` alone, the others being 0: features are gathered block by block, so that neither a d×d
 * matrix nor a copy of the data is formed.
 * @param values the parameters that are kept
 */
export async function restrictedPart(
  { model, data, ridge }: SparseProblem,
  kept: readonly number[],
  values: Float64Array,
  withHessian: boolean,
  work?: Work,
): Promise<SmoothPart> {
  const k = kept.length;
  const tally = rowTally(model);
  const scores = new Float64Array(data.rows);
  const gradient = new Float64Array(k);
  const hessian = withHessian ? Matrix.zeros(k, k) : null;
  const slices = timeSlices(work);
  for (const block of data.blocks()) {
    const r = block.x.rows;
    const v = gatherFeatures(model, block.x, kept);
    const f = new Float64Array(r);
    if (k > 0) blas().gemv(false, r, k, 1, v.data, k, values, 0, f);
    scores.set(f, block.firstRow);
    const omega = new Float64Array(r);
    const curvature = hessian && new Float64Array(r);
    tally.add(block, f, omega, curvature);
    if (k > 0) blas().gemv(true, r, k, 1, v.data, k, omega, 1, gradient);
    if (hessian && curvature && k > 0) {
      for (let i = 0, at = 0; i < r; i++) {
        const root = Math.sqrt(curvature[i]);
        for (let j = 0; j < k; j++, at++) v.data[at] *= root;
      }
      blas().syrk(k, r, 1, v.data, k, 1, hessian.data, k);
    }
    if (slices.due()) await slices.pause({ phase: "fitting", done: block.firstRow + r, total: data.rows });
  }
  kept.forEach((j, a) => {
    gradient[a] += ridge[j] * values[a];
    if (hessian) hessian.data[a * (k + 1)] += ridge[j];
  });
  return { scores, loss: tally.loss, gradient, hessian, residualSquare: tally.residualSquare };
}

/** Some columns of V for the rows of a block, r×k. */
function gatherFeatures({ map }: ScoreModel, x: Matrix, kept: readonly number[]): Matrix {
  const [r, k] = [x.rows, kept.length];
  const out = Matrix.zeros(r, k);
  // A linear basis is the block itself beside the intercept: nothing else is copied.
  const isLinear = map instanceof LinearMap;
  const source = isLinear ? x : map.features(x);
  const first = isLinear && map.intercept ? 1 : 0;
  kept.forEach((j, a) => {
    for (let i = 0; i < r; i++) out.data[i * k + a] = j < first ? 1 : source.data[i * source.columns + j - first];
  });
  return out;
}

/** Adds up over rows what both passes need of a loss, and writes w ℓ' and w ℓ''. */
function rowTally({ loss }: ScoreModel) {
  const jet = new Float64Array(3);
  let [total, slopes, curvatures] = [0, 0, 0];
  return {
    add({ y, w }: Block, f: Float64Array, omega: Float64Array, curvature: Float64Array | null): void {
      for (let i = 0; i < y.length; i++) {
        loss.jet(f[i], y[i], jet);
        total += w[i] * jet[0];
        slopes += w[i] * jet[1] * jet[1];
        curvatures += w[i] * jet[2];
        omega[i] = w[i] * jet[1];
        if (curvature) curvature[i] = w[i] * jet[2];
      }
    },
    get loss(): number {
      return total;
    },
    get residualSquare(): number {
      return curvatures > 0 ? slopes / curvatures : 0;
    },
  };
}
