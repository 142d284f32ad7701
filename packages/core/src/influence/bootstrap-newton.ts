import { Matrix } from "../linalg/matrix.js";
import { asColumn, asColumns, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import { dot, type InverseHessian, invertHessian } from "../solvers/inverse-hessian.js";
import { WeightedGrams } from "./weighted-grams.js";

/** What is left of θ̂_b's error relative to ‖θ̂_b − θ̂‖, both in the H_b norm: far below the noise of a bootstrap. */
const REMAINING = 1e-4;
/** Where the loss has a kink, a residual's sign must not be an error of the fit. */
const REMAINING_AT_KINKS = 1e-11;
/** A draw whose steps shrink less than this has moved too far for H_b(θ̂) and is fitted on its own. */
const CONTRACTION = 0.7;

/** K draws fitted together. */
export interface DrawnFits {
  /** d×K: θ̂_b */
  readonly theta: Matrix;
  /** K: H_b(θ̂)⁻¹, or null for a draw that must be fitted on its own. */
  readonly inverse: readonly (InverseHessian | null)[];
}

/**
 * θ̂_b for K sets of weights (n×K) from θ̂ on: Newton steps with H_b(θ̂), all draws in the same passes; exact after one step for
 * squared losses, else to 1e-4 of ‖θ̂_b − θ̂‖. Draws that do not settle quickly, or whose H_b is singular, are left out.
 */
export async function fitDraws(full: Fit, weights: Matrix, work: Work): Promise<DrawnFits> {
  const draws = weights.columns;
  const theta = asColumns(Array.from({ length: draws }, () => full.parameters));
  const start = await firstDerivatives(full, weights, work);
  const inverse: (InverseHessian | null)[] = [...start.inverse];
  const { loss } = full.model;
  const remaining = Number.isNaN(loss.kink(1)) ? REMAINING : REMAINING_AT_KINKS;
  const first = new Float64Array(draws);
  const last = new Float64Array(draws);
  const open = new Set([...inverse.keys()].filter((k) => inverse[k] !== null));
  for (let { gradients } = start; open.size > 0; ) {
    for (const k of open) {
      const step = newtonStep(theta, gradients, k, inverse[k]);
      if (first[k] === 0) first[k] = step;
      const ratio = last[k] > 0 ? step / last[k] : 0.5;
      last[k] = step;
      if (loss.quadratic || step === 0 || (step * ratio) / Math.max(1 - ratio, 0) <= remaining * first[k])
        open.delete(k);
      else if (!(ratio < CONTRACTION)) {
        inverse[k] = null;
        open.delete(k);
      }
    }
    if (open.size > 0) gradients = await gradientsAt(full, weights, theta, work);
  }
  inverse.forEach((solver, k) => {
    if (solver === null) full.parameters.forEach((value, j) => (theta.data[j * draws + k] = value));
  });
  return { theta, inverse };
}

/** ∇L_b(θ̂) (d×K) and H_b(θ̂)⁻¹, from one pass: at θ̂ the rows' slopes are the same for all draws. */
async function firstDerivatives(full: Fit, weights: Matrix, work: Work) {
  const { model, data, ridge, parameters, scores } = full;
  const { map, loss } = model;
  const draws = weights.columns;
  const grams = new WeightedGrams(map.count, draws);
  const { pull: gradients } = await sweep(
    map,
    data,
    { pull: draws, phase: "bootstrap" },
    ({ block: { x, y, firstRow }, pull }) => {
      const curved = grams.room(y.length);
      for (let i = 0, at = 0, from = firstRow * draws; i < y.length; i++) {
        const slope = loss.first(scores[firstRow + i], y[i]);
        const curvature = loss.second(scores[firstRow + i], y[i]);
        for (let k = 0; k < draws; k++, at++, from++) {
          pull.data[at] = weights.data[from] * slope;
          curved[at] = weights.data[from] * curvature;
        }
      }
      grams.add(map.features(x), curved);
    },
    work,
  );
  addRidge(gradients, asColumn(parameters), ridge);
  const inverse = Array.from({ length: draws }, (_, k) => {
    const hessian = grams.gram(k);
    ridge.forEach((P, j) => (hessian.data[j * (map.count + 1)] += P));
    const solver = invertHessian(hessian);
    return solver.method === "cholesky" ? solver : null;
  });
  return { gradients, inverse };
}

/** ∇L_b(θ_b), d×K. */
async function gradientsAt({ model, data, ridge }: Fit, weights: Matrix, theta: Matrix, work: Work): Promise<Matrix> {
  const { loss } = model;
  const draws = weights.columns;
  const { pull: gradients } = await sweep(
    model.map,
    data,
    { theta, pull: draws, phase: "bootstrap" },
    ({ block: { y, firstRow }, scores, pull }) => {
      for (let i = 0, at = 0, from = firstRow * draws; i < y.length; i++) {
        for (let k = 0; k < draws; k++, at++, from++) {
          // A third of the rows is not drawn at all.
          const weight = weights.data[from];
          if (weight !== 0) pull.data[at] = weight * loss.first(scores.data[at], y[i]);
        }
      }
    },
    work,
  );
  addRidge(gradients, theta, ridge);
  return gradients;
}

/** out (d×K) += P ⊙ θ, θ d×K or d×1. */
export function addRidge(out: Matrix, theta: Matrix, ridge: Float64Array): void {
  const shared = theta.columns === 1;
  for (let j = 0, at = 0; j < out.rows; j++) {
    for (let k = 0; k < out.columns; k++, at++) out.data[at] += ridge[j] * theta.data[shared ? j : at];
  }
}

/** θ_k ← θ_k − H_k⁻¹∇_k for one draw; returns the length of the step in the H_k norm. */
function newtonStep(theta: Matrix, gradients: Matrix, k: number, inverse: InverseHessian | null): number {
  const gradient = gradients.column(k);
  const step = inverse?.solve(gradient) ?? new Float64Array(gradient.length);
  for (let j = 0; j < step.length; j++) theta.data[j * theta.columns + k] -= step[j];
  return Math.sqrt(Math.max(0, dot(step, gradient)));
}
