import type { PathResult, PathSection } from "@aif/core";
import { normName } from "../render/adversary.js";
import { clean } from "../render/clean.js";
import { groundSentences, shownName } from "../render/ground.js";
import { number, short } from "../render/numbers.js";
import { metricNames } from "../render/verdict.js";
import { html } from "./html.js";
import type { FiguresOf, ReportParts, Section } from "./parts.js";
import { numberCell, type Table, tableHtml, textCell } from "./table.js";

/** The report of `aif path`: the exact robust model for every size of the attack. */
export async function pathParts(result: PathResult, figures: FiguresOf): Promise<ReportParts> {
  const sections: Section[] = [];
  for (const path of result.paths) {
    sections.push({
      id: `attack-${path.norm}`,
      title: `Attack in the ${normName(path.norm)}`,
      body: html`${await figures(path.norm)}<h3>Numbers</h3>${tableHtml(pointsTable(result, path))}${tableHtml(eventsTable(path))}`,
    });
  }
  const ground = { ...result, data: { ...result.data, evaluation: "training", evaluationRows: result.data.rows } };
  return {
    title: `The exact robust path: ${shownName(result.data.target, 60)}`,
    ground: groundSentences(ground),
    lead: html`<p>Every point is the exact optimum of robust training, judged on the training rows themselves.</p>${result.paths.map(
      (path) => html`<p class="lead"><strong>${normName(path.norm)}.</strong> ${summary(path, result.model.unit)}</p>`,
    )}`,
    sections,
    flags: result.flags,
  };
}

function summary({ points, collapseRadius, events }: PathSection, unit: string): string {
  const [first, last] = [points[0], points[points.length - 1]];
  return `From ε = 0 to ${short(last.epsilon)} the loss without attack rises from ${number(first.naturalLoss, 4)} to ${number(last.naturalLoss, 4)} (${shownName(unit, 60)}), and the loss under attack of each size to ${number(last.robustLoss, 4)}; ${events.length} events on the way; from ε = ${short(collapseRadius)} on, robust training gives up every attacked feature.`;
}

function pointsTable({ model }: PathResult, { points }: PathSection): Table {
  const metrics = Object.keys(metricNames).filter((name) => name in points[0].metrics.natural);
  const shown = (name: string) => (value: number | null) => (value === null ? "–" : metricNames[name].write(value));
  return {
    caption: `Loss without and under attack along the path (${clean(model.lossLabel)}, in ${shownName(model.unit, 60)})`,
    head: [
      "ε",
      "natural loss",
      "robust loss",
      ...metrics.flatMap((name) => [metricNames[name].label, `… under attack`]),
      "coefficients at 0",
    ],
    rows: points.map(({ epsilon, naturalLoss, robustLoss, metrics: { natural, robust }, zeroCoefficients }) => ({
      cells: [
        numberCell(epsilon, short),
        numberCell(naturalLoss, (value) => number(value, 4)),
        numberCell(robustLoss, (value) => number(value, 4)),
        ...metrics.flatMap((name) => [
          numberCell(natural[name], shown(name)),
          numberCell(robust[name] ?? null, shown(name)),
        ]),
        numberCell(zeroCoefficients.length, String),
      ],
    })),
  };
}

const EVENTS: Readonly<Record<string, string>> = {
  "residual-sticks": "a residual is held at 0",
  "residual-leaves": "a residual leaves 0",
  "coefficient-zero": "a coefficient reaches 0",
  "coefficient-leaves": "a coefficient leaves 0",
  "tie-forms": "a coefficient joins the largest",
  "tie-breaks": "a coefficient falls behind the largest",
  collapse: "every attacked coefficient is 0",
};

const MOST_EVENTS = 500;

const eventsTable = ({ events }: PathSection): Table => ({
  caption: `Events on the way${events.length > MOST_EVENTS ? `: the first ${MOST_EVENTS} of ${events.length}` : ""}`,
  head: ["what", "ε", "row", "feature"],
  rows: events.slice(0, MOST_EVENTS).map(({ kind, epsilon, row, feature }) => ({
    cells: [
      textCell(EVENTS[kind] ?? kind),
      numberCell(epsilon, short),
      numberCell(row, (value) => (value === null ? "" : String(value))),
      textCell(feature === null ? "" : shownName(feature, 80)),
    ],
  })),
});
