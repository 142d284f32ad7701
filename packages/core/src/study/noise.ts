import type { EncodedDataset } from "../data/encoded-dataset.js";
import type { ModelNoise } from "../models/smoothing/smoothed-model.js";
import type { StudySettings } from "./settings.js";
import { SMOOTHING_BATCHES, type SmoothingSettings } from "./smoothing-settings.js";

/** Rows of an evaluation have noise of their own, whatever their place in their table. */
const EVALUATION_SEED = 1_000_003;

/** Noise that there is; null: none was asked for, or σ = 0. */
export const noiseOf = ({ smoothing }: Pick<StudySettings, "smoothing">): SmoothingSettings | null =>
  smoothing !== null && smoothing.sigma > 0 ? smoothing : null;

/** Whether the adversary attacks the mean loss over the noise, so that the model itself is another one. */
export const isSmoothedLoss = (settings: Pick<StudySettings, "smoothing">): boolean =>
  noiseOf(settings)?.attack === "smoothed";

/** The draws that an analysis is about: all, or one of the independent batches that they fall into. */
function drawsOf({ draws, batch }: SmoothingSettings): { draws: number; firstPair: number } {
  if (batch === null) return { draws, firstPair: 0 };
  const part = draws / SMOOTHING_BATCHES;
  return { draws: part, firstPair: (batch * part) / 2 };
}

/** The noise of a model that is attacked on its mean loss. */
export const modelNoise = (smoothing: SmoothingSettings, seed: number): ModelNoise => ({
  sigma: smoothing.sigma,
  seed,
  ...drawsOf(smoothing),
});

interface Rows {
  readonly training: EncodedDataset;
  readonly evaluation: EncodedDataset | null;
}

/** Noisy copies of the rows, where the adversary sees the draws. */
export function noisyRowsOf({ training, evaluation }: Rows, settings: StudySettings): Rows {
  const smoothing = noiseOf(settings);
  if (smoothing === null || smoothing.attack === "smoothed") return { training, evaluation };
  const { sigma, budget } = smoothing;
  const noise = { sigma, measuredClean: budget === "clean", seed: settings.seed, ...drawsOf(smoothing) };
  const isNoisy = smoothing.evaluation === "noisy";
  return {
    training: training.withNoise(noise),
    evaluation: isNoisy
      ? (evaluation?.withNoise({ ...noise, seed: settings.seed + EVALUATION_SEED }) ?? null)
      : evaluation,
  };
}

/** The training rows as they are judged, row by row those that they are trained on: with their noise, or without. */
export function judgedRows(training: EncodedDataset, settings: Pick<StudySettings, "smoothing">): EncodedDataset {
  const smoothing = noiseOf(settings);
  if (smoothing === null || smoothing.attack === "smoothed" || smoothing.evaluation === "noisy") return training;
  return training.original.withNoise({ sigma: 0, seed: 0, draws: training.copies });
}
