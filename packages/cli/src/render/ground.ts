import { type DataSection, type ModelSection, type ResolvedSettings, type StudyResult, scalingOf } from "@aif/core";
import { clean } from "./clean.js";
import { labelled, pageWidth, shorten, wrap } from "./layout.js";
import { count, equation, number, percent, short } from "./numbers.js";
import type { Paint } from "./page.js";
import { noiseSentences } from "./smoothing.js";

/** Width of labels such as "  may touch  ". */
const labelWidth = 14;

/** How many names a list shows at most. */
const longestList = 30;

export const shownName = (name: string, width = 32): string => shorten(clean(name), width);

/** Data, and the model that is fitted to them. */
interface Ground {
  readonly data: Omit<DataSection, "groups" | "clusters">;
  readonly model: ModelSection;
  readonly settings: Pick<ResolvedSettings, "weights" | "model"> &
    Partial<Pick<ResolvedSettings, "local" | "smoothing">>;
  readonly redacted?: true;
}

/** Data and model. */
export const groundLines = (ground: Ground): string[] =>
  groundSentences(ground).flatMap((sentence) => wrap(sentence, { hang: 2 }));

/** The same, a sentence each. */
export function groundSentences({ data, model, settings, redacted }: Ground): string[] {
  const several = data.classes === null ? "" : `: ${count(data.classes.length, "class", "classes")}`;
  const classes =
    data.labels === null
      ? several
      : `: ${shownName(data.labels.positive)} (positive) or ${shownName(data.labels.negative)}`;
  const weights = settings.weights === null ? "" : `, weighted by ${shownName(settings.weights)}`;
  const table = `${shownName(data.source, 48)}: ${count(data.rows, "row")} × ${count(data.features.length, "feature")}`;
  return [
    `${table}, target ${shownName(data.target)}${classes}${weights}`,
    [
      `${model.kind === "mlp" || model.kind === "kernel" ? settings.model : model.kind} model`,
      `${model.loss} loss`,
      ...(settings.local?.activation ? [`${settings.local.activation} units`] : []),
      ...(model.l1 === 0 ? [] : [`l1 penalty ${equation("λ", model.l1)}`]),
      ridgeWords(model),
      ...(model.intercept || model.kernel ? [] : ["no intercept"]),
      scalingWords(model.scaler),
      evaluationWords(data.evaluation, data.evaluationRows),
    ].join(", "),
    ...projectionSentences(model, data.features.length),
    ...kernelSentences(model),
    ...noiseSentences({ smoothing: settings.smoothing ?? null }),
    ...(redacted ? ["Numbers of rows and what is said of single rows were left out"] : []),
  ];
}

function ridgeWords({ l2, kernel }: ModelSection): string {
  if (kernel) return `ridge ${kernel.penalty === "rkhs" ? "λθ'Kθ" : "λ‖θ‖²"} with ${equation("λ", kernel.ridge)}`;
  return l2 === 0 ? "no ridge" : `ridge ${equation("λ", l2)}`;
}

/** What a kernel regression is, in words. */
function kernelSentences({ kernel, parameters }: ModelSection): string[] {
  if (kernel === null) return [];
  const centres =
    kernel.centres === "move" ? "its centres move with the attacked training rows" : "its centres stay under attack";
  const surface = kernel.surface === "sphere" ? ", which keep their length" : "";
  return [
    `f(x) = Σ θ_j K(x, x_j) with K(x, z) = ${kernel.formula}: ${count(parameters.length, "parameter")}; ${centres}${surface}.`,
  ];
}

/** The low-dimensional inputs of the model, in words. */
function projectionSentences({ projection }: ModelSection, features: number): string[] {
  if (projection === null) return [];
  const { kind, components, explainedVariance, scores } = projection;
  const k = components.length;
  const what = {
    pca: `${count(k, "principal component")} of ${count(features, "feature")}`,
    factors: `the ${scores} scores of ${count(k, "factor")} of ${count(features, "feature")}`,
    matrix: `${count(k, "given component")} of ${count(features, "feature")}`,
  }[kind];
  const each = components.map((name, c) => `${shownName(name)} ${percent(explainedVariance[c])}`);
  const total = explainedVariance.reduce((sum, share) => sum + share, 0);
  const parts = k > 1 && k <= longestList ? ` (${each.join(", ")})` : "";
  return [
    `The model works on ${what}, which carry ${percent(total)} of the features' variance${parts}; the adversary acts on the features.`,
  ];
}

