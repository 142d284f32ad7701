import { usageError } from "../errors.js";
import type { DescentMethod } from "../robust/descent.js";
import type { StudySettings } from "./settings.js";

/** How adversarial training goes about it. */
export interface TrainingSettings {
  /** Steps of the projected gradient of the inner maximum, and the first one's length relative to the first-order answer. */
  readonly innerSteps: number;
  readonly innerStepSize: number;
  /** Random starts of the inner maximum, besides no perturbation at all. */
  readonly restarts: number;
  /** Exact inner maxima, where they are known. */
  readonly exactInner: boolean;
  readonly outer: DescentMethod;
  /** Iterations at most. */
  readonly outerSteps: number;
  /** Training ends at this relative gradient, or at this duality gap relative to the objective. */
  readonly tolerance: number;
  readonly gapTolerance: number;
  /** Iterations from one measurement of the duality gap to the next. */
  readonly gapEvery: number;
}

/** The settings of adversarial training where no option is given. */
export const DEFAULT_TRAINING: TrainingSettings = {
  innerSteps: 10,
  innerStepSize: 0.5,
  restarts: 0,
  exactInner: false,
  outer: "lbfgs",
  outerSteps: 200,
  tolerance: 1e-8,
  gapTolerance: 1e-11,
  gapEvery: 10,
};

/** The one norm and the one size that a model is trained against: ε relative to the rows' mean norm, or ρ itself. */
export interface TrainingSize {
  readonly norm: number;
  readonly epsilon: number | null;
  readonly radius: number | null;
}

/** @throws usage: none or several: one training has one optimum, and one checkpoint. */
export function trainingSize({ norms, epsilons, radii, budgets }: StudySettings): TrainingSize {
  if (norms.length !== 1)
    throw usageError(`Adversarial training is for one --norm, got ${norms.length}: run it once for each.`);
  // The whole budget is the size, unless another one is given.
  const sizes = epsilons ?? radii ?? (budgets ? [1] : []);
  if (sizes.length !== 1) {
    throw usageError(
      sizes.length === 0
        ? "Say how large the attack is that is trained against: --epsilon 0.01, or --radius."
        : `Adversarial training is for one size of the attack, got ${sizes.length}: run it once for each.`,
    );
  }
  return { norm: norms[0], epsilon: epsilons ? sizes[0] : null, radius: epsilons ? null : sizes[0] };
}
