import {
  attackKey,
  type ComparedCosts,
  type ComparedQuantity,
  type ComparisonResult,
  type Estimate,
  sameAttack,
} from "@aif/core";
import { adversaryName } from "../render/adversary.js";
import { clean } from "../render/clean.js";
import { comparisonGround } from "../render/comparison.js";
import { shownName } from "../render/ground.js";
import { number, short, signed } from "../render/numbers.js";
import { html } from "./html.js";
import type { FiguresOf, ReportParts } from "./parts.js";
import { type Cell, numberCell, type Table, tableHtml, textCell } from "./table.js";

/** The report of `aif compare`: what the numbers say, the frontier, every candidate, and what tells two of them apart. */
export async function comparisonParts(result: ComparisonResult, figures: FiguresOf): Promise<ReportParts> {
  const { data, failed, settings, words, flags } = result;
  return {
    title: `Which model: ${shownName(data.target, 60)}`,
    ground: comparisonGround(result).map((sentence) => sentence.replace(/\.$/, "")),
    lead: html`<ul class="lead">${words.map((sentence) => html`<li>${clean(sentence)}</li>`)}</ul>`,
    sections: [
      {
        id: "frontier",
        title: `Natural loss against cost, ${adversaryName(settings)}`,
        body: html`${await figures(attackKey(settings))}`,
      },
      {
        id: "candidates",
        title: "The candidates",
        body: html`${tableHtml(lossTable(result))}${tableHtml(costTable(result))}${failed.map(
          ({ name, reason }) => html`<p>${shownName(name, 80)}: left out. ${clean(reason)}</p>`,
        )}`,
      },
      {
        id: "differences",
        title: "What tells two models apart",
        body: tableHtml(differenceTable(result)),
      },
    ],
    flags,
  };
}

interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => Cell;
}

const tableOf = <Row>(caption: string, columns: readonly Column<Row>[], rows: readonly Row[]): Table => ({
  caption,
  head: columns.map(({ head }) => head),
  rows: rows.map((row) => ({ cells: columns.map(({ cell }) => cell(row)) })),
});

const ranged = (interval: Estimate["interval"]): Cell =>
  textCell(interval ? `${signed(interval[0])} to ${signed(interval[1])}` : "–");

interface Ranked {
  readonly model: ComparisonResult["models"][number];
  readonly place: number;
}

const rankedOf = ({ models }: ComparisonResult): Ranked[] => models.map((model, place) => ({ model, place }));

const nameOf = ({ model, place }: Ranked): Cell => textCell(`${place + 1}  ${shownName(model.name, 80)}`);

function lossTable(result: ComparisonResult): Table {
  const { natural, loss } = result;
  const digits = (value: number | null): string => number(value, 4);
  const level = short(100 * natural.level);
  const columns: readonly Column<Ranked>[] = [
    { head: "model", cell: nameOf },
    { head: "parameters", cell: ({ model }) => numberCell(model.parameters, String) },
    { head: "natural loss", cell: ({ model }) => numberCell(model.naturalLoss.value, digits) },
    { head: "interval", cell: ({ model: { naturalLoss } }) => plainRange(naturalLoss.interval) },
    {
      head: "above the lowest",
      cell: ({ place }) => numberCell(natural.estimates[place] - natural.estimates[0], signed),
    },
    { head: "±", cell: ({ place }) => numberCell(natural.reach?.[place][0] ?? null, (value) => number(value, 2)) },
    { head: "may be the best", cell: ({ place }) => textCell(mayBeBest(natural, place)) },
    { head: "training loss", cell: ({ model }) => numberCell(model.trainingLoss, digits) },
    {
      head: "effective parameters",
      cell: ({ model }) => numberCell(model.information?.degreesOfFreedom ?? null, (value) => short(value, 4)),
    },
    { head: "AIC", cell: ({ model }) => numberCell(model.information?.aic ?? null, digits) },
    { head: "BIC", cell: ({ model }) => numberCell(model.information?.bic ?? null, digits) },
  ];
  return tableOf(
    `Natural loss (${clean(loss.label)}, in ${shownName(loss.unit, 60)}). ±: at ${level} % for all pairs of models at once; the interval is of one model by itself.`,
    columns,
    rankedOf(result),
  );
}

const plainRange = (interval: Estimate["interval"]): Cell =>
  textCell(interval ? `${number(interval[0], 4)} to ${number(interval[1], 4)}` : "–");

