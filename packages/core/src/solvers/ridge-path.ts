import type { Dataset } from "../data/dataset.js";
import { assignFolds } from "../data/splits.js";
import { usageError } from "../errors.js";
import { ensureBlas } from "../linalg/backend.js";
import type { ModelDescription } from "../models/score-model.js";
import type { Work } from "../parallel/work.js";
import { type Fit, fit, prepareFit } from "./fit.js";
import { NormalEquations } from "./normal-equations.js";
import { RidgeFamily } from "./ridge-family.js";

/** The folds by which the ridges of a path are judged. */
export interface RidgePathOptions extends Work {
  /** Folds of the held-out losses (default 10). */
  readonly folds?: number;
  /** Of the dealing of rows to folds (default 0). */
  readonly seed?: number;
}

/** One ridge of a path. */
export interface RidgePoint {
  /** λ of the ridge ½λ‖θ‖² on all parameters but the intercept. */
  readonly l2: number;
  /** θ̂(λ) (d), to the rounding of the normal equations; `fit` refines it with residuals from the rows. */
  readonly parameters: Float64Array;
  /** tr(G(G + λP)⁻¹) */
  readonly degreesOfFreedom: number;
  /** Σ w l over all rows, each under the fit on the folds that it is not in. */
  readonly heldOutLoss: number;
  /** The fit itself, ready for `influence`: a pass over the rows or two, no new factorisation. */
  fit(): Promise<Fit>;
}

/**
 * A model with a squared loss at many ridges, cross-validated: one pass over the rows for the folds' sums, one eigen-decomposition
 * for all rows and one for each fold left out; every ridge is then read off in O(d²).
 * @throws usage: no ridge, or one that is not positive; a loss that is not squared; a fold count that makes no sense. input: targets
 * that the loss is not defined for.
 */
export async function ridgePath(
  description: ModelDescription,
  data: Dataset,
  ridges: readonly number[],
  options: RidgePathOptions = {},
): Promise<RidgePoint[]> {
  await ensureBlas();
  const bad = ridges.find((l2) => !(l2 > 0 && l2 < Infinity));
  if (bad !== undefined || ridges.length === 0) {
    throw usageError(`A path of ridges needs numbers above 0, got ${bad ?? "none"}.`);
  }
  const { folds = 10, seed = 0, ...work } = options;
  const { model } = prepareFit(description, data, { l2: 0 });
  if (!model.loss.quadratic) {
    throw usageError(`A path of ridges is of a squared loss; the ${model.loss.name} loss is fitted ridge by ridge.`);
  }
  const foldOf = assignFolds(data.rows, folds, seed);
  const equations = await NormalEquations.of(model, data, foldOf, folds, work);
  const all = Int32Array.from({ length: model.map.count }, (_, j) => j);
  const penalised = new Uint8Array(all.length).fill(1);
  if (model.map.intercept) penalised[0] = 0;
  const familyOf = (without: number | null) => {
    const { hessian, right } = equations.system(all, 0, without);
    return { family: new RidgeFamily(hessian, penalised), right };
  };
  const whole = familyOf(null);
  const outside = Array.from({ length: folds }, (_, k) => familyOf(k));
  return ridges.map((l2) => {
    const inverse = whole.family.inverse(l2);
    const parameters = inverse.solve(whole.right);
    const heldOutLoss = outside.reduce(
      (sum, { family, right }, k) => sum + equations.lossOf(k, family.inverse(l2).solve(right)),
      0,
    );
    return {
      l2,
      parameters,
      degreesOfFreedom: whole.family.effectiveParameters(l2),
      heldOutLoss,
      fit: () => fit(description, data, { ...work, l2, start: parameters, hessian: whole.family.hessian(l2), inverse }),
    };
  });
}
