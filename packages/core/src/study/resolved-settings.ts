import type { DescribedColumns } from "../data/encoded-dataset.js";
import type { Table } from "../data/table.js";
import { exponentName } from "../threats/norms.js";
import type { Penalties } from "./penalties.js";
import { projectName } from "./project-settings.js";
import type { ResolvedSettings } from "./result.js";
import { evaluationName, type StudySettings } from "./settings.js";
import type { Reach } from "./threat-choice.js";
import { finiteOrNull } from "./threat-description.js";

/** Every option as it was understood. */
export function resolvedSettings(
  settings: StudySettings,
  table: Pick<Table, "source">,
  data: DescribedColumns,
  model: { readonly name: string; readonly loss: string },
  reach: Reach,
  { l1, l2 }: Penalties,
): ResolvedSettings {
  return {
    source: table.source,
    target: data.encoding.target.column,
    model: model.name,
    loss: model.loss,
    positive: data.labels?.positive ?? null,
    intercept: settings.intercept,
    standardize: settings.standardize,
    missing: settings.missing,
    exclude: settings.exclude,
    keep: settings.keep,
    weights: settings.weights,
    weightsKind: settings.weightsKind,
    cluster: settings.cluster,
    by: settings.by,
    classWeight: settings.classWeight,
    l1,
    l2,
    norms: settings.norms.map(exponentName),
    wasserstein: settings.wasserstein === null ? null : exponentName(settings.wasserstein),
    divergence: settings.divergence,
    epsilons: settings.epsilons,
    radii: settings.radii,
    freeze:
      settings.budgets || settings.divergence !== null
        ? null
        : reach.frozenColumns.length > 0
          ? reach.frozenColumns
          : ["none"],
    budgets: settings.budgets,
    bounds: settings.bounds.map(({ column, lower, upper }) => ({
      column,
      lower: finiteOrNull(lower),
      upper: finiteOrNull(upper),
    })),
    evaluation: evaluationName(settings.evaluation),
    splitBy: settings.splitBy,
    seed: settings.seed,
    confidence: settings.confidence,
    inference: settings.inference,
    draws: settings.draws,
    trustTolerance: settings.trustTolerance,
    secondOrder: settings.secondOrder,
    exact: settings.exact,
    attackRate: settings.attackRate,
    failIf: settings.failIf.map(({ text }) => text),
    project: settings.project && projectName(settings.project),
    smoothing: settings.smoothing,
    local: null,
    kernel: null,
  };
}
