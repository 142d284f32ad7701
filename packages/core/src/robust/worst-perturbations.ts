import type { Dataset } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import type { ScoreModel } from "../models/score-model.js";
import type { AnyThreat } from "../threats/threat-on.js";
import { type AttackOptions, type AttackResult, attack } from "./attack.js";

/** An attack with the moves themselves. */
export interface WorstPerturbations extends AttackResult {
  /** δ (n×m), in the units of the features: row i at x_i + δ_i has `losses[i]`. */
  readonly perturbations: Matrix;
}

/**
 * `attack`, with the worst move δ_i of every row. Where all moves are equally bad (no gradient at all) δ_i may be any of them.
 * @throws usage: as `attack`.
 */
export async function worstPerturbations(
  target: { readonly model: ScoreModel },
  theta: ArrayLike<number>,
  threat: AnyThreat,
  data: Dataset,
  radius: number,
  options: Omit<AttackOptions, "onMoved"> = {},
): Promise<WorstPerturbations> {
  const m = data.features.length;
  const perturbations = Matrix.zeros(data.rows, m);
  const onMoved = (moved: Matrix, firstRow: number): void =>
    perturbations.data.set(moved.data.subarray(0, moved.rows * m), firstRow * m);
  const found = await attack(target, theta, threat, data, radius, { ...options, onMoved });
  for (const { x, firstRow } of data.blocks()) {
    for (let at = 0; at < x.rows * m; at++) perturbations.data[firstRow * m + at] -= x.data[at];
  }
  return { ...found, perturbations };
}
