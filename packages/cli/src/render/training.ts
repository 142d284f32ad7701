import type { TrainedModel, TrainingResult } from "@aif/core";
import { normName } from "./adversary.js";
import { clean } from "./clean.js";
import { groundLines, shownName } from "./ground.js";
import { glue, inSections, pageWidth, type TableColumn, table, widthOf, wrap } from "./layout.js";
import { noteLines } from "./notes.js";
import { count, equation, number, percent, short, signed } from "./numbers.js";
import { type Paint, paint } from "./page.js";
import { glued } from "./verdict.js";

/** Coefficients shown at most, those that training moves most. */
const mostCoefficients = 12;

/** Relative gaps below this are the rounding of the sums that they are made of. */
const machineRounding = 1e-14;

/** Shares of a loss below this are not worth a word. */
const rounding = 1e-9;

/** The metric that a model is told by. */
const metrics: readonly { readonly name: string; readonly shown: (value: number) => string }[] = [
  { name: "accuracy", shown: percent },
  { name: "rmse", shown: (value) => number(value, 4) },
];

/** Adversarial training for people: at most 80 columns, sections apart by an empty line. */
export function renderTraining(
  result: TrainingResult,
  { colour, checkpoint }: { colour: boolean; checkpoint: string | null },
): string {
  const painted = paint(colour);
  const sections = [
    [
      ...groundLines({ ...result, data: { ...result.data, evaluation: "training", evaluationRows: result.data.rows } }),
      ...wrap(
        `Everything is judged on the training rows themselves: new rows may differ. Losses are ${clean(result.model.lossLabel)}, in ${shownName(result.model.unit, 60)}.`,
      ),
    ],
    [
      ...wrap(`Trained against attacks in the ${normName(result.threat.norm ?? "")}, p = ${result.threat.norm}`).map(
        painted.heading,
      ),
      ...wrap(sizeWords(result), { indent: 2 }),
      "",
      ...modelLines(result, painted),
    ],
    [painted.heading("How the training ended"), ...wrap(glued(endWords(result, checkpoint)), { indent: 2 })],
    predictionLines(result, painted),
    coefficientLines(result, painted),
    noteLines(result.flags, painted),
    timeLines(result, painted),
  ];
  return inSections(sections);
}

function sizeWords({ epsilon, radius, scale, threat, settings }: TrainingResult): string {
  const budgets = settings.budgets === null ? "" : ", measured in budgets";
  const names = settings.bounds.map(({ column }) => shownName(column));
  const bounds = names.length === 0 ? "" : `, ${names.join(", ")} within bounds`;
  return `Each row may move by up to ${equation("ρ", radius)}${budgets} (${equation("ε", epsilon)}, with c${glue}=${glue}${number(scale, 4)}), in ${threat.attacked.length} of ${count(threat.attacked.length + threat.frozen.length, "feature")}${bounds}.`;
}

/** The natural model, the predicted one and the trained one. */
function modelLines({ natural, predicted, trained }: TrainingResult, { heading, faint }: Paint): string[] {
  const rows: readonly (readonly [string, TrainedModel])[] = [
    ["natural fit", natural],
    ...(predicted ? [["predicted", predicted] as const] : []),
    ["trained", trained],
  ];
  const right = (header: readonly string[], cell: (model: TrainedModel) => string): TableColumn => ({
    header,
    cells: rows.map(([, model]) => cell(model)),
    align: "right",
  });
  const change = (model: TrainedModel, loss: "naturalLoss" | "robustLoss"): string =>
    model === natural ? "" : signed(model[loss] - natural[loss]);
  const metric = metrics.find(({ name }) => name in natural.metrics.natural);
  const columns: TableColumn[] = [
    { header: [""], cells: rows.map(([name]) => `  ${name}`), align: "left" },
    right(["natural", "loss"], ({ naturalLoss }) => number(naturalLoss, 5)),
    right(["", "change"], (model) => change(model, "naturalLoss")),
    right(["loss under", "attack"], ({ robustLoss }) => number(robustLoss, 5)),
    right(["", "change"], (model) => change(model, "robustLoss")),
    ...(metric
      ? [
          right([metric.name, "natural"], (model) => metric.shown(model.metrics.natural[metric.name])),
          right([metric.name, "attacked"], (model) => metric.shown(model.metrics.robust[metric.name])),
        ]
      : []),
  ];
  const { header, body } = fitting(columns);
  const legend = [
    ...(predicted
      ? ["predicted: θ̂ + εI, the natural fit moved by its adversarial influence; nothing was trained"]
      : []),
    trained.method === "projected-gradient"
      ? "loss under attack: of the worst perturbations that a search found, a lower bound"
      : "loss under attack: of the exact worst case of every row",
  ];
  return [
    ...header.map(heading),
    ...body,
    ...legend.flatMap((entry) => wrap(entry, { indent: 2, hang: 4 })).map(faint),
  ];
}

/** Columns two blanks apart, or one where the page is too narrow. */
function fitting(columns: readonly TableColumn[]): ReturnType<typeof table> {
  const wide = table(columns, 2);
  return [...wide.header, ...wide.body].every((line) => widthOf(line) <= pageWidth) ? wide : table(columns, 1);
}

