import type { Block, Dataset } from "../data/dataset.js";
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
  for (const block of data.blocks(modelBlockRows(data.features.length))) {
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

/** Input gradients are computed when the first row asks for its own, and for all rows together. */
function modelRows(model: Model, theta: Float64Array, block: Block): MovableRows {
  const gradientsAt = (x: Matrix): (() => Matrix) => {
    let gradients: Matrix | null = null;
    return () => {
      gradients ??= model.inputGradients(theta, { ...block, x });
      return gradients;
    };
  };
  const still = gradientsAt(block.x);
  return {
    x: block.x,
    firstRow: block.firstRow,
    evaluate(moved) {
      const gradients = gradientsAt(moved);
      return {
        losses: model.losses(theta, { ...block, x: moved }),
        writeSlope: (i, out) => out.set(gradients().row(i)),
      };
    },
    writeDirection: (i, out) => out.set(still().row(i)),
  };
}
