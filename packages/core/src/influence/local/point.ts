import type { Dataset } from "../../data/dataset.js";
import { usageError } from "../../errors.js";
import { ensureBlas } from "../../linalg/backend.js";
import type { Model } from "../../models/model.js";
import type { Work } from "../../parallel/work.js";
import { gradientTerms, relativeSize } from "../../solvers/gradient-terms.js";
import { type RiskProblem, ridgeOf, riskAt } from "../../solvers/model-risk.js";

/** A model at parameters θ̃ that may or may not be a minimum of L(θ) = Σ w_i l_i(θ) + ½ Σ_j P_j θ_j². */
export interface ModelPoint extends RiskProblem {
  readonly l2: number;
  /** θ̃ (d) */
  readonly parameters: Float64Array;
  /** Σ w l, without the ridge. */
  readonly trainingLoss: number;
  /** ∇L(θ̃) (d), ridge included. */
  readonly gradient: Float64Array;
  /** max_j |∇L_j| / Σ of the sizes of its terms (MATH 12). */
  readonly gradientNorm: number;
  /** d: what the terms of ∇L add up to if none cancels, where that is known: the units of the parameters. */
  readonly gradientTerms?: Float64Array;
}

/**
 * Looks at a model at given parameters.
 * @param theta d. @throws usage: not d numbers, l2 below 0. numerical: a loss or gradient that is not finite.
 */
export async function pointAt(
  model: Model,
  data: Dataset,
  theta: ArrayLike<number>,
  { l2 = 0 }: { readonly l2?: number } = {},
  work: Work = {},
): Promise<ModelPoint> {
  await ensureBlas();
  const d = model.parameterNames.length;
  if (theta.length !== d) throw usageError(`This model has ${d} parameters, got ${theta.length}.`);
  const parameters = Float64Array.from(theta);
  const problem = { model, data, ridge: ridgeOf(model, l2) };
  const { risk, gradient } = await riskAt(problem, parameters, work);
  const terms = await gradientTerms(problem, parameters, work);
  return {
    ...problem,
    l2,
    parameters,
    trainingLoss: risk,
    gradient,
    gradientNorm: relativeSize(gradient, terms),
    gradientTerms: terms,
  };
}
