import type { Block } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import type { ScoreModel } from "../models/score-model.js";
import type { AttackedBlock, Attacker } from "./attack-result.js";
import type { ScoreCurvature } from "./score-curvature.js";
import { movedRows, scoreEnds } from "./score-ends.js";

/**
 * The exact worst case of scores quadratic in x over ‖δ⊘b‖₂ ≤ ρ: the loss is convex in the score, so it lies where the score is
 * largest or smallest, and both are trust-region subproblems (MATH 13).
 */
export function quadraticAttacker(
  model: ScoreModel,
  curvature: ScoreCurvature,
  theta: Float64Array,
  radius: number,
): Attacker {
  const { loss } = model;
  return {
    method: "trust-region",
    attack({ x, y }: Block): AttackedBlock {
      const { up, down } = scoreEnds(model, curvature, theta, radius, x);
      const r = y.length;
      const a = curvature.attacked.length;
      const losses = new Float64Array(r);
      const scores = new Float64Array(r);
      const points = Matrix.zeros(r, a);
      for (let i = 0; i < r; i++) {
        const end = loss.value(up.scores[i], y[i]) >= loss.value(down.scores[i], y[i]) ? up : down;
        scores[i] = end.scores[i];
        losses[i] = loss.value(scores[i], y[i]);
        points.row(i).set(end.points.row(i));
      }
      return {
        losses,
        scores,
        certified: new Uint8Array(r).fill(1),
        moved: () => movedRows(curvature, x, points),
      };
    },
  };
}
