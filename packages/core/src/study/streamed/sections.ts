/** What each adversary's curve is made of, and its part of the result. */
import type { StreamedDataset } from "../../data/streamed-dataset.js";
import type { Sampling } from "../../influence/sampling.js";
import type { Ranks } from "../../parallel/ranks.js";
import { populationSensitivity } from "../inference.js";
import type { ThreatSection } from "../result.js";
import type { StudySettings } from "../settings.js";
import { sectionFrom, trainingCurvature } from "../threat-section.js";
import type { StreamedInput } from "./analyze.js";
import type { StreamedAttack } from "./attack-rows.js";
import type { Aucs } from "./auc-rows.js";
import type { Choices } from "./choices.js";
import { curveOf, heldOutOf } from "./curve-points.js";
import type { CurveRows } from "./curve-rows.js";
import type { evaluateAll } from "./evaluate-rows.js";
import { onFolds, onOthers, onTraining } from "./evaluated-view.js";
import type { judgeAll } from "./stages.js";

type Judged = Awaited<ReturnType<typeof judgeAll>>;

/** Where every adversary is evaluated, and with what. @param isApart whether rows apart from those of the fit are evaluated */
export function curvesOf(
  { training, evaluation, settings }: StreamedInput,
  {
    attacks,
    judged,
    mean,
    ranks,
    isApart,
  }: {
    readonly attacks: readonly StreamedAttack[];
    readonly judged: Judged;
    readonly mean: number;
    readonly ranks: Ranks;
    readonly isApart: boolean;
  },
): CurveRows[] {
  const judgedOn = evaluation ?? training;
  const { rows, groups = null, clusters = null } = judgedOn;
  return attacks.map((attacked, t) => ({
    attacked,
    trusted: judged.threats[t].trusted,
    bend: judged.threats[t].bend,
    evaluatedOn: isApart
      ? onOthers(attacked, settings)
      : judged.folds
        ? onFolds(attacked, judged.folds, t, settings)
        : onTraining(attacked),
    heldOut: isApart || judged.folds !== null,
    rows,
    mean,
    sampling: samplingOf(judgedOn, settings),
    groups,
    clusters,
    ranks,
    settings,
  }));
}

export const samplingOf = (
  { weightTotal }: Pick<StreamedDataset, "weightTotal">,
  { weightsKind }: Pick<StudySettings, "weightsKind">,
): Sampling => ({
  weightsKind,
  totalWeight: weightTotal,
});

/** One for each adversary. */
export function sectionsOf(
  { training, settings }: StreamedInput,
  { columns, reach }: Pick<Choices, "columns" | "reach">,
  {
    attacks,
    judged,
    curves,
    found,
    aucs,
    excess,
  }: {
    readonly attacks: readonly StreamedAttack[];
    readonly judged: Judged;
    readonly curves: readonly CurveRows[];
    readonly found: Awaited<ReturnType<typeof evaluateAll>>;
    readonly aucs: Aucs | null;
    readonly excess: number | null;
  },
): ReturnType<typeof sectionFrom>[] {
  return attacks.map((attacked, t) => {
    const { attack } = attacked;
    const { collapse, radii, trusted: sizes, inference, rows } = judged.threats[t];
    const population = populationSensitivity(trainingCurvature(attack), inference);
    const points = { population, estimationLoss: excess, checks: found.checks[t] };
    const spread = settings.inference === "none" ? null : found.spreads[t];
    const curve = curveOf(curves[t], points, found.training[t], found.sums[t], spread, aucs?.curves[t] ?? null);
    return sectionFrom(
      { attack, collapse, trust: sizes.trust, kinkRadius: radii.kink, support: null },
      {
        heldOut: heldOutOf(curves[t], found.sums[t], found.spreads[t]),
        population,
        curve,
        missingSecondOrder: curves[t].bend?.reason ?? null,
        inference,
        covariance: judged.covariance,
        boundRadius: radii.bound,
        multipliers: multipliersOf(attacked, training.features),
        rows,
      },
      columns,
      reach,
      settings,
    );
  });
}

function multipliersOf({ attack, stuck }: StreamedAttack, features: readonly string[]): ThreatSection["multipliers"] {
  const { multipliers } = attack;
  if (multipliers === null) return null;
  const named = ({ feature, value }: { readonly feature: number; readonly value: number }) => ({
    feature: features[feature],
    value,
  });
  return {
    residuals: multipliers.residuals.map(({ row, value }) => ({ row: stuck[row].sourceRow, value })),
    coordinates: multipliers.coordinates.map(named),
    ties: multipliers.ties.map(named),
  };
}
