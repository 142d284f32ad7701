import { type ComparedModel, type ComparisonResult, type Estimate, sameAttack } from "@aif/core";
import { clean } from "./clean.js";
import { pageWidth, shorten, type TableColumn, table, widthOf, wrap } from "./layout.js";
import { equation, number, short, signed } from "./numbers.js";
import type { Paint } from "./page.js";

/** Models shown, those of the lowest loss first; all are in the JSON. */
const shownModels = 40;
/** Of a model's name. */
const narrowest = 14;

/** The ranking by natural loss; the costs under both conventions; S in the population; AIC and BIC. */
export function comparisonTables(result: ComparisonResult, painted: Paint): string[][] {
  return [
    lossLines(result, painted),
    costLines(result, painted),
    populationLines(result, painted),
    criteriaLines(result, painted),
  ];
}

const shownOf = <Entry>(list: readonly Entry[]): readonly Entry[] => list.slice(0, shownModels);

interface Row {
  readonly model: ComparedModel;
  readonly place: number;
}

const rowsOf = ({ models }: ComparisonResult): readonly Row[] =>
  shownOf(models).map((model, place) => ({ model, place }));

const column = (
  rows: readonly Row[],
  header: readonly string[],
  cell: (row: Row) => string,
  align: "left" | "right" = "right",
): TableColumn => ({ header, cells: rows.map(cell), align });

/** Ranks and names, then what is said of each; names give way where the page is too narrow. */
function ranked(rows: readonly Row[], columns: readonly TableColumn[], { heading }: Paint): string[] {
  const rank = column(rows, ["#"], ({ place }) => String(place + 1));
  const longest = Math.max(...rows.map(({ model }) => widthOf(clean(model.name))));
  const named = (width: number, gap: number) =>
    table([rank, column(rows, ["model"], ({ model }) => shorten(clean(model.name), width), "left"), ...columns], gap);
  const widest = ({ header, body }: ReturnType<typeof table>): number =>
    Math.max(...[...header, ...body].map(widthOf)) + 2;
  const fitting = [2, 1].map((gap) => named(longest, gap)).find((lines) => widest(lines) <= pageWidth);
  const narrow = (): ReturnType<typeof table> =>
    named(Math.max(narrowest, longest - Math.max(0, widest(named(longest, 1)) - pageWidth)), 1);
  const { header, body } = fitting ?? narrow();
  return [...header.map((line) => heading(`  ${line}`)), ...body.map((line) => `  ${line}`)];
}

const more = (models: readonly unknown[]): string[] =>
  models.length > shownModels ? [`  and ${models.length - shownModels} more, all in --format json`] : [];

function lossLines(result: ComparisonResult, painted: Paint): string[] {
  const { models, natural, loss } = result;
  const rows = rowsOf(result);
  const best = new Set(natural.best);
  const interval = ({ place }: Row): string => {
    if (place === 0) return "";
    const difference = natural.estimates[place] - natural.estimates[0];
    const reach = natural.reach?.[place][0];
    return reach === undefined ? signed(difference) : `${signed(difference)} ± ${number(reach, 2)}`;
  };
  const columns = [
    column(rows, ["para-", "meters"], ({ model }) => String(model.parameters)),
    column(rows, ["natural", "loss"], ({ model }) => number(model.naturalLoss.value, 4)),
    column(rows, ["above the", "lowest"], interval),
    column(rows, ["may be", "best"], ({ place }) => (natural.reach === null ? "?" : best.has(place) ? "yes" : "no")),
  ];
  const level = short(100 * natural.level);
  return [
    ...wrap(`Natural loss: ${clean(loss.label)}, in ${clean(loss.unit)}`).map(painted.heading),
    ...ranked(rows, columns, painted),
    ...more(models),
    ...(natural.reach === null
      ? []
      : wrap(`±: at ${level} % for all pairs of models at once (max-t over the evaluation rows, given the fits)`, {
          indent: 2,
          hang: 4,
        }).map(painted.faint)),
  ];
}

const marks = { both: "no", natural: "no*", cost: "no*", none: "no~" } as const;

