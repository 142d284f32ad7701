import { blas } from "../linalg/backend.js";
import type { Matrix } from "../linalg/matrix.js";
import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import { eachColumnLoss } from "./column-losses.js";
import type { WeightedGrams } from "./weighted-grams.js";

/** Rows of a fit, all of them or those of one block, and their scores at θ̂. */
type Rows = Pick<Fit, "model" | "data" | "scores">;

/** Σ w ℓ'v at θ̂ (d×K), where the rows' slopes are the same for all draws; Σ w ℓ''vv' is added to `grams`. @param weights r×K */
export async function addFirstSums(
  { model: { map, loss }, data, scores }: Rows,
  weights: Matrix,
  grams: WeightedGrams,
  work: Work,
): Promise<Matrix> {
  const draws = weights.columns;
  const { pull } = await sweep(
    map,
    data,
    { pull: draws, phase: "bootstrap" },
    ({ block: { x, y, firstRow }, pull }) => {
      const curved = grams.room(y.length);
      const omega = pull.data;
      const { data } = weights;
      for (let i = 0, at = 0, from = firstRow * draws; i < y.length; i++) {
        const slope = loss.first(scores[firstRow + i], y[i]);
        const curvature = loss.second(scores[firstRow + i], y[i]);
        for (const end = at + draws; at < end; at++, from++) {
          const weight = data[from];
          omega[at] = weight * slope;
          curved[at] = weight * curvature;
        }
      }
      grams.add(map.features(x), curved);
    },
    work,
  );
  return pull;
}

/** Σ w ℓ'v at θ_b, d×K. @param weights r×K */
export async function drawnGradients(
  { model: { map, loss }, data }: Rows,
  weights: Matrix,
  theta: Matrix,
  work: Work,
): Promise<Matrix> {
  const draws = weights.columns;
  const { pull } = await sweep(
    map,
    data,
    { theta, pull: draws, phase: "bootstrap" },
    ({ block: { y, firstRow }, scores, pull: { data: omega } }) => {
      const own = weights.data.subarray(firstRow * draws);
      eachColumnLoss(loss, scores.data, y, draws, (from, count, slopes) => {
        for (let i = 0, at = from; i < count; i++, at++) {
          const weight = own[at];
          // A third of the rows is not drawn at all, and their slopes need not be finite.
          omega[at] = weight === 0 ? 0 : weight * slopes[i];
        }
      });
    },
    work,
  );
  return pull;
}

export interface SignedSlopes {
  /** d×K: Σ w ℓ'' sgn(ℓ') v */
  readonly signed: Matrix;
  /** K: Σ w |ℓ'| */
  readonly sizes: Float64Array;
  /** K: how many rows of the draw have a zero residual. */
  readonly atKink: Float64Array;
}

/** At θ̂_b. The weights (r×K) become w ℓ'', what H_b(θ̂_b) is made of. @param zero slopes up to this are 0 */
export async function signedSlopes(
  { model: { map, loss }, data }: Rows,
  weights: Matrix,
  theta: Matrix,
  zero: number,
  work: Work,
): Promise<SignedSlopes> {
  const draws = weights.columns;
  const sizes = new Float64Array(draws);
  const atKink = new Float64Array(draws);
  const { pull: signed } = await sweep(
    map,
    data,
    { theta, pull: draws, phase: "bootstrap" },
    ({ block: { y, firstRow }, scores, pull: { data: omega } }) => {
      const own = weights.data.subarray(firstRow * draws);
      eachColumnLoss(loss, scores.data, y, draws, (from, count, slopes, curvatures) => {
        for (let i = 0, at = from, row = from / draws; i < count; row++) {
          const kinked = Number.isNaN(loss.kink(y[row])) ? -1 : zero; // no size is below 0
          for (let k = 0; k < draws; k++, i++, at++) {
            const weight = own[at];
            if (weight === 0) continue;
            const slope = slopes[i];
            const size = Math.abs(slope);
            const curved = weight * curvatures[i];
            sizes[k] += weight * size;
            omega[at] = slope < 0 ? -curved : curved;
            own[at] = curved;
            if (size <= kinked) atKink[k]++;
          }
        }
      });
    },
    work,
  );
  return { signed, sizes, atKink };
}

/** V'(curvatures ⊙ VU), d×K. @param curvatures r×K: w ℓ'' @param vectors U, d×K */
export async function curvedProduct(
  { model: { map }, data }: Rows,
  curvatures: Matrix,
  vectors: Matrix,
  work: Work,
): Promise<Matrix> {
  const draws = vectors.columns;
  const { pull } = await sweep(
    map,
    data,
    { theta: vectors, pull: draws, phase: "bootstrap" },
    ({ block, scores: { data: images }, pull: { data: omega } }) => {
      const own = curvatures.data.subarray(block.firstRow * draws);
      for (let at = 0; at < omega.length; at++) omega[at] = own[at] * images[at];
    },
    work,
  );
  return pull;
}

/** The weights (r×K) become w ℓ'' at θ_b. */
export async function bendWeights(
  { model: { map, loss }, data }: Rows,
  weights: Matrix,
  theta: Matrix,
  work: Work,
): Promise<void> {
  const draws = weights.columns;
  await sweep(
    map,
    data,
    { theta, phase: "bootstrap" },
    ({ block: { y, firstRow }, scores }) => {
      const own = weights.data.subarray(firstRow * draws);
      eachColumnLoss(loss, scores.data, y, draws, (from, count, _, curvatures) => {
        for (let i = 0, at = from; i < count; i++, at++) if (own[at] !== 0) own[at] *= curvatures[i];
      });
    },
    work,
  );
}

/** c_b = Σ w_ib ‖x_i ⊘ b‖_p, K. @param rowScales r */
export function drawnScales(rowScales: Float64Array, { data, rows, columns: draws }: Matrix): Float64Array {
  const out = new Float64Array(draws);
  if (data.length > 0) blas().gemv(true, rows, draws, 1, data, draws, rowScales, 0, out);
  return out;
}

/** out (d×K) += P ⊙ θ, θ d×K or d×1. */
export function addRidge(out: Matrix, theta: Matrix, ridge: Float64Array): void {
  const shared = theta.columns === 1;
  for (let j = 0, at = 0; j < out.rows; j++) {
    for (let k = 0; k < out.columns; k++, at++) out.data[at] += ridge[j] * theta.data[shared ? j : at];
  }
}

/** What the draws say at θ̂. */
export interface FirstSums {
  /** d×K: ∇L_b(θ̂) without the ridge. */
  readonly gradients: Matrix;
  /** Σ w ℓ''vv' of draw k, lower triangle. */
  gram(k: number): Matrix;
  /** K for each attack: c_b */
  readonly scales: readonly Float64Array[];
}

/** What K draws ask of all rows, each answered by one pass. */
export interface DrawnRows {
  /** K */
  readonly draws: number;
  atFit(): Promise<FirstSums>;
  /** ∇L_b(θ_b), d×K, without the ridge. */
  gradients(theta: Matrix): Promise<Matrix>;
  /** At θ̂_b, where products are asked then. */
  slopes(theta: Matrix): Promise<SignedSlopes>;
  /** Σ w ℓ''(θ̂_b) vv'u_b, d×K. */
  product(theta: Matrix, vectors: Matrix): Promise<Matrix>;
}
