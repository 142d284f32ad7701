import type { EncodedDataset } from "../data/encoded-dataset.js";
import { exponentName } from "../threats/norms.js";
import type { ThreatSection } from "./result.js";
import type { StudySettings } from "./settings.js";
import type { Reach } from "./threat-choice.js";

/** What the result says of a pointwise adversary, in names and original units. */
export function describeThreat(
  p: number,
  { featureInfo }: EncodedDataset,
  reach: Reach,
  settings: StudySettings,
): Pick<ThreatSection, "threat" | "originalUnits"> {
  const budgetOf = ({ scale }: { scale: number }, k: number): number => reach.budgets[k] * scale;
  return {
    threat: {
      norm: exponentName(p),
      wasserstein: null,
      divergence: null,
      smoothing: 0,
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

const finiteOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null);
