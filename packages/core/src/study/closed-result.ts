import type { DescribedColumns } from "../data/encoded-dataset.js";
import type { Fit } from "../solvers/fit.js";
import { judge } from "./conditions.js";
import { modelSection } from "./model-section.js";
import type { FitSection, StudyResult, ThreatSection, Timings } from "./result.js";
import type { StudySettings } from "./settings.js";
import { sparseSection } from "./sparse-section.js";

/** What an analysis in closed form says, beside what its fit and threats do. */
interface Parts {
  readonly fit: Fit;
  readonly columns: DescribedColumns;
  readonly threats: readonly ThreatSection[];
  readonly resolved: StudyResult["settings"];
  readonly data: Omit<StudyResult["data"], "features" | "target" | "labels" | "classes">;
  /** On the evaluated rows. */
  readonly measured: Pick<FitSection, "heldOutLoss" | "metrics" | "estimationLoss">;
  readonly lassoPath: StudyResult["lassoPath"];
  readonly flags: StudyResult["flags"];
  readonly timings: Omit<Timings, "total">;
}

/** The result of an analysis in closed form. */
export function closedResult(
  settings: StudySettings,
  { fit, columns, threats, resolved, data, measured, lassoPath, flags, timings }: Parts,
): StudyResult {
  const { read, influence, evaluation, inference, exact } = timings;
  return {
    schema: "aif.study/1",
    settings: resolved,
    data: {
      source: data.source,
      rows: data.rows,
      features: columns.features,
      target: columns.encoding.target.column,
      labels: columns.labels,
      classes: null,
      evaluation: data.evaluation,
      evaluationRows: data.evaluationRows,
      groups: data.groups,
      clusters: data.clusters,
    },
    model: modelSection(fit, columns, settings),
    fit: {
      parameters: [...fit.parameters],
      trainingLoss: fit.trainingLoss,
      heldOutLoss: measured.heldOutLoss,
      metrics: measured.metrics,
      estimationLoss: measured.estimationLoss,
      gradientNorm: fit.gradientNorm,
      iterations: fit.iterations,
      sparse: sparseSection(fit),
      imported: null,
    },
    lassoPath,
    threats,
    conditions: settings.failIf.flatMap((condition) => threats.flatMap((section) => judge(condition, section))),
    flags,
    timings: { ...timings, total: read + timings.fit + influence + evaluation + inference + exact },
  };
}
