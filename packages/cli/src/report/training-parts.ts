import type { TrainedModel, TrainingResult } from "@aif/core";
import { normName } from "../render/adversary.js";
import { clean } from "../render/clean.js";
import { groundSentences, shownName } from "../render/ground.js";
import { number, percent, short, signed } from "../render/numbers.js";
import { metricNames } from "../render/verdict.js";
import { html } from "./html.js";
import type { FiguresOf, ReportParts } from "./parts.js";
import { numberCell, type Table, tableHtml, textCell } from "./table.js";

/** The report of `aif adversarial-train`: the trained model beside the natural one and the prediction. */
export async function trainingParts(result: TrainingResult, figures: FiguresOf): Promise<ReportParts> {
  const { comparison, training, epsilon, radius, threat } = result;
  const ground = { ...result, data: { ...result.data, evaluation: "training", evaluationRows: result.data.rows } };
  const beside =
    comparison === null
      ? ""
      : ` The prediction said ${signed(comparison.predictedChange)}; its parameters are ${percent(comparison.relativeParameterError)} of the shift away.`;
  const change = result.trained.naturalLoss - result.natural.naturalLoss;
  return {
    title: `Adversarial training at ε = ${short(epsilon)}: ${shownName(result.data.target, 60)}`,
    ground: groundSentences(ground),
    lead: html`<p class="lead">Training against attacks of ε = ${short(epsilon)} (ρ = ${short(radius)}, ${normName(threat.norm ?? "")}) changed the training loss without attack by ${signed(change)} and the loss under attack from ${number(result.natural.robustLoss, 4)} to ${number(result.trained.robustLoss, 4)}.${beside} ${training.converged ? "Training converged" : "Training did not converge"} after ${training.iterations} iterations.</p>`,
    sections: [
      {
        id: "training",
        title: "Training",
        body: html`${await figures(threat.norm)}<h3>Numbers</h3>${tableHtml(modelsTable(result))}${tableHtml(coefficientsTable(result))}`,
      },
    ],
    flags: result.flags,
  };
}

function modelsTable({ natural, predicted, trained, model }: TrainingResult): Table {
  const models: readonly (readonly [string, TrainedModel])[] = [
    ["as it is now", natural],
    ...(predicted === null ? [] : [["predicted", predicted] as const]),
    ["trained", trained],
  ];
  const metrics = Object.keys(metricNames).filter((name) => name in natural.metrics.natural);
  const shown = (name: string) => (value: number | null) => (value === null ? "–" : metricNames[name].write(value));
  return {
    caption: `The models on the training rows (${clean(model.lossLabel)}, in ${shownName(model.unit, 60)})`,
    head: [
      "model",
      "natural loss",
      "robust loss",
      ...metrics.flatMap((name) => [metricNames[name].label, "… under attack"]),
    ],
    rows: models.map(([name, { naturalLoss, robustLoss, metrics: values }]) => ({
      cells: [
        textCell(name),
        numberCell(naturalLoss, (value) => number(value, 4)),
        numberCell(robustLoss, (value) => number(value, 4)),
        ...metrics.flatMap((metric) => [
          numberCell(values.natural[metric] ?? null, shown(metric)),
          numberCell(values.robust[metric] ?? null, shown(metric)),
        ]),
      ],
    })),
  };
}

const MOST_COEFFICIENTS = 200;

function coefficientsTable({ coefficients: { names, natural, predicted, trained, units } }: TrainingResult): Table {
  return {
    caption: `Coefficients in ${units} units${names.length > MOST_COEFFICIENTS ? `: the first ${MOST_COEFFICIENTS} of ${names.length}` : ""}`,
    head: ["coefficient", "now", "predicted", "trained"],
    rows: names.slice(0, MOST_COEFFICIENTS).map((name, j) => ({
      cells: [
        textCell(shownName(name, 80)),
        ...[natural[j], predicted?.[j] ?? null, trained[j]].map((value) => numberCell(value, number)),
      ],
    })),
  };
}
