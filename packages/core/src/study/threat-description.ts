import type { EncodedDataset } from "../data/encoded-dataset.js";
import { exponentName } from "../threats/norms.js";
import type { Threat } from "../threats/threat.js";
import { noiseOf } from "./noise.js";
import type { ThreatSection } from "./result.js";
import type { StudySettings } from "./settings.js";
import type { Reach } from "./threat-choice.js";

/** What the result says of an adversary, in names and original units. */
export function describeThreat(
  adversary: Threat,
  { featureInfo }: Pick<EncodedDataset, "featureInfo">,
  reach: Reach,
  settings: StudySettings,
): Pick<ThreatSection, "threat" | "originalUnits"> {
  const budgetOf = ({ scale }: { scale: number }, k: number): number => reach.budgets[k] * scale;
  return {
    threat: {
      norm: normOf(adversary),
      wasserstein: settings.wasserstein === null ? null : exponentName(settings.wasserstein),
      divergence: adversary.settings.divergence ?? null,
      smoothing: noiseOf(settings)?.sigma ?? 0,
      attacked: reach.attacked.map(({ name }) => name),
      frozen: reach.frozen.map(({ name }) => name),
      budgets: Object.fromEntries(
        featureInfo.flatMap((info, k) =>
          settings.budgets && reach.budgets[k] > 0 ? [[info.name, budgetOf(info, k)]] : [],
        ),
      ),
      bounds: Object.fromEntries(
        featureInfo.flatMap(({ name, column }) =>
          settings.bounds
            .filter((bound) => bound.column === column)
            .map(({ lower, upper }) => [name, [finiteOrNull(lower), finiteOrNull(upper)]] as const),
        ),
      ),
    },
    originalUnits: featureInfo.flatMap((info, k) =>
      reach.budgets[k] > 0 ? [{ feature: info.name, perRadius: budgetOf(info, k) }] : [],
    ),
  };
}

/** The norm that rows are moved in; null where none is. */
export const normOf = ({ settings: { p, divergence } }: Threat): string | null =>
  divergence === undefined ? exponentName(p) : null;

/** Null for a side of an interval that is open. */
export const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null);
