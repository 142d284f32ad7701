import { quoted } from "../data/names.js";
import { inputError } from "../errors.js";

/** How many rows of each class each fold holds (folds×K, fold by fold), over all ranks. */
export interface FoldClasses {
  readonly counts: Float64Array;
  readonly classes: readonly string[];
}

/**
 * Refuses folds of which one holds all rows of a class: the model fitted without it has no minimum, since the intercept of a class that
 * it never sees falls without end, and the held-out loss of those rows is infinite.
 * @throws input: naming the class and the fold
 */
export function refuseLostClass({ counts, classes }: FoldClasses): void {
  const K = classes.length;
  const folds = counts.length / K;
  for (let k = 0; k < K; k++) {
    const inFold = Array.from({ length: folds }, (_, fold) => counts[fold * K + k]);
    const holders = [...inFold.keys()].filter((fold) => inFold[fold] > 0);
    if (holders.length !== 1) continue;
    const [fold] = holders;
    const rows = inFold[fold] === 1 ? "The only row" : `All ${inFold[fold]} rows`;
    throw inputError(
      `${rows} of class ${quoted(classes[k])} ${inFold[fold] === 1 ? "is" : "are"} in fold ${fold + 1} of ${folds}, so that the model fitted without that fold never sees this class: leave the class out or merge it with another, or judge by --evaluation training or a file of rows, which needs no folds.`,
    );
  }
}