const mayBeBest = ({ best, reach }: ComparedQuantity, place: number): string =>
  reach === null ? "unknown" : best.includes(place) ? "yes" : "no";

function costTable(result: ComparisonResult): Table {
  const { sizes, models } = result;
  const at = (convention: "relative" | "absolute", size: string): readonly Column<Ranked>[] => [
    { head: `cost at ${size}`, cell: ({ model }) => numberCell(model[convention].cost.value, signed) },
    { head: "interval", cell: ({ model }) => ranged(model[convention].cost.interval) },
    { head: "on the frontier", cell: ({ place }) => textCell(standing(result[convention], place)) },
  ];
  const columns: readonly Column<Ranked>[] = [
    { head: "model", cell: nameOf },
    ...at("relative", `ε = ${short(sizes.epsilon)}`),
    ...(sameAttack(models) ? [] : at("absolute", `ρ = ${short(sizes.radius)}`)),
    {
      head: `robust loss at ρ = ${short(sizes.radius)} now`,
      cell: ({ model }) => numberCell(model.absolute.robustLoss?.now ?? null, (value) => number(value, 4)),
    },
    {
      head: "after robust training",
      cell: ({ model }) => numberCell(model.absolute.robustLoss?.after ?? null, (value) => number(value, 4)),
    },
    { head: "trusted to ε", cell: ({ model }) => numberCell(model.trustRadius, short) },
  ];
  return tableOf(
    `Cost of robustness: by how much robust training raises the natural loss on the same rows; intervals of one model by itself. “On the frontier”: no other model has both less loss and less cost.`,
    columns,
    rankedOf(result),
  );
}

/** Whether some model has less loss and less cost, and how sure that is. */
const CLEAR = {
  both: "no",
  natural: "no, clearly in the loss",
  cost: "no, clearly in the cost",
  none: "no, within noise",
};

function standing({ dominated }: ComparedCosts, place: number): string {
  const found = dominated.find(({ model }) => model === place);
  if (!found) return "yes";
  return found.clear === null ? "no" : CLEAR[found.clear];
}

/** Of all pairs, those of the models of the least loss. */
const MOST_MODELS = 24;

interface Pair {
  readonly a: number;
  readonly b: number;
}

function differenceTable(result: ComparisonResult): Table {
  const { models, natural, relative, absolute, sizes } = result;
  const count = Math.min(MOST_MODELS, models.length);
  const pairs: Pair[] = [];
  for (let a = 0; a < count; a++) for (let b = a + 1; b < count; b++) pairs.push({ a, b });
  const of = (head: string, quantity: ComparedQuantity): readonly Column<Pair>[] => [
    { head, cell: ({ a, b }) => numberCell(difference(quantity, b, a).value, signed) },
    { head: "±", cell: ({ a, b }) => numberCell(difference(quantity, b, a).reach, (value) => number(value, 2)) },
    { head: "told apart", cell: ({ a, b }) => textCell(toldApart(difference(quantity, b, a))) },
  ];
  const name = (place: number): string => `${place + 1}  ${shownName(models[place].name, 60)}`;
  const columns: readonly Column<Pair>[] = [
    { head: "model", cell: ({ b }) => textCell(name(b)) },
    { head: "less model", cell: ({ a }) => textCell(name(a)) },
    ...of("natural loss", natural),
    ...of(`cost at ε = ${short(sizes.epsilon)}`, relative.cost),
    ...(sameAttack(models) ? [] : of(`cost at ρ = ${short(sizes.radius)}`, absolute.cost)),
  ];
  return tableOf(
    `Differences, with intervals at ${short(100 * natural.level)} % for all pairs at once${count < models.length ? `; of the ${count} models of the least natural loss` : ""}`,
    columns,
    pairs,
  );
}

interface Difference {
  readonly value: number | null;
  readonly reach: number | null;
}

function difference({ of, estimates, reach }: ComparedQuantity, a: number, b: number): Difference {
  const [i, j] = [of.indexOf(a), of.indexOf(b)];
  if (i < 0 || j < 0) return { value: null, reach: null };
  return { value: estimates[i] - estimates[j], reach: reach?.[i][j] ?? null };
}

const toldApart = ({ value, reach }: Difference): string =>
  value === null || reach === null ? "–" : Math.abs(value) > reach ? "yes" : "no";
