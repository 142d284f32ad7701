import type { Block } from "../data/dataset.js";
import { gathered } from "../data/gather.js";
import { Matrix } from "../linalg/matrix.js";
import type { ScoreModel } from "../models/score-model.js";
import { asColumn } from "../models/sweep.js";
import type { Threat } from "../threats/threat.js";
import type { AttackCertifier } from "./attack-certificate.js";
import type { AttackedBlock, Attacker, AttackSearch } from "./attack-result.js";
import { ascend, type MovableRows, moveRows } from "./gradient-ascent.js";
import { PerturbationSet } from "./perturbation-set.js";

/** What an ascent found: perturbations (r×m), losses and scores (r). */
export interface Ascent {
  readonly delta: Matrix;
  readonly losses: Float64Array;
  readonly scores: Float64Array;
}

/**
 * Projected gradient ascent on the losses of a score model: a lower bound of the worst loss for any basis, norm and box
 * (MATH 13).
 */
export function gradientAttacker(
  model: ScoreModel,
  threat: Threat,
  theta: Float64Array,
  radius: number,
  search: AttackSearch,
  certify: AttackCertifier | null,
): Attacker {
  const set = new PerturbationSet(threat.settings, radius);
  return {
    method: "projected-gradient",
    attack(block: Block): AttackedBlock {
      const { delta, losses } = ascend(scoredRows(model, theta, block), set, search);
      const moved = moveRows(set, block.x, delta);
      const scores = model.map.scores(asColumn(theta), moved).data;
      return {
        losses,
        scores,
        certified: certify ? certify(block, { delta, losses, scores }, moved) : new Uint8Array(losses.length),
        moved: () => moved,
      };
    },
  };
}

/** l_i = ℓ(f_i, y_i) with ∇x l_i = ℓ'γ_i. */
function scoredRows({ map, loss }: ScoreModel, theta: Float64Array, { x, y, firstRow }: Block): MovableRows {
  const none = Matrix.zeros(0, map.inputs);
  let still: { scores: Float64Array; gamma: Matrix } | null = null;
  return {
    x,
    firstRow,
    evaluate(moved, withSlopes, rows) {
      const scores = map.scores(asColumn(theta), moved).data;
      const gamma = withSlopes ? map.inputGradients(theta, moved) : none;
      const targets = rows ? gathered(y, rows) : y;
      return {
        losses: scores.map((f, i) => loss.value(f, targets[i])),
        writeSlope(i, out) {
          const slope = loss.first(scores[i], targets[i]);
          const from = gamma.rows === 1 ? 0 : i * gamma.columns;
          for (let k = 0; k < out.length; k++) out[k] = slope * gamma.data[from + k];
        },
      };
    },
    writeDirection(i, out) {
      still ??= { scores: map.scores(asColumn(theta), x).data, gamma: map.inputGradients(theta, x) };
      const up = loss.first(still.scores[i], y[i]) < 0 ? -1 : 1;
      const gamma = still.gamma.row(still.gamma.rows === 1 ? 0 : i);
      for (let k = 0; k < out.length; k++) out[k] = up * gamma[k];
    },
  };
}
