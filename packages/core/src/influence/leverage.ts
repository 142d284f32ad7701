import { Matrix } from "../linalg/matrix.js";
import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { dot } from "../solvers/inverse-hessian.js";
import type { Influence } from "./aif.js";
import { product } from "./sandwich-inverse.js";

/** v_i'Mv_i of every row (n) for each of some d×d matrices. */
export async function rowForms(
  { fit: { model, data } }: Influence,
  matrices: readonly Matrix[],
  work?: Work,
): Promise<Float64Array[]> {
  const out = matrices.map(() => new Float64Array(data.rows));
  await sweep(
    model.map,
    data,
    { phase: "leverages" },
    ({ block: { x, firstRow } }) => {
      const v = model.map.features(x);
      matrices.forEach((M, k) => {
        const images = product(v, M);
        for (let i = 0; i < x.rows; i++) out[k][firstRow + i] = dot(v.row(i), images.row(i));
      });
    },
    work,
  );
  return out;
}

/**
 * h_i = μ_i ℓ''_i v_i'H⁻¹v_i (n), the weighted leverages: what a row's own score gives back of a shift of its own target. μ_i is
 * the weight of one unit: w_i, or 1/N where weights count units. Σ h_i = d without ridge. Below 1, so that rows that fit
 * themselves keep a finite influence.
 * @param forms v_i'H⁻¹v_i
 */
export function leverages(
  { fit: { model, data, scores } }: Influence,
  forms: Float64Array,
  unit: number | null,
): Float64Array {
  return forms.map((form, i) => {
    const second = model.loss.second(scores[i], data.y[i]);
    return Math.min(LARGEST, (unit ?? data.weights[i]) * second * form);
  });
}

const LARGEST = 1 - 1e-6;
