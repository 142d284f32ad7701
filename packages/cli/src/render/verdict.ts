import type { CurvePoint, StudyResult, ThreatSection } from "@aif/core";
import { glue, wrap } from "./layout.js";
import { equation, number, percent } from "./numbers.js";
import type { Paint } from "./page.js";
import { referencePoint } from "./reference.js";

/** What people call each metric, how it is written, and in which order the first few are shown. */
const metricNames: Readonly<Record<string, { label: string; write: (value: number) => string }>> = {
  accuracy: { label: "accuracy", write: percent },
  balancedAccuracy: { label: "balanced accuracy", write: percent },
  auc: { label: "AUC", write: (value) => number(value, 4) },
  rmse: { label: "RMSE", write: (value) => number(value, 4) },
  mae: { label: "MAE", write: (value) => number(value, 4) },
  r2: { label: "R²", write: (value) => number(value, 4) },
};

/** Whether robust training is worth it, at the largest size that can be trusted, in plain words. */
export function verdictLines(result: StudyResult, threat: ThreatSection, { heading }: Paint): string[] {
  const point = referencePoint(threat);
  if (point === null) return [];
  return [
    ...wrap(`Is it worth it at ${equation("ε", point.epsilon)}?`).map(heading),
    ...wrap(`${answer(point)} ${caution(result, threat, point)}`, { indent: 2 }),
    ...metricLines(point),
  ];
}

function answer({ cost, benefit, breakEvenRate }: CurvePoint): string {
  if (cost <= 0 && benefit >= 0) return "Yes: it is predicted to cost nothing without attack and to help under attack.";
  if (cost <= 0)
    return "It is predicted to lower the loss without attack, though not under attack: it acts as a regulariser.";
  if (benefit <= 0) return "No: it is predicted to cost loss without attack and to gain nothing under attack.";
  return `It costs ${number(cost)} without attack and gains ${number(benefit)} under attack: it pays if more than ${percent(breakEvenRate)} of the inputs are attacked.`;
}

function caution(
  { settings, fit }: StudyResult,
  { trustRadius }: ThreatSection,
  { heldOut, extrapolated }: CurvePoint,
): string {
  if (extrapolated && trustRadius === null) return "How far this prediction reaches is not known.";
  if (extrapolated) return "This size lies beyond what the prediction can be trusted for.";
  if (fit.heldOutLoss === null)
    return "These are the rows the model was fitted on, which look worse than new ones: use --evaluation cv:10.";
  const interval = heldOut?.interval;
  if (interval && interval[0] < 0 && interval[1] > 0) {
    return `Chance could explain the change without attack (its ${number(100 * settings.confidence, 2)}${glue}% interval holds 0).`;
  }
  return "";
}

/** "accuracy 85.1 % → 84.9 %; under attack 80.2 % → 81.0 %": now and after robust training. */
function metricLines({ metrics: { natural, robust, naturalNow, robustNow } }: CurvePoint): string[] {
  return Object.entries(metricNames).flatMap(([name, { label, write }]) => {
    if (!(name in natural)) return [];
    const attacked = name in robust ? `; under attack ${write(robustNow[name])} → ${write(robust[name])}` : "";
    return wrap(`${label} ${write(naturalNow[name])} → ${write(natural[name])}${attacked}`, { indent: 2, hang: 4 });
  });
}
