import { inputError } from "../../errors.js";
import { checkTargets, type ScoreModel } from "../../models/score-model.js";
import type { Pass } from "../../parallel/passes.js";
import { runaway } from "../../solvers/fit.js";
import type { RowsView } from "./rows-view.js";

/** What is asked of the rows before anything is fitted. */
export interface Summary {
  /** Σ w y, and Σ of the evaluation weights times y. */
  readonly meanTarget: number;
  readonly meanEvaluated: number;
  /** Rows with weight. */
  readonly positive: number;
  /** Rows with a target above 0. */
  readonly above: number;
  /** Σ w² */
  readonly squares: number;
  /** The same of the evaluation weights, which have no factors of classes in them. */
  readonly ownSquares: number;
  /** Whether losses rise or fall as the intercept runs away: see `runaway`. */
  readonly runaway: readonly boolean[];
  /** K: the weight inside each fold; empty without folds. */
  readonly inside: Float64Array;
}

/** @throws input: a target that the loss is not defined for. */
export async function summarise(pass: Pass<RowsView>, model: ScoreModel, folds: number): Promise<Summary> {
  const scalars = new Float64Array(6);
  const directions = new Float64Array(4);
  const inside = new Float64Array(folds);
  await pass({
    sums: [scalars, directions, inside],
    visit({ block: { y, w, evaluationWeights, sourceRows, foldOf } }) {
      checkTargets(model.loss, y, (i) => sourceRows[i]);
      if (folds > 0 && foldOf === null) throw inputError("The rows have no folds, which --evaluation cv needs.");
      let [mean, evaluated, positive, squares, above, ownSquares] = [0, 0, 0, 0, 0, 0];
      for (let i = 0; i < y.length; i++) {
        mean += w[i] * y[i];
        evaluated += evaluationWeights[i] * y[i];
        if (w[i] > 0) positive++;
        squares += w[i] * w[i];
        ownSquares += evaluationWeights[i] * evaluationWeights[i];
        if (y[i] > 0) above++;
        if (folds > 0 && foldOf) inside[foldOf[i]] += w[i];
      }
      [mean, evaluated, positive, squares, above, ownSquares].forEach((value, k) => {
        scalars[k] += value;
      });
      runaway(model.loss, y, w).forEach((found, k) => {
        if (found) directions[k]++;
      });
    },
  });
  const [meanTarget, meanEvaluated, positive, squares, above, ownSquares] = scalars;
  const directed = [...directions].map((n) => n > 0);
  return { meanTarget, meanEvaluated, positive, squares, above, ownSquares, runaway: directed, inside };
}
