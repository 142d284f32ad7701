import type { ExperimentRun, ExperimentVerdict } from "@aif/core";
import { clean } from "../render/clean.js";
import { count, number, short } from "../render/numbers.js";
import { type Html, html } from "./html.js";
import type { FiguresOf, ReportParts } from "./parts.js";
import { type Cell, numberCell, type Table, tableHtml, textCell } from "./table.js";

/** The report of `aif reproduce`: what the numbers say of the printed statement, the chart, and the numbers. */
export async function reproductionParts(run: ExperimentRun, figures: FiguresOf): Promise<ReportParts> {
  const { reference, title, setup, settings, verdicts } = run;
  const sets =
    settings.repetitions === 1
      ? `Seed ${settings.seed}`
      : `${count(settings.repetitions, "data set")} from seed ${settings.seed}`;
  return {
    title: `${reference}: ${title}`,
    ground: [setup.replace(/\.$/, ""), sets],
    lead: html`${verdicts.map(verdictHtml)}`,
    sections: [
      { id: "chart", title: "The picture", body: await figures(null) },
      {
        id: "numbers",
        title: "The numbers",
        body: html`${tableHtml(numbersTable(run))}${Object.keys(run.summary.values).length > 0 ? tableHtml(valuesTable(run)) : ""}`,
      },
    ],
    flags: [],
  };
}

const verdictHtml = ({ claim, holds, text }: ExperimentVerdict): Html =>
  html`<div class="flag${holds === false ? " warning" : ""}"><p><span class="badge">${holds === null ? "note" : holds ? "holds" : "wrong"}</span>${clean(claim)}: ${clean(text)}.</p></div>`;

/** The first column is the grid; of several data sets every other one has its standard error beside it. */
function numbersTable({ columns, summary, settings: { repetitions } }: ExperimentRun): Table {
  const written = columns.map(({ name, heading, meaning, decades }, j) => {
    const { mean, standardErrors } = summary.columns[name];
    const shown = (value: number | null): string =>
      j === 0 ? short(value) : decades && value !== null ? value.toExponential(2) : number(value, 4);
    return { title: heading.join(" "), meaning, mean, standardErrors: j === 0 ? null : standardErrors, shown };
  });
  return {
    caption: `${repetitions === 1 ? "" : "Means over the data sets, and their standard errors (s.e.). "}${written
      .slice(1)
      .map(({ title, meaning }) => `${clean(title)}: ${clean(meaning)}`)
      .join("; ")}.`,
    head: written.flatMap(({ title, standardErrors }) => [clean(title), ...(standardErrors ? ["s.e."] : [])]),
    rows: written[0].mean.map((_, i) => ({
      cells: written.flatMap(({ mean, standardErrors, shown }): Cell[] => [
        numberCell(mean[i], shown),
        ...(standardErrors ? [numberCell(standardErrors[i], (value) => number(value, 2))] : []),
      ]),
    })),
  };
}

const valuesTable = ({ summary: { values } }: ExperimentRun): Table => ({
  caption: "Numbers of the data sets as a whole",
  head: ["number", "mean", "standard error", "data sets"],
  rows: Object.entries(values).map(([name, { mean, standardError, count: sets }]) => ({
    cells: [
      textCell(clean(name)),
      numberCell(mean, (value) => number(value, 4)),
      numberCell(standardError, (value) => number(value, 2)),
      numberCell(sets, String),
    ],
  })),
});
