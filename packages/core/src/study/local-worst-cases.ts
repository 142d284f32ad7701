import { rowLosses } from "../influence/local/changes.js";
import type { LocalInfluence } from "../influence/local/influence.js";
import { Matrix } from "../linalg/matrix.js";
import type { Work } from "../parallel/work.js";
import { jointModelAttack } from "../robust/joint-model-attack.js";
import { isJoint } from "../robust/joint-worst-case.js";
import { modelAttack } from "../robust/model-attack.js";
import type { FoundWorstCase } from "./worst-cases.js";

/** `worstCaseOf` for models without a closed form, at θ̃: moves by search, new weights exactly. */
export async function localWorstCaseOf(
  { point: { model, data, parameters }, threat, scale }: LocalInfluence,
  epsilon: number,
  seed: number,
  work: Work,
): Promise<FoundWorstCase> {
  const radius = epsilon * scale;
  const quiet = work.signal ? { signal: work.signal } : {};
  const losses = await rowLosses(model, parameters, data, quiet);
  if (isJoint(threat)) {
    const found = await jointModelAttack(model, parameters, threat, data, radius, quiet);
    const { perturbations, weights } = found;
    if (perturbations === null) return { method: "exact", perturbations, weights, losses, attackedLosses: losses };
    return { method: "search", perturbations, weights, losses, attackedLosses: found.losses };
  }
  const perturbations = Matrix.zeros(data.rows, data.features.length);
  const onMoved = (moved: Matrix, firstRow: number): void =>
    perturbations.data.set(moved.data.subarray(0, moved.rows * moved.columns), firstRow * moved.columns);
  const found = await modelAttack(model, parameters, threat, data, radius, { ...quiet, seed, onMoved });
  for (const { x, firstRow } of data.blocks()) {
    const from = firstRow * x.columns;
    for (let at = 0; at < x.rows * x.columns; at++) perturbations.data[from + at] -= x.data[at];
  }
  return { method: "search", perturbations, weights: data.weights, losses, attackedLosses: found.losses };
}
