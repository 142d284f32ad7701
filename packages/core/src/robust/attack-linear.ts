import type { Block } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import type { ScoreModel } from "../models/score-model.js";
import { asColumn } from "../models/sweep.js";
import type { Threat } from "../threats/threat.js";
import type { AttackedBlock, Attacker } from "./attack-result.js";
import { PerturbationSet } from "./perturbation-set.js";
import { dualNormOf } from "./robust-loss.js";

/**
 * The exact worst case of scores linear in x: β·δ is largest at ±ρφ(β) without a box (MATH 0), and at the coordinatewise maximum
 * over ball ∩ box with one; the loss is convex in the score, so the worse of the two ends is the worst of all.
 */
export function linearAttacker(model: ScoreModel, threat: Threat, theta: Float64Array, radius: number): Attacker {
  const { map, loss } = model;
  const { bounds } = threat.settings;
  const set = new PerturbationSet(threat.settings, radius);
  const beta = map.inputGradients(theta, Matrix.zeros(0, map.inputs)).data;
  const opposite = beta.map((value) => -value);
  const { norm, direction } = dualNormOf(model, threat, theta);
  const scratch = new Float64Array(map.inputs);
  /** How far the score of row x rises (+1) or falls (−1) at most. */
  const reach = (x: Float64Array, sign: number): number =>
    bounds ? set.furthest(sign > 0 ? beta : opposite, x, scratch) : radius * norm;
  const perturbation = (x: Float64Array, sign: number): Float64Array => {
    if (bounds) set.furthest(sign > 0 ? beta : opposite, x, scratch);
    else for (let k = 0; k < scratch.length; k++) scratch[k] = sign * radius * direction[k];
    return scratch;
  };
  return {
    method: "closed-form",
    attack({ x, y }: Block): AttackedBlock {
      const natural = map.scores(asColumn(theta), x).data;
      const r = y.length;
      const losses = new Float64Array(r);
      const scores = new Float64Array(r);
      const signs = new Int8Array(r);
      for (let i = 0; i < r; i++) {
        const row = x.row(i);
        const up = natural[i] + reach(row, 1);
        const down = natural[i] - reach(row, -1);
        signs[i] = loss.value(up, y[i]) >= loss.value(down, y[i]) ? 1 : -1;
        scores[i] = signs[i] > 0 ? up : down;
        losses[i] = loss.value(scores[i], y[i]);
      }
      return {
        losses,
        scores,
        certified: new Uint8Array(r).fill(1),
        moved() {
          const moved = Matrix.zeros(r, map.inputs);
          for (let i = 0; i < r; i++) set.moveRow(x.row(i), perturbation(x.row(i), signs[i]), moved.row(i));
          return moved;
        },
      };
    },
  };
}
