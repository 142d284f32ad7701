import type { Experiment, ExperimentRun, ExperimentVerdict } from "@aif/core";
import type { RunFiles } from "../output/run-folder.js";
import { clean } from "./clean.js";
import { labelled, pageWidth, table, widthOf, wrap } from "./layout.js";
import { count, short } from "./numbers.js";
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

/** The numbers; of several repetitions their means. */
function tableLines(
  { columns, summary, settings: { repetitions } }: ExperimentRun,
  { heading, faint }: Paint,
): string[] {
  const cells = columns.map(({ name, heading: header }, j) => ({
    header,
    cells: summary.columns[name].mean.map((value) => (j === 0 ? short(value) : scientific(value))),
    align: "right" as const,
  }));
  const tables = [2, 1].map((gap) => table(cells, gap));
  const fits = tables.find(({ header, body }) => [...header, ...body].every((line) => widthOf(line) <= pageWidth - 2));
  const { header, body } = fits ?? tables[1];
  const legend = columns.slice(1).map(({ heading: words, meaning }) => `${words.join(" ")}: ${meaning}`);
  const means = repetitions === 1 ? [] : ["means over the data sets; standard errors are in the CSV of --out"];
  return [
    ...header.map((line) => heading(`  ${line}`)),
    ...body.map((line) => `  ${line}`),
    ...[...means, ...legend].flatMap((entry) => wrap(clean(entry), { indent: 2, hang: 4 })).map(faint),
  ];
}

/** Numbers over many decades are compared by their exponents. */
const scientific = (value: number): string => (value === 0 ? "0" : value.toExponential(1));

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
