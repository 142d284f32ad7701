import type { Block, Dataset } from "../data/dataset.js";
import { gathered } from "../data/gather.js";
import { ensureBlas } from "../linalg/backend.js";
import type { Matrix } from "../linalg/matrix.js";
import type { Model } from "../models/model.js";
import { timeSlices, type Work } from "../parallel/work.js";
import { modelBlockRows } from "../solvers/model-risk.js";
import type { Threat } from "../threats/threat.js";
import { checkSearch, checkShapes } from "./attack-checks.js";
import type { AttackSearch } from "./attack-result.js";
import { ascend, type MovableRows, moveRows } from "./gradient-ascent.js";
import { PerturbationSet } from "./perturbation-set.js";

export interface ModelAttackOptions extends AttackSearch, Work {
  /** Called with x+δ (r×m) of the rows from `firstRow` on, block by block; the matrix is valid until the call returns. */
  readonly onMoved?: ((moved: Matrix, firstRow: number) => void) | undefined;
}

export interface ModelAttackResult {
  readonly method: "projected-gradient";
  /** n: the worst loss found for every row, a lower bound of max_δ l(θ, x_i + δ, y_i). */
  readonly losses: Float64Array;
  /** Σ w_i losses_i, without the ridge. */
  readonly robustLoss: number;
}

const MOST_ROWS = 256;

/** Rows that are attacked at a time: an ascent goes through half a dozen copies of them again and again. */
export const attackBlockRows = (features: number): number => Math.min(MOST_ROWS, modelBlockRows(features));

/** An adversary of one radius against one θ of a model without a closed form. */
export type ModelAttacker = (block: Block) => {
  /** r */
  readonly losses: Float64Array;
  /** x+δ (r×m) */
  readonly moved: Matrix;
};

/**
 * Projected gradient ascent on the losses of any differentiable model within ‖δ⊘b‖_p ≤ ρ and the threat's box (MATH 13): for
 * every row a lower bound of its worst loss. Rows that share a budget (Wasserstein) each get all of it.
 * @param radius ρ ≥ 0, in units of δ⊘b. @throws usage: a radius, θ or search option that makes no sense.
 */
export async function modelAttack(
  model: Model,
  theta: Float64Array,
  threat: Threat,
  data: Dataset,
  radius: number,
  options: ModelAttackOptions = {},
): Promise<ModelAttackResult> {
  await ensureBlas();
  const attacker = modelAttacker(model, theta, threat, data.features.length, radius, options);
  const losses = new Float64Array(data.rows);
  let robustLoss = 0;
  const slices = timeSlices(options);
  for (const block of data.blocks(attackBlockRows(data.features.length))) {
    const { w, firstRow } = block;
    const found = attacker(block);
    losses.set(found.losses, firstRow);
    for (let i = 0; i < w.length; i++) robustLoss += w[i] * found.losses[i];
    options.onMoved?.(found.moved, firstRow);
    if (slices.due()) await slices.pause({ phase: "attacking", done: firstRow + w.length, total: data.rows });
  }
  return { method: "projected-gradient", losses, robustLoss };
}

/** The adversary that `modelAttack` sends, for callers that go through the blocks themselves. @throws usage: as `modelAttack`. */
export function modelAttacker(
  model: Model,
  theta: Float64Array,
  threat: Threat,
  features: number,
  radius: number,
  search: AttackSearch,
): ModelAttacker {
  checkSearch(radius, search);
  checkShapes(model.parameterNames.length, features, theta, threat);
  const set = new PerturbationSet(threat.settings, radius);
  return (block) => {
    const { delta, losses } = ascend(modelRows(model, theta, block), set, search);
    return { losses, moved: moveRows(set, block.x, delta) };
  };
}

/** Losses and input gradients of all rows together, in one pass where the model has one. */
function modelRows(model: Model, theta: Float64Array, block: Block): MovableRows {
  const blockOf = (x: Matrix, rows: Int32Array | undefined): Block => {
    if (!rows) return { ...block, x };
    // Losses and input gradients of a row ask for its number nowhere.
    return { x, y: gathered(block.y, rows), w: gathered(block.w, rows), firstRow: block.firstRow };
  };
  const withGradients = (at: Block): { readonly losses: Float64Array; readonly gradients: Matrix } => {
    return (
      model.lossesAndInputGradients?.(theta, at) ?? {
        losses: model.losses(theta, at),
        gradients: model.inputGradients(theta, at),
      }
    );
  };
  let still: Matrix | null = null;
  return {
    x: block.x,
    firstRow: block.firstRow,
    evaluate(moved, withSlopes, rows) {
      const at = blockOf(moved, rows);
      if (!withSlopes) return { losses: model.losses(theta, at), writeSlope: () => {} };
      const { losses, gradients } = withGradients(at);
      return { losses, writeSlope: (i, out) => out.set(gradients.row(i)) };
    },
    writeDirection(i, out) {
      still ??= model.inputGradients(theta, block);
      out.set(still.row(i));
    },
  };
}
