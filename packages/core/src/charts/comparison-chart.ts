import type { ComparedModel, ComparisonResult } from "../study/compare/comparison-result.js";
import { sameAttack } from "../study/compare/comparison-words.js";
import { number, short, signed } from "../study/words.js";
import { nameAxis } from "./bars.js";
import { attackName } from "./captions.js";
import { broken, type ChartOptions, DEFAULT_WIDTH, told } from "./figure.js";
import { brief, keyOf } from "./names.js";
import { type ChartSpec, FAINT_INK, PALETTE, THEME, VEGA_LITE_SCHEMA } from "./theme.js";

/** Room for axes, names and legends beside a panel. */
const BESIDE = 190;
const HEIGHT = 260;
/** Mean width of a character of the words below the title. */
const CHARACTER = 6.2;
/** Models named beside the picture; of more, those of the best natural loss. */
const NAMED = 30;
const ROW_HEIGHT = 16;

/** How models of one panel are marked. */
const ROLES = {
  frontier: { label: "on the frontier", colour: PALETTE.blue },
  noise: { label: "dominated, within noise", colour: PALETTE.sky },
  clear: { label: "dominated, clearly in one or both", colour: PALETTE.vermillion },
} as const;
type Role = keyof typeof ROLES;

/**
 * Natural loss against the cost of robustness under both conventions of the radius, with the frontier, and below them by how much
 * each model's natural loss exceeds the best one's, with simultaneous intervals. Models are numbered by natural loss.
 */
export function comparisonChart(result: ComparisonResult, { width = DEFAULT_WIDTH }: ChartOptions): ChartSpec {
  const { data, loss, sizes, settings } = result;
  const panel = width - BESIDE;
  const room = width / CHARACTER;
  return {
    $schema: VEGA_LITE_SCHEMA,
    title: {
      text: `Natural loss and cost of robustness: ${brief(data.target, 40)}`,
      subtitle: [
        ...broken(
          `${loss.label} in ${brief(loss.unit, 40)}, ${evaluationWords(result)}; ${attackName(settings)}.`,
          room,
        ),
        ...broken(
          `Numbers are ranks by natural loss; bars are ${short(100 * settings.confidence)} % intervals of one model by itself.`,
          room,
        ),
      ],
      fontSize: 14,
      offset: 12,
      frame: "bounds",
    },
    padding: 10,
    spacing: 24,
    description: `Natural loss and cost of robustness of ${result.models.length} models.`,
    vconcat: [
      ...(sameAttack(result.models)
        ? [frontierPanel(result, panel, "absolute", `ε = ${short(sizes.epsilon)}, ρ = ${short(sizes.radius)}`)]
        : [
            frontierPanel(
              result,
              panel,
              "relative",
              `Attack relative to what each model sees, ε = ${short(sizes.epsilon)}`,
            ),
            frontierPanel(result, panel, "absolute", `One fixed radius for all models, ρ = ${short(sizes.radius)}`),
          ]),
      differencePanel(result, panel),
    ],
    resolve: { scale: { color: "independent" } },
    config: THEME,
  };
}

function evaluationWords({ data }: ComparisonResult): string {
  const folds = /^cv:(\d+)$/.exec(data.evaluation);
  if (folds) return `held out in ${folds[1]} folds`;
  return data.evaluation === "training" ? "on the training rows" : `on ${data.evaluationRows} rows apart`;
}

function frontierPanel(
  result: ComparisonResult,
  width: number,
  convention: "relative" | "absolute",
  title: string,
): ChartSpec {
  const { models } = result;
  const costs = result[convention];
  const clear = new Set(costs.dominated.filter((entry) => entry.clear !== "none").map(({ model }) => model));
  const onFrontier = new Set(costs.frontier);
  const roleOf = (place: number): Role => (onFrontier.has(place) ? "frontier" : clear.has(place) ? "clear" : "noise");
  const shown = models.slice(0, NAMED);
  const all = shown.map((model, place) => {
    const { cost } = model[convention];
    const [low, high] = cost.interval ?? [cost.value, cost.value];
    return {
      rank: String(place + 1),
      role: ROLES[roleOf(place)].label,
      loss: model.naturalLoss.value,
      cost: cost.value,
      low,
      high,
      text: `${place + 1}, ${brief(model.name, 60)}: natural loss ${number(model.naturalLoss.value, 4)}, cost ${signed(cost.value)}`,
    };
  });
  const across = frameOf(
    all.map(({ cost }) => cost),
    costs.frontier,
  );
  const down = frameOf(
    all.map(({ loss }) => loss),
    costs.frontier,
  );
  const inside = (value: number, [least, most]: readonly [number, number]): boolean => value >= least && value <= most;
  const values = all.filter(({ cost, loss }) => inside(cost, across) && inside(loss, down));
  const outside = all.filter(({ cost, loss }) => !(inside(cost, across) && inside(loss, down)));
  const beyond = outside.length === 0 ? "" : ` (outside: ${outside.map(({ rank }) => rank).join(", ")})`;
  const labels = mergedLabels(values, (across[1] - across[0]) / width, (down[1] - down[0]) / HEIGHT);
  const steps = costs.frontier
    .flatMap((place) => (place < NAMED ? [all[place]] : []))
    .toSorted((a, b) => a.cost - b.cost);
  const position = {
    x: {
      field: "cost",
      type: "quantitative",
      scale: { zero: false },
      axis: axis(`natural loss given up by robust training${beyond}`),
    },
    y: {
      field: "loss",
      type: "quantitative",
      scale: { domain: down, nice: false, zero: false },
      axis: axis("natural loss"),
    },
  };
  const colour = {
    field: "role",
    type: "nominal",
    scale: {
      domain: Object.values(ROLES).map(({ label }) => label),
      range: Object.values(ROLES).map((role) => role.colour),
    },
    legend: convention === "relative" ? null : { orient: "bottom", columns: 3, title: null, symbolOpacity: 1 },
  };
  return {
    title: { text: title, offset: 6 },
    width,
    height: HEIGHT,
    data: { values },
    layer: [
      {
        data: { values: steps },
        mark: { type: "line", interpolate: "step-after", color: PALETTE.blue, strokeWidth: 1.2, opacity: 0.6 },
        encoding: { ...position, order: { field: "cost" } },
      },
      {
        mark: { type: "rule", clip: true, strokeWidth: 1, opacity: 0.45 },
        encoding: { ...position, x: { ...position.x, field: "low" }, x2: { field: "high" }, color: colour },
      },
      {
        mark: { type: "point", filled: true, size: 46, opacity: 1, stroke: "white", strokeWidth: 0.6 },
        encoding: { ...position, color: colour, ...told },
      },
      {
        data: { values: labels },
        mark: { type: "text", dx: 6, dy: -6, fontSize: 10, align: "left", color: FAINT_INK },
        encoding: { ...position, text: { field: "rank" } },
      },
    ],
  };
}

