import { usageError } from "../errors.js";
import { type ChosenModel, ridgeOf } from "./model-choice.js";
import type { StudySettings } from "./settings.js";

/** What is added to the mean loss: λΣ|θ_j| + ½λ₂Σθ_j². */
export interface Penalties {
  /** One λ, several to compare, or "path"; null: no l1 penalty. */
  readonly l1: readonly number[] | "path" | null;
  readonly l2: number;
}

/**
 * scikit-learn's penalties in ours: ElasticNet's alpha (half the squared loss) gives l1 = alpha·ratio and l2 = alpha·(1 − ratio),
 * twice that for the squared loss; LogisticRegression's C gives ratio/(Cn) and (1 − ratio)/(Cn).
 * @throws usage: a convention of another model.
 */
export function penaltiesOf(settings: StudySettings, model: ChosenModel, rows: number): Penalties {
  const { l1, l1Ratio, C, alpha } = settings;
  if (l1Ratio === null) return { l1, l2: ridgeOf(settings, model, rows) };
  if (model.loss === "poisson")
    throw usageError("scikit-learn's PoissonRegressor has no l1 penalty: use --l1 and --l2 instead of --l1-ratio.");
  // ElasticNet does not divide its alpha by n, as Ridge does.
  const whole = C !== null ? ridgeOf(settings, model, rows) : elasticNetAlpha(alpha ?? 0, settings, model, rows);
  return { l1: l1Ratio > 0 ? [whole * l1Ratio] : null, l2: whole * (1 - l1Ratio) };
}

function elasticNetAlpha(alpha: number, settings: StudySettings, model: ChosenModel, rows: number): number {
  // Refuses the alpha of another model.
  ridgeOf(settings, model, rows);
  return model.loss === "squared" ? 2 * alpha : alpha;
}
