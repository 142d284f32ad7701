import type { ComparisonResult } from "@aif/core";
import { adversaryTitle } from "./adversary.js";
import { clean } from "./clean.js";
import { comparisonTables } from "./comparison-table.js";
import { evaluationWords, shownName } from "./ground.js";
import { glue, inSections, wrap } from "./layout.js";
import { noteLines } from "./notes.js";
import { count, equation, percent, short } from "./numbers.js";
import { type Paint, paint } from "./page.js";
import { noiseConventions } from "./smoothing.js";

/** A comparison for people: at most 80 columns, sections apart by an empty line. */
export function renderComparison(
  result: ComparisonResult,
  { colour, chart }: { readonly colour: boolean; readonly chart: string | null },
): string {
  const painted = paint(colour);
  const sections = [
    groundLines(result),
    ...comparisonTables(result, painted),
    [
      painted.heading("What the numbers say"),
      ...result.words.flatMap((text) => wrap(`- ${clean(text)}`, { indent: 2, hang: 4 })),
    ],
    columnLines(result, painted),
    noteLines(result.flags, painted),
    chart === null ? [] : [`The chart is in ${clean(chart)}.`],
    timingLines(result, painted),
  ];
  return inSections(sections);
}

const groundLines = (result: ComparisonResult): string[] =>
  comparisonGround(result).flatMap((sentence) => wrap(sentence, { hang: 2 }));

/** Table, models and attack, a sentence each. */
export function comparisonGround({ data, loss, sizes, settings, models }: ComparisonResult): string[] {
  const classes =
    data.labels === null ? "" : `: ${shownName(data.labels.positive)} (positive) or ${shownName(data.labels.negative)}`;
  const weights = settings.weights === null ? "" : `, weighted by ${shownName(settings.weights)}`;
  const table = `${shownName(data.source, 48)}: ${count(data.rows, "row")} × ${count(data.features.length, "feature")}`;
  const columns = settings.standardize ? "columns standardised" : "columns as they are";
  return [
    `${table}, target ${shownName(data.target)}${classes}${weights}`,
    `${count(models.length, "model")}, ${loss.name} loss, ${columns}, ${evaluationWords(data.evaluation, data.evaluationRows)}`,
    `${adversaryTitle(settings)}: ${sizeWords(sizes, settings)}.${chosenWords(sizes)}`,
    ...noiseWords(settings.noise),
  ];
}

function sizeWords(
  { epsilon, radius, referenceScale }: ComparisonResult["sizes"],
  { divergence }: ComparisonResult["settings"],
): string {
  if (divergence !== null) return `one size ${equation("ρ", radius)} for all`;
  return `${equation("ε", epsilon)} of what each model sees, and one fixed radius ${equation("ρ", radius)} for all (the same for a model of all columns, whose mean norm is c${glue}=${glue}${short(referenceScale)})`;
}

const chosenWords = ({ given }: ComparisonResult["sizes"]): string =>
  given === "none" ? " No size was given: this is the largest that every known trust radius allows." : "";

const noiseWords = (noise: ComparisonResult["settings"]["noise"]): string[] =>
  noise === null
    ? []
    : [
        `Gaussian noise of standard deviation σ on every feature as the models see it (${count(noise.draws, "draw")} of every row where it has no closed form): ${noiseConventions(noise)}.`,
      ];

/** Models whose selections are told. */
const shownSelections = 8;

/** What selections chose on all rows, and how sure a fold is to choose the same. */
function columnLines({ models }: ComparisonResult, { heading, faint }: Paint): string[] {
  const selecting = models.filter(({ chosen }) => chosen !== null);
  if (selecting.length === 0) return [];
  const shown = selecting.slice(0, shownSelections);
  const more = selecting.length - shown.length;
  return [
    heading("Columns that were selected (where not in every fold: in which share of them)"),
    ...shown.flatMap(({ name, columns, chosen }) => {
      const share = new Map(chosen?.map((entry) => [entry.column, entry.share]));
      const told = columns.map((column) => {
        const often = share.get(column) ?? 0;
        return often === 1 ? shownName(column) : `${shownName(column)}${glue}(${percent(often).replace(" ", glue)})`;
      });
      return wrap(`${clean(name)}: ${told.join(", ")}`, { indent: 2, hang: 4 });
    }),
    ...(more > 0 ? [faint(`  and ${count(more, "other")}, all in --format json`)] : []),
  ];
}

const seconds = (value: number): string => (value < 0.01 ? `<0.01${glue}s` : `${short(value, 2)}${glue}s`);

const timingLines = ({ timings: { read, models, differences, total } }: ComparisonResult, { faint }: Paint): string[] =>
  wrap(
    `Done in ${seconds(total)}: reading ${seconds(read)}, models ${seconds(models)}, differences ${seconds(differences)}.`,
  ).map(faint);
