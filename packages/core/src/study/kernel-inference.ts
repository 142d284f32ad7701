import type { KernelInfluence } from "../influence/kernel/aif.js";
import { kernelSubsampling, type SubsampledEstimate } from "../influence/kernel/subsampling.js";
import type { Matrix } from "../linalg/matrix.js";
import type { Work } from "../parallel/work.js";
import type { PreparedKernel } from "./kernel-prepare.js";
import type { ThreatSection } from "./result.js";
import { hasAbsoluteSizes } from "./settings.js";

/** S in the population by subsamples, or why there is none where it was asked for. */
export interface KernelInference {
  readonly population: ThreatSection["sensitivity"]["population"];
  readonly reason: string | null;
  /** Of the changes of predictions per unit of ε, r·k; null: there are none. */
  readonly changes: readonly SubsampledEstimate[] | null;
}

const LEAST_ROWS = 40;

export async function kernelInferenceOf(
  attack: KernelInfluence,
  { input: { settings }, training }: PreparedKernel,
  work: Work,
  points: Matrix | null = null,
): Promise<KernelInference> {
  const without = (reason: string | null): KernelInference => ({ population: null, reason, changes: null });
  if (settings.inference === "none") return without(null);
  if (training.rows < LEAST_ROWS) return without(`subsamples of fewer than ${LEAST_ROWS} rows say little`);
  if (training.clusters) return without("subsamples of clusters are not drawn");
  if (settings.weightsKind === "frequency")
    return without("rows that count several times cannot be drawn without replacement");
  const { confidence: level, draws, seed } = settings;
  const { sensitivity, predictions } = await kernelSubsampling(attack, {
    ...work,
    ...(points && { points }),
    draws,
    seed,
    level,
    relativeRadius: !hasAbsoluteSizes(settings),
  });
  const { estimate, standardError, interval } = sensitivity;
  return {
    // Taking the bias off adds more noise than it removes error: the interval holds it, and the estimate is what is spoken of.
    population: { curvature: estimate, debiased: estimate, standardError, interval, method: "subsampling" },
    reason: null,
    changes: points && predictions,
  };
}
