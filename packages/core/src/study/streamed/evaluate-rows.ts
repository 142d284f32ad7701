import type { StreamedDataset } from "../../data/streamed-dataset.js";
import { METRIC_RULES, type Metrics } from "../../influence/metrics.js";
import type { Validity } from "../../influence/validity.js";
import { type Pass, sideBySide } from "../../parallel/passes.js";
import type { Fit } from "../../solvers/fit.js";
import type { StudySettings } from "../settings.js";
import {
  type CurveRows,
  type EvaluatedSpread,
  type EvaluatedSums,
  evaluatedSpread,
  evaluatedSums,
  type TrainingSums,
  trainingCurve,
} from "./curve-rows.js";
import type { RowsView } from "./rows-view.js";
import type { Summary } from "./summary.js";

/** Σ w y of the evaluated rows, with the weights that they have there. */
export async function meanOf(
  other: Pass<RowsView> | null,
  evaluation: StreamedDataset | null,
  { meanTarget, meanEvaluated }: Summary,
  { evaluation: { kind } }: StudySettings,
): Promise<number> {
  if (!other || !evaluation) return kind === "cv" ? meanEvaluated : meanTarget;
  const mean = new Float64Array(1);
  await other({
    sums: [mean],
    visit({ block: { y, evaluationWeights } }) {
      for (let i = 0; i < y.length; i++) mean[0] += evaluationWeights[i] * y[i];
    },
  });
  return mean[0];
}

interface Evaluations {
  readonly training: readonly TrainingSums[];
  /** What the predictions are worth at the sizes above 0. */
  readonly checks: readonly (readonly Validity[])[];
  readonly sums: readonly EvaluatedSums[];
  /** null where nothing has an interval. */
  readonly spreads: readonly (EvaluatedSpread | null)[];
  /** Of the fit on its own rows, where those are evaluated; else null. */
  readonly metrics: Metrics | null;
}

/**
 * All curves: two passes over the evaluated rows (one without intervals), and one over the training rows, which may be one of them;
 * beside them those that tell what the predictions are worth.
 */
export async function evaluateAll(
  pass: Pass<RowsView>,
  other: Pass<RowsView> | null,
  curves: readonly CurveRows[],
  fit: Fit,
  meanEvaluated: number,
): Promise<Evaluations> {
  const evaluate = async (own: Pass<RowsView>, curve: CurveRows) => {
    const sums = await evaluatedSums(own, curve);
    const hasErrors = curve.settings.inference !== "none" || curve.heldOut;
    return { sums, spread: hasErrors ? await evaluatedSpread(own, curve, sums) : null };
  };
  const judging = curves.map((curve) => (own: Pass<RowsView>) => evaluate(own, curve));
  const onRows = [
    ...curves.map((curve) => (own: Pass<RowsView>) => trainingCurve(own, curve)),
    ...curves.map(({ trusted }) => trusted.checks),
    ...(curves[0].heldOut ? [] : [(own: Pass<RowsView>) => ownMetrics(own, fit, meanEvaluated)]),
  ];
  const here = await sideBySide<RowsView, unknown>(pass, [...onRows, ...(other ? [] : judging)]);
  const evaluated = (other ? await sideBySide(other, judging) : here.slice(onRows.length)) as Awaited<
    ReturnType<typeof evaluate>
  >[];
  return {
    training: here.slice(0, curves.length) as TrainingSums[],
    checks: here.slice(curves.length, 2 * curves.length) as Validity[][],
    sums: evaluated.map(({ sums }) => sums),
    spreads: evaluated.map(({ spread }) => spread),
    metrics: curves[0].heldOut ? null : (here[2 * curves.length] as Metrics),
  };
}

/** Metrics of the fit on its own rows, without the factors of the classes. */
async function ownMetrics(pass: Pass<RowsView>, { model, parameters }: Fit, mean: number): Promise<Metrics> {
  const rule = METRIC_RULES[model.loss.name];
  const sums = new Float64Array(rule.width);
  await pass({
    sums: [sums],
    visit(view) {
      const { y, evaluationWeights } = view.block;
      rule.add(sums, y, evaluationWeights, rule.predictions(view.scores(model, parameters)), mean);
    },
  });
  return rule.values(sums);
}