const scalingWords = (scaler: ModelSection["scaler"]): string => `columns ${scalingOf(scaler) ?? "as they are"}`;

/** What a table of parameters adds to its title. */
export function parameterUnits({ scaler }: ModelSection): string {
  const scaling = scalingOf(scaler);
  return scaling === null ? "" : `, in ${scaling} units`;
}

const evaluationForms: readonly (readonly [RegExp, (found: string, rows: number) => string])[] = [
  [/^cv:(\d+)$/, (folds) => `evaluated on held-out rows (${folds} folds)`],
  [/^training$/, () => "evaluated on the training rows"],
  [/^fraction:(.+)$/, (share, rows) => `evaluated on ${count(rows, "held-out row")} (${percent(Number(share))})`],
  [/^(.*)$/s, (file, rows) => `evaluated on ${count(rows, "row")} of ${shownName(file)}`],
];

export function evaluationWords(evaluation: string, rows: number): string {
  for (const [form, words] of evaluationForms) {
    const found = form.exec(evaluation);
    if (found) return words(found[1], rows);
  }
  return evaluation;
}

/** The features that an l1 penalty selected. */
export function selectionLines({ fit: { sparse }, data }: StudyResult, { heading }: Paint): string[] {
  if (sparse === null) return [];
  const { l1, largestL1, selected } = sparse;
  const share = `${equation("λ", l1)} is ${percent(l1 / largestL1)} of the smallest at which nothing is left`;
  return [
    heading(`Selected by the l1 penalty: ${selected.length} of ${count(data.features.length, "feature")}`),
    ...labelled("selected", listed(selected.map((name) => shownName(name))), labelWidth),
    ...labelled("penalty", share, labelWidth),
  ];
}

/** What the model loses without any attack. */
export function naturalLossLines({ fit, model }: StudyResult, { heading }: Paint): string[] {
  return [
    ...wrap(`Natural loss: ${clean(model.lossLabel)}, in ${shownName(model.unit, 60)}`).map(heading),
    ...(fit.heldOutLoss === null ? [] : labelled("held-out", number(fit.heldOutLoss, 4), labelWidth)),
    ...labelled("training", number(fit.trainingLoss, 4), labelWidth),
  ];
}

/** What the adversary may touch, which is the same under every norm. */
export function reachLines({ threats, data }: StudyResult, { heading }: Paint): string[] {
  if (threats.length === 0) return [];
  const { attacked, frozen, budgets, bounds, divergence } = threats[0].threat;
  if (divergence !== null) return [];
  const budgetOf = new Map(Object.entries(budgets));
  const limits = Object.entries(bounds);
  const withBudget = (name: string): string =>
    budgetOf.has(name) ? `${shownName(name)} by ±${short(budgetOf.get(name) ?? null)}` : shownName(name);
  return [
    heading(`What the adversary may touch: ${attacked.length} of ${count(data.features.length, "feature")}`),
    ...labelled("may touch", listed(attacked.map(withBudget)), labelWidth),
    ...(frozen.length === 0 ? [] : labelled("frozen", listed(frozen.map((name) => shownName(name))), labelWidth)),
    ...(limits.length === 0 ? [] : labelled("within", listed(limits.map(boundWords)), labelWidth)),
  ];
}

const boundWords = ([feature, [lower, upper]]: [string, readonly [number | null, number | null]]): string => {
  const least = lower === null ? "" : `${short(lower)} ≤ `;
  const most = upper === null ? "" : ` ≤ ${short(upper)}`;
  return `${least}${shownName(feature)}${most}`;
};

/** As many names as fit a few lines, then how many there are beside them. */
function listed(names: readonly string[]): string {
  const room = 5 * (pageWidth - labelWidth);
  let used = 0;
  const shown = names.slice(0, longestList).filter((name) => {
    used += Array.from(name).length + 2;
    return used <= room;
  });
  const more = names.length - shown.length;
  return more === 0 ? shown.join(", ") : `${shown.join(", ")} … and ${count(more, "other")}`;
}