function costLines(result: ComparisonResult, painted: Paint): string[] {
  const { sizes, relative, absolute, settings } = result;
  const rows = rowsOf(result);
  const place = (costs: ComparisonResult["relative"]) => {
    const clear = new Map(costs.dominated.map((entry) => [entry.model, entry.clear]));
    return (row: Row): string => {
      const how = clear.get(row.place);
      return how === undefined ? "yes" : how === null ? "no" : marks[how];
    };
  };
  const shownCost = ({ value, interval }: Estimate, beyond: boolean | null): string => {
    const reach = interval ? ` ± ${number(interval[1] - value, 2)}` : "";
    return `${signed(value)}${reach}${beyond === true ? " !" : "  "}`;
  };
  const of = (convention: "relative" | "absolute", size: string): TableColumn[] => [
    column(rows, ["cost at", `${size}  `], ({ model }) =>
      shownCost(model[convention].cost, model[convention].extrapolated),
    ),
    column(rows, ["on the", "frontier"], place(result[convention])),
  ];
  const beyond = [...rows].some(({ model }) => model.relative.extrapolated || model.absolute.extrapolated);
  const robust = rows.every(({ model }) => model.absolute.robustLoss !== null);
  const one = sameAttack(result.models);
  const columns = [
    ...of("relative", equation(settings.divergence === null ? "ε" : "ρ", sizes.epsilon)),
    ...(one ? [] : of("absolute", equation("ρ", sizes.radius))),
  ];
  const dominated = [...relative.dominated, ...(one ? [] : absolute.dominated)];
  const legend = [
    "cost: by how much robust training raises the natural loss on the same rows; ± of one model by itself, over the rows given the fits",
    ...(beyond ? ["!: the size lies beyond the model's trust radius"] : []),
    ...(dominated.length > 0
      ? [
          "frontier: no means that some model has less loss and less cost (no*: clearly only in one of them, no~: within noise)",
        ]
      : []),
  ];
  return [
    painted.heading("Cost of robustness"),
    ...ranked(rows, columns, painted),
    ...legend.flatMap((entry) => wrap(entry, { indent: 2, hang: 4 })).map(painted.faint),
    ...(robust ? ["", ...robustLines(rows, sizes.radius, painted)] : []),
  ];
}

/** The loss under attack, before and after robust training. */
function robustLines(rows: readonly Row[], radius: number, painted: Paint): string[] {
  const columns = [
    column(rows, ["natural", "loss"], ({ model }) => number(model.naturalLoss.value, 4)),
    column(rows, ["robust", "loss"], ({ model }) => number(model.absolute.robustLoss?.now ?? null, 4)),
    column(rows, ["after robust", "training"], ({ model }) => number(model.absolute.robustLoss?.after ?? null, 4)),
  ];
  return [painted.heading(`Under an attack of ${equation("ρ", radius)}`), ...ranked(rows, columns, painted)];
}

function populationLines(result: ComparisonResult, painted: Paint): string[] {
  const { relative, absolute, models, settings } = result;
  if (relative.population === null || absolute.population === null) return [];
  const rows = rowsOf(result).filter(({ model }) => model.relative.population !== null);
  if (rows.length === 0) return [];
  const of = (convention: "relative" | "absolute", symbol: string): TableColumn =>
    column(rows, ["ε²S, same", symbol], ({ model }) => {
      const found = model[convention].population;
      const beyond = model[convention].extrapolated === true ? " !" : "  ";
      return found
        ? `${number(found.predicted)} [${number(found.interval[0], 2)}, ${number(found.interval[1], 2)}]${beyond}`
        : "–";
    });
  const one = sameAttack(models);
  const noise = (quantity: NonNullable<typeof relative.population>): string => {
    const best = quantity.best.length;
    return quantity.reach === null ? "not compared" : `${best} of ${quantity.of.length} may be the least`;
  };
  const how = relative.population.over === "draws" ? "draws of the bootstrap" : "the influence of each training row";
  return [
    painted.heading("Sensitivity in the population, as a cost at the same sizes"),
    ...ranked(rows, [of("relative", "ε"), ...(one ? [] : [of("absolute", "ρ")])], painted),
    ...wrap(
      `S: average over training sets of this size, without its bias; ${short(100 * settings.confidence)} % intervals of one model by itself. At ${short(100 * settings.confidence)} % for all pairs at once, from ${how}: ${noise(relative.population)}${one ? "" : ` at the same ε, ${noise(absolute.population)} at the same ρ`}.${relative.population.of.length < models.length ? " Models without S, or whose S noise may have made, are not compared." : ""}`,
      { indent: 2, hang: 4 },
    ).map(painted.faint),
  ];
}

function criteriaLines(result: ComparisonResult, painted: Paint): string[] {
  const rows = rowsOf(result).filter(({ model }) => model.information !== null);
  if (rows.length < 2) return [];
  const least = (pick: (model: ComparedModel) => number): number => Math.min(...rows.map(({ model }) => pick(model)));
  const aicOf = ({ information }: ComparedModel): number => information?.aic ?? Number.NaN;
  const bicOf = ({ information }: ComparedModel): number => information?.bic ?? Number.NaN;
  const [aic, bic] = [least(aicOf), least(bicOf)];
  const columns = [
    column(rows, ["effective", "parameters"], ({ model }) => short(model.information?.degreesOfFreedom ?? null, 4)),
    column(rows, ["AIC above", "the lowest"], ({ model }) => (aicOf(model) - aic).toFixed(1)),
    column(rows, ["BIC above", "the lowest"], ({ model }) => (bicOf(model) - bic).toFixed(1)),
  ];
  return [painted.heading("Criteria of the training rows"), ...ranked(rows, columns, painted)];
}
