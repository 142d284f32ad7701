import { Matrix } from "../linalg/matrix.js";
import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import type { Threat } from "../threats/threat.js";
import { type JointWorstCase, jointWorstCase } from "./joint-worst-case.js";
import { heldNorm, type RobustGradient, type RobustPoint } from "./robust-gradient.js";

/**
 * ∇R(θ) (d), ridge included, of an adversary that attacks all rows together, its worst case held fixed (Danskin):
 * Σ (∂V/∂f_i) v_i + ρ (∂V/∂R) ∂N + Pθ. Of a corner that is held, ∂N is as given.
 * @param scores f_i(θ) (n)
 */
export async function jointGradient(
  { model, data, ridge }: Fit,
  threat: Threat,
  { theta, radius, scores, held }: Omit<RobustPoint, "line"> & { readonly scores: Float64Array },
  work?: Work,
): Promise<{ gradient: Float64Array; worst: JointWorstCase }> {
  const { map, loss } = model;
  const moves = threat.tilt
    ? { norm: 0, direction: new Float64Array(map.inputs) }
    : heldNorm(model, threat, theta, held);
  const worst = jointWorstCase(loss, threat, { scores, y: data.y, w: data.weights }, radius, moves.norm);
  const { pull } = await sweep(
    map,
    data,
    { pull: 1, phase: "worst case" },
    ({ block: { y, firstRow }, pull: omega }) => omega.data.set(worst.slopes.subarray(firstRow, firstRow + y.length)),
    work,
  );
  const gradient = pull.data.map((value, j) => value + ridge[j] * theta[j]);
  if (worst.push !== 0) {
    const direction = new Matrix(moves.direction, 1, map.inputs);
    map.addJacobianPullback(Matrix.zeros(0, map.inputs), direction, Float64Array.of(radius * worst.push), gradient);
  }
  return { gradient, worst };
}

/** `jointGradient` at several points, as `robustGradients` gives them for rows that are attacked one by one. */
export async function jointGradients(
  fit: Fit,
  threat: Threat,
  points: readonly RobustPoint[],
  work?: Work,
): Promise<RobustGradient[]> {
  const out: RobustGradient[] = [];
  for (const { theta, radius, held } of points) {
    const scores = await scoresAt(fit, theta, work);
    const { gradient, worst } = await jointGradient(fit, threat, { theta, radius, scores, held }, work);
    out.push({ gradient, pull: worst.push });
  }
  return out;
}

/** f_i(θ) (n) */
async function scoresAt({ model, data }: Fit, theta: Float64Array, work?: Work): Promise<Float64Array> {
  const scores = new Float64Array(data.rows);
  await sweep(
    model.map,
    data,
    { theta: asColumn(theta), phase: "scores" },
    (rows) => scores.set(rows.scores.data, rows.block.firstRow),
    work,
  );
  return scores;
}