interface Labelled {
  readonly rank: string;
  readonly loss: number;
  readonly cost: number;
}

/** How many quartile distances beyond the quartiles a picture still shows. */
const FENCE = 3;
/** Room beyond the outermost point, as a share of what is shown. */
const MARGIN = 0.08;

/** The stretch of an axis that shows most points well, and all of the frontier: far ones would press the others together. */
function frameOf(values: readonly number[], always: readonly number[]): readonly [number, number] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))];
  const reach = FENCE * (at(0.75) - at(0.25));
  const kept = values.filter(
    (value, place) => always.includes(place) || (value >= at(0.25) - reach && value <= at(0.75) + reach),
  );
  const [least, most] = [Math.min(...kept), Math.max(...kept)];
  const room = MARGIN * (most - least || Math.abs(most) || 1);
  return [least - room, most + room];
}

/** Pixels within which two labels would cover each other, across and down. */
const LABEL_WIDTH = 22;
const LABEL_HEIGHT = 11;

/** One label for points that lie so near to each other that theirs would overlap. */
function mergedLabels(
  values: readonly Labelled[],
  across: number,
  down: number,
): Pick<Labelled, "rank" | "loss" | "cost">[] {
  const groups: Labelled[][] = [];
  for (const value of values) {
    const group = groups.find(
      ([first]) =>
        Math.abs(first.cost - value.cost) <= LABEL_WIDTH * across &&
        Math.abs(first.loss - value.loss) <= LABEL_HEIGHT * down,
    );
    if (group) group.push(value);
    else groups.push([value]);
  }
  return groups.map((group) => ({ ...group[0], rank: ranksOf(group.map(({ rank }) => Number(rank))) }));
}

/** "3", "3, 5", "3–6, 8". */
function ranksOf(ranks: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const rank of ranks) {
    const last = runs.at(-1);
    if (last && rank === last[1] + 1) last[1] = rank;
    else runs.push([rank, rank]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}${to === from + 1 ? ", " : "–"}${to}`)).join(", ");
}

/** Numbers that tell neighbours apart, without a thousand separators. */
const axis = (title: string): ChartSpec => ({ title, tickCount: 6, format: ".3~g", labelOverlap: true });

function differencePanel({ models, natural }: ComparisonResult, width: number): ChartSpec {
  const best = new Set(natural.best);
  const values = models.slice(0, NAMED).map((model, place) => {
    const difference = natural.estimates[place] - natural.estimates[0];
    const reach = natural.reach?.[place][0] ?? 0;
    return {
      key: keyOf(place),
      text: `${labelOf(model, place)}: ${signed(difference)}`,
      difference,
      low: difference - reach,
      high: difference + reach,
      role: best.has(place) ? ROLES.frontier.label : ROLES.clear.label,
    };
  });
  const y = nameAxis(models.slice(0, NAMED).map(labelOf));
  const ends = frameOf(
    values.flatMap(({ low, high }) => [low, high]),
    [0],
  );
  const x = {
    type: "quantitative",
    scale: { domain: ends, nice: false },
    axis: axis("natural loss above the lowest, simultaneous intervals"),
  };
  const colour = {
    field: "role",
    type: "nominal",
    scale: {
      domain: [ROLES.frontier.label, ROLES.clear.label],
      range: [PALETTE.blue, PALETTE.vermillion],
    },
    legend: null,
  };
  const more = models.length > NAMED ? ` (the first ${NAMED} of ${models.length})` : "";
  return {
    title: { text: `Differences of natural loss (blue: may be best)${more}`, offset: 6 },
    width,
    height: ROW_HEIGHT * values.length,
    data: { values },
    layer: [
      {
        data: { values: [{ at: 0 }] },
        mark: { type: "rule", color: FAINT_INK, strokeDash: [2, 2] },
        encoding: { x: { field: "at", type: "quantitative" } },
      },
      {
        mark: { type: "rule", strokeWidth: 1.4, clip: true },
        encoding: { y, x: { ...x, field: "low" }, x2: { field: "high" }, color: colour },
      },
      {
        mark: { type: "point", filled: true, size: 40, opacity: 1, clip: true },
        encoding: { y, x: { ...x, field: "difference" }, color: colour, ...told },
      },
    ],
  };
}

const LONGEST_NAME = 24;

const labelOf = ({ name }: ComparedModel, place: number): string => `${place + 1}  ${brief(name, LONGEST_NAME)}`;
