import type { Experiment, ExperimentRun, ExperimentVerdict } from "@aif/core";
import type { RunFiles } from "../output/run-folder.js";
import { clean } from "./clean.js";
import { labelled, pageWidth, table, widthOf, wrap } from "./layout.js";
import { count, number, short } from "./numbers.js";
import { type Paint, paint } from "./page.js";
import { glued } from "./verdict.js";

/** What can be reproduced. */
export function renderExperiments(experiments: readonly Experiment[]): string {
  const width = 4 + Math.max(...experiments.map(({ name }) => widthOf(name)));
  return [
    "Results of the paper that can be reproduced:",
    "",
    ...experiments.flatMap(({ name, reference, shows }) => labelled(name, `${reference}: ${shows}.`, width)),
    "",
    ...wrap("aif reproduce <result> runs one of them, aif reproduce all every one."),
    "",
  ].join("\n");
}

/** A run for people: at most 80 columns. */
export function renderRun(run: ExperimentRun, files: RunFiles | null, { colour }: { colour: boolean }): string {
  const painted = paint(colour);
  const sections = [
    headLines(run, painted),
    tableLines(run, painted),
    [painted.heading("What the numbers say"), ...run.verdicts.flatMap((verdict) => verdictLines(verdict, painted))],
    files === null ? wrap("The numbers as CSV and the chart as SVG: --out <folder>.") : fileLines(files),
    [painted.faint(`Done in ${short(run.seconds, 2)} s.`)],
  ];
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

function headLines({ reference, title, setup, settings: { repetitions, seed } }: ExperimentRun, { heading }: Paint) {
  const sets = repetitions === 1 ? `Seed ${seed}.` : `${count(repetitions, "data set")} from seed ${seed}.`;
  return [...wrap(`${reference}: ${title}`).map(heading), ...wrap(glued(`${setup} ${sets}`), { indent: 2 })];
}

/** The numbers; of several repetitions their means, with standard errors. */
function tableLines(
  { columns, summary, settings: { repetitions } }: ExperimentRun,
  { heading, faint }: Paint,
): string[] {
  const cells = columns.map(({ name, heading: header, decades }, j) => {
    const { mean, standardErrors } = summary.columns[name];
    const format = decades ? scientific : plain;
    const shown = mean.map((value, i) => (j === 0 ? short(value) : format(value, standardErrors?.[i] ?? null)));
    return { header, cells: shown, align: "right" as const };
  });
  const legend = columns.slice(1).map(({ heading: words, meaning }) => `${words.join(" ")}: ${meaning}`);
  const errors = columns.slice(1).every(({ decades }) => decades)
    ? "standard errors are in the CSV of --out"
    : "in brackets the standard error, in units of the last digits";
  const means = repetitions === 1 ? [] : [`means over the data sets; ${errors}`];
  return [
    ...tablesOf(cells).flatMap(({ header, body }, k) => [
      ...(k === 0 ? [] : [""]),
      ...header.map((line) => heading(`  ${line}`)),
      ...body.map((line) => `  ${line}`),
    ]),
    ...[...means, ...legend].flatMap((entry) => wrap(clean(entry), { indent: 2, hang: 4 })).map(faint),
  ];
}

type Cells = Parameters<typeof table>[0];

/** One table where it fits the page, closer if need be; else several, each with the grid. */
function tablesOf(cells: Cells): ReturnType<typeof table>[] {
  const fitting = [2, 1]
    .map((gap) => table(cells, gap))
    .find(({ header, body }) => [...header, ...body].every((line) => widthOf(line) <= pageWidth - 2));
  if (fitting) return [fitting];
  const half = Math.ceil((cells.length - 1) / 2);
  if (half >= cells.length - 1) return [table(cells, 1)];
  return [cells.slice(0, half + 1), [cells[0], ...cells.slice(half + 1)]].flatMap(tablesOf);
}

type Format = (value: number, standardError: number | null) => string;

/** Numbers over many decades are compared by their exponents. */
const scientific: Format = (value) => (value === 0 ? "0" : value.toExponential(1));

/** A value as 1.420(11), the standard error with two digits; without one, three digits more than its size. */
const plain: Format = (value, standardError) => {
  if (!Number.isFinite(value)) return number(null);
  if (standardError === null || standardError === 0) return number(value, 4);
  const decimals = 1 - Math.floor(Math.log10(standardError));
  if (decimals <= 0) return `${value.toFixed(0)}(${standardError.toFixed(0)})`;
  return decimals > 8 ? number(value, 4) : `${value.toFixed(decimals)}(${Math.round(standardError * 10 ** decimals)})`;
};

function verdictLines({ claim, holds, text }: ExperimentVerdict, { warning }: Paint): string[] {
  const lines = labelled(
    holds === null ? "note" : holds ? "holds" : "wrong",
    glued(`${clean(claim)}: ${clean(text)}.`),
    9,
  );
  return holds === false ? lines.map(warning) : lines;
}

const fileLines = ({ numbers, chart, run }: RunFiles): string[] => [
  "Written:",
  ...[numbers, chart, run].map((file) => `  ${clean(file)}`),
];
