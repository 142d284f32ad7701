import type { EncodedDataset } from "../data/encoded-dataset.js";
import type { KernelInfluence } from "../influence/kernel/aif.js";
import { predictionChanges } from "../influence/kernel/sensitivity.js";
import type { SubsampledEstimate } from "../influence/kernel/subsampling.js";
import type { Matrix } from "../linalg/matrix.js";
import { kernelSum } from "../models/kernel/kernel-ridge.js";
import { outputNames, type PredictionsOf } from "./predictions.js";

/** f(x) and its change ε·Σ_j I_j K(x, x_j), centres where they were (MATH 7), with intervals from subsamples. */
export function kernelPredictionsOf(
  attack: KernelInfluence,
  points: Matrix,
  changes: readonly SubsampledEstimate[] | null,
): PredictionsOf {
  const { fit } = attack;
  const now = kernelSum(fit.kernel, points, fit.points, fit.theta).data;
  const slope = predictionChanges(attack, points).data;
  return {
    now,
    after: (epsilon) => now.map((value, at) => value + epsilon * slope[at]),
    ...(changes && {
      interval: (epsilon: number, at: number) => {
        const [lower, upper] = changes[at].interval;
        return [epsilon * lower, epsilon * upper] as const;
      },
    }),
  };
}

/** Of two labels f is a score, below 0 for one and above it for the other. */
export const kernelOutputNames = (data: EncodedDataset): readonly string[] =>
  data.labels ? [`score of ${data.labels.positive}`] : outputNames(data);
