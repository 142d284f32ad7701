import { Matrix } from "../linalg/matrix.js";
import { asColumn } from "../models/sweep.js";
import { timeSlices, type Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import type { Attacker } from "./attack-result.js";

/** What is trained: a model, its rows and its ridge. A fit is one. */
export type TrainedRisk = Pick<Fit, "model" | "data" | "ridge">;

export interface AttackedRisk {
  /** Σ w l(x+δ), without the ridge. */
  readonly loss: number;
  /** With it. */
  readonly objective: number;
  /** Σ w ℓ'(f) v(x+δ) + Pθ (d): by Danskin's theorem the gradient of the robust risk where every δ is the only worst case. */
  readonly gradient: Float64Array;
  /** √(Σ w ℓ'²), ℓ' at x+δ. */
  readonly slopeSize: number;
}

/** The risk of rows that are moved by an adversary against θ, and its gradient with the moves held fixed. One pass. */
export async function attackedRisk(
  { model, data, ridge }: TrainedRisk,
  theta: Float64Array,
  attacker: Attacker,
  work?: Work,
): Promise<AttackedRisk> {
  const { map, loss } = model;
  const sum = Matrix.zeros(map.count, 1);
  let total = 0;
  let slopeSquares = 0;
  const slices = timeSlices(work);
  for (const block of data.blocks()) {
    const { y, w, firstRow } = block;
    const found = attacker.attack(block);
    const slopes = new Float64Array(y.length);
    for (let i = 0; i < y.length; i++) {
      const slope = loss.first(found.scores[i], y[i]);
      total += w[i] * found.losses[i];
      slopeSquares += w[i] * slope * slope;
      slopes[i] = w[i] * slope;
    }
    map.addPullback(found.moved(), asColumn(slopes), sum);
    if (slices.due()) await slices.pause({ phase: "attacking", done: firstRow + y.length, total: data.rows });
  }
  let penalty = 0;
  const gradient = sum.data;
  for (let j = 0; j < gradient.length; j++) {
    gradient[j] += ridge[j] * theta[j];
    penalty += 0.5 * ridge[j] * theta[j] * theta[j];
  }
  return { loss: total, objective: total + penalty, gradient, slopeSize: Math.sqrt(slopeSquares) };
}

/** √(Σ w v_j²) (d) on the rows as they are: with √(Σ w ℓ'²) it bounds what the terms of a gradient can add up to. */
export function featureSizes({ model: { map }, data }: TrainedRisk): Float64Array {
  const squares = new Float64Array(map.count);
  for (const { x, w } of data.blocks()) {
    const v = map.features(x);
    for (let i = 0, at = 0; i < v.rows; i++) {
      for (let j = 0; j < v.columns; j++, at++) squares[j] += w[i] * v.data[at] * v.data[at];
    }
  }
  return squares.map(Math.sqrt);
}

/** max_j |∇R_j| / (√(Σ w ℓ'²)·√(Σ w v_j²) + P_j|θ_j|): the gradient relative to the size of its terms, as in MATH 12. */
export function relativeGradient(
  { gradient, slopeSize }: Pick<AttackedRisk, "gradient" | "slopeSize">,
  theta: Float64Array,
  ridge: Float64Array,
  sizes: Float64Array,
): number {
  let largest = 0;
  for (let j = 0; j < theta.length; j++) {
    const possible = slopeSize * sizes[j] + ridge[j] * Math.abs(theta[j]);
    if (gradient[j] !== 0) largest = Math.max(largest, Math.abs(gradient[j]) / (possible || Number.MIN_VALUE));
  }
  return largest;
}
