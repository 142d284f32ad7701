import type { Matrix } from "../linalg/matrix.js";
import { lossCurvatures } from "../models/loss-rows.js";
import { LOSSES } from "../models/losses.js";
import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import { norm } from "../threats/norms.js";
import type { CertificateRequest } from "./certificate.js";

/** What the logistic certificate of MATH 10b asks of the rows at one θ̃, their margins −y_if_i + ρN. */
export interface RobustMargins {
  /** Σ w wt vv', wt = σσ(−·) at the margins (d×d, lower triangle). */
  hessian(): Promise<Matrix>;
  /**
   * With D_i = ‖half v_i‖ + extra, for each of some r: Σ w wt e^{−rD_i} vv' and Σ w min(¼, wt e^{rD_i}).
   * @param half d×d, transposed
   */
  shrunk(half: Matrix, extra: number): Promise<(radii: readonly number[]) => Promise<Shrunk[]>>;
}

export interface Shrunk {
  readonly hessian: Matrix;
  readonly spread: number;
}

export type MarginsAt = (request: CertificateRequest, reach: number, work?: Work) => RobustMargins;

/** r: wt. @param score of each row @param reach ρN */
export function robustCurvatures(y: Float64Array, score: (row: number) => number, reach: number): Float64Array {
  const margins = new Float64Array(y.length);
  for (let i = 0; i < y.length; i++) margins[i] = -y[i] * score(i) + reach;
  // σσ(−·) is the second derivative of the logistic loss, whatever the label.
  const out = new Float64Array(y.length);
  lossCurvatures(LOSSES.logistic, margins, y, out);
  return out;
}

/** r: D_i. @param images r×d: half v_i */
export const rowReaches = (images: Matrix, extra: number): Float64Array =>
  Float64Array.from(
    { length: images.rows },
    (_, i) => norm(images.data, 2, i * images.columns, images.columns) + extra,
  );

/** wt e^{−rD}, by which a row counts in the smallest Hessian nearby. */
export const leastCurvature = (curvature: number, reach: number, r: number): number => curvature * Math.exp(-r * reach);

/** Σ w min(¼, wt e^{rD}) */
export function largestCurvatures(curvature: Float64Array, reach: Float64Array, w: Float64Array, r: number): number {
  let spread = 0;
  for (let i = 0; i < w.length; i++) {
    const grown = curvature[i] > 0 ? curvature[i] * Math.exp(r * reach[i]) : 0;
    spread += w[i] * Math.min(0.25, grown);
  }
  return spread;
}

/** Of rows in memory, with the margins and D kept. */
export function keptMargins(
  { model: { map }, data, scores }: Fit,
  { score }: CertificateRequest,
  reach: number,
  work?: Work,
): RobustMargins {
  const curvature = robustCurvatures(data.y, score ?? ((row) => scores[row]), reach);
  const weighted = async (...weights: ((row: number) => number)[]): Promise<readonly Matrix[]> => {
    const { grams } = await sweep(
      map,
      data,
      { grams: weights.length, phase: "certificate" },
      ({ block: { w, firstRow }, grams: omegas }) => {
        for (const [k, weight] of weights.entries()) {
          for (let i = 0; i < w.length; i++) omegas[k][i] = w[i] * weight(firstRow + i);
        }
      },
      work,
    );
    return grams;
  };
  return {
    hessian: async () => (await weighted((row) => curvature[row]))[0],
    async shrunk(half, extra) {
      const reaches = new Float64Array(data.rows);
      await sweep(
        map,
        data,
        { theta: half, phase: "certificate" },
        ({ block, scores: images }) => reaches.set(rowReaches(images, extra), block.firstRow),
        work,
      );
      return async (radii) => {
        const hessians = await weighted(
          ...radii.map((r) => (row: number) => leastCurvature(curvature[row], reaches[row], r)),
        );
        return radii.map((r, k) => ({
          hessian: hessians[k],
          spread: largestCurvatures(curvature, reaches, data.weights, r),
        }));
      };
    },
  };
}
