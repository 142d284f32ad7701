import { usageError } from "../errors.js";
import type { StudySettings } from "./settings.js";

/** Gaussian noise x + σξ on the inputs (MATH 6), and what the adversary and the evaluation know of it. */
export interface SmoothingSettings {
  /** σ ≥ 0, in the units that the model sees; 0: no noise. */
  readonly sigma: number;
  /** "draw": the adversary sees the noisy row before it moves it; "smoothed": it attacks the mean loss over the noise. */
  readonly attack: "draw" | "smoothed";
  /** Whether losses are judged on rows with noise, or as they are. */
  readonly evaluation: "noisy" | "clean";
  /** Whether c, the unit of relative sizes, is the mean norm of the rows as they are, or with noise. */
  readonly budget: "clean" | "noisy";
  /** Noisy copies of every row where the noise is drawn; a multiple of `SMOOTHING_BATCHES` pairs. */
  readonly draws: number;
  /** Which of the independent batches of draws alone is looked at, for the spread between them; null: all. */
  readonly batch: number | null;
}

/** The settings of noise on the inputs where only its size σ is given. */
export const DEFAULT_SMOOTHING: Omit<SmoothingSettings, "sigma"> = {
  attack: "draw",
  evaluation: "noisy",
  budget: "clean",
  draws: 32,
  batch: null,
};

/** Independent parts of the draws whose spread gives Monte-Carlo standard errors. */
export const SMOOTHING_BATCHES = 8;

/** Models whose mean loss over the noise is a model that can be attacked. */
const SMOOTHED_MODELS: readonly string[] = ["linear", "logistic", "softmax", "mlp"];

/** Draws come in pairs ±ξ. */
const LEAST_DRAWS = 2 * SMOOTHING_BATCHES;

/** @throws usage: a σ or a number of draws that makes no sense; what does not go with noise. */
export function checkSmoothing(settings: StudySettings): void {
  const { smoothing, bounds, local, secondOrder, weightsKind, evaluation, model, intercept, project, l1 } = settings;
  const { wasserstein, divergence } = settings;
  if (smoothing === null) return;
  const { sigma, draws } = smoothing;
  if (!(sigma >= 0 && sigma < Infinity)) {
    throw usageError(`--smoothing ${sigma} must be a standard deviation, a number ≥ 0.`);
  }
  if (!(Number.isInteger(draws) && draws % LEAST_DRAWS === 0 && draws >= LEAST_DRAWS && draws <= 4096)) {
    throw usageError(`--smoothing-draws ${draws} must be a multiple of ${LEAST_DRAWS}, up to 4096.`);
  }
  if (bounds.length > 0) {
    throw usageError("--smoothing takes rows out of any bounds: leave --bounds out, or use --budget to limit columns.");
  }
  if (local.import !== null) {
    throw usageError("--smoothing trains a model on noisy rows: an imported model is trained already.");
  }
  if (sigma === 0) return;
  if (smoothing.attack === "draw" && smoothing.evaluation === "clean" && evaluation.kind === "training") {
    throw usageError(
      "--smoothing-evaluation clean judges rows that were not trained on: use --evaluation cv:10, fraction:0.2 or a file with aif analyze.",
    );
  }
  if (smoothing.attack === "smoothed") {
    const kind = model?.split(":")[0] ?? null;
    if (kind !== null && !SMOOTHED_MODELS.includes(kind)) {
      throw usageError(
        `--smoothing-attack smoothed is for ${SMOOTHED_MODELS.join(", ")} models: use --smoothing-attack draw with --model ${kind}.`,
      );
    }
    if (!intercept) throw usageError("--no-intercept goes with --smoothing-attack draw only.");
    if (smoothing.budget === "noisy") {
      throw usageError(
        "--smoothing-budget noisy measures rows that the adversary sees: it needs --smoothing-attack draw.",
      );
    }
    if (project !== null) {
      throw usageError("--project goes with --smoothing-attack draw only.");
    }
  }
  if (divergence !== null || (wasserstein !== null && wasserstein < Infinity)) {
    throw usageError(
      "--smoothing is for adversaries that move every row by itself: leave --wasserstein and --divergence out.",
    );
  }
  if (l1 !== null) throw usageError("--l1 does not go with --smoothing, whose noise is a ridge itself: leave one out.");
  if (secondOrder !== "none") throw usageError("--second-order does not go with --smoothing: leave it out.");
  if (weightsKind === "frequency") {
    throw usageError(
      "--weights-kind frequency does not go with --smoothing: repeat the rows, or use sampling weights.",
    );
  }
}