const stops: Readonly<Record<TrainingResult["training"]["stopped"], (result: TrainingResult) => string>> = {
  tolerance: ({ settings }) => `Converged: the relative gradient is below ${short(settings.tolerance)}.`,
  gap: ({ settings }) => `Converged: the duality gap is below ${short(settings.gapTolerance)} of the objective.`,
  stalled: () => "Not converged: no lower point was found along the direction of descent, as happens at a corner.",
  collapse: () =>
    "Nothing was trained: at this size robust training gives up every attacked feature, and the best model without them is the exact optimum.",
  steps: ({ settings }) =>
    `Not converged: it ran out of its ${count(settings.outerSteps, "iteration")} before the gradient or the gap was small.`,
};

function endWords(result: TrainingResult, checkpoint: string | null): string {
  const { training, settings } = result;
  const { iterations, resumedAt, gradientNorm, gap, innerGap, stopped, converged } = training;
  const resumed = resumedAt === null ? "" : `, ${resumedAt.toLocaleString("en-US")} of them before the checkpoint`;
  const proof =
    gap === null
      ? "No duality gap is known, so that nothing proves how far the objective is from its minimum."
      : `Duality gap ${gap.relative < machineRounding ? "0" : number(gap.gap, 2)}: the robust objective, ${number(gap.objective, 6)}, is proven to be ${gap.relative < machineRounding ? "at its minimum, to rounding" : `within ${number(gap.relative, 2)} of its minimum, relatively`}.`;
  const inner =
    innerGap === null || !(innerGap > rounding * Math.abs(training.searchedLoss))
      ? ""
      : ` The search that trains falls short of the exact loss under attack by ${number(innerGap, 2)}.`;
  const onward =
    stopped === "steps" && checkpoint !== null
      ? ` ${shownName(checkpoint, 60)} holds its state: go on with --resume and more --outer-steps.`
      : "";
  const more = converged || onward !== "" || stopped !== "steps" ? "" : " Give more --outer-steps.";
  if (stopped === "collapse") return stops.collapse(result);
  return `${stops[stopped](result)} ${count(iterations, "iteration")} of ${settings.outer === "lbfgs" ? "L-BFGS" : "gradient descent"}${resumed}; relative gradient ${number(gradientNorm, 2)}. ${proof}${inner}${onward}${more}`;
}

function predictionLines({ comparison, timings, training }: TrainingResult, { heading }: Paint): string[] {
  if (comparison === null) return [];
  const { relativeParameterError, predictedChange, change, timesPrediction } = comparison;
  const isAtOptimum = training.converged || (training.gap !== null && training.gap.relative < rounding);
  const share = relativeParameterError === null ? "" : ` (${percent(relativeParameterError)} of the predicted shift)`;
  const unfinished = isAtOptimum ? "" : " Part of that is what the training itself is short of.";
  const part = training.resumedAt === null ? "" : ", since it was resumed";
  const ratio = timesPrediction === null ? "" : `, ${number(timesPrediction, 2)} times as long`;
  return [
    heading("The prediction beside it"),
    ...wrap(
      glued(
        `It is ${number(comparison.parameterError)} away from the trained parameters in the norm of the Hessian${share}, and predicts a change of the natural loss by ${signed(predictedChange)} where training makes it ${signed(change)}.${unfinished}`,
      ),
      { indent: 2 },
    ),
    ...wrap(
      `The influence took ${number(timings.prediction, 2)} s and serves every size; the training took ${number(timings.training, 2)} s${part}${ratio}.`,
      { indent: 2 },
    ),
  ];
}

/** The coefficients that training changes most, relative to the spread of what it changes. */
function coefficientLines({ coefficients, natural, trained }: TrainingResult, { heading }: Paint): string[] {
  const { names, units } = coefficients;
  // In original units the intercept comes first even where the model has none.
  const offset = names.length - trained.parameters.length;
  const moved = (j: number): number =>
    j < offset ? Number.POSITIVE_INFINITY : Math.abs(trained.parameters[j - offset] - natural.parameters[j - offset]);
  const shown = [...names.keys()]
    .sort((a, b) => moved(b) - moved(a))
    .slice(0, mostCoefficients)
    .sort((a, b) => a - b);
  const right = (header: string, values: readonly number[]): TableColumn => ({
    header: [header],
    cells: shown.map((j) => number(values[j], 4)),
    align: "right",
  });
  const columns: TableColumn[] = [
    { header: [""], cells: shown.map((j) => `  ${shownName(names[j])}`), align: "left" },
    right("natural", coefficients.natural),
    ...(coefficients.predicted ? [right("predicted", coefficients.predicted)] : []),
    right("trained", coefficients.trained),
  ];
  const { header, body } = fitting(columns);
  const of = names.length > shown.length ? `, the ${shown.length} of ${names.length} that move most` : "";
  const title = `Coefficients ${units === "original" ? "in original units" : "of standardised columns"}${of}`;
  return [...wrap(title).map(heading), ...header.map(heading), ...body];
}

const seconds = (value: number): string => (value < 0.01 ? `<0.01${glue}s` : `${short(value, 2)}${glue}s`);

const timeLines = (
  { timings: { read, fit, prediction, training, total } }: TrainingResult,
  { faint }: Paint,
): string[] =>
  wrap(
    `Done in ${seconds(total)}: reading ${seconds(read)}, fit ${seconds(fit)}, influence ${seconds(prediction)}, training ${seconds(training)}.`,
  ).map(faint);
