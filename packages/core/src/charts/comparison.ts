import type { ComparedModel, ComparisonResult } from "../study/compare/comparison-result.js";
import { short } from "../study/words.js";
import { type ChartSpec, FAINT_INK, PALETTE, THEME, VEGA_LITE_SCHEMA } from "./theme.js";

const WIDTH = 400;
const HEIGHT = 260;
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
export function comparisonChart(result: ComparisonResult): ChartSpec {
  const { data, loss, sizes, settings } = result;
  const norm = settings.norm === "inf" ? "∞" : settings.norm;
  return {
    $schema: VEGA_LITE_SCHEMA,
    title: {
      text: `Natural loss and cost of robustness: ${data.target}`,
      subtitle: [
        `${loss.label} in ${loss.unit}, ${evaluationWords(result)}; attack in the p = ${norm} norm.`,
        "Numbers are ranks by natural loss; bars are 95 % intervals of one model by itself.".replace(
          "95",
          short(100 * settings.confidence),
        ),
      ],
      fontSize: 14,
      offset: 12,
    },
    padding: 10,
    spacing: 24,
    vconcat: [
      frontierPanel(result, "relative", `Attack relative to what each model sees, ε = ${short(sizes.epsilon)}`),
      frontierPanel(result, "absolute", `One fixed radius for all models, ρ = ${short(sizes.radius)}`),
      differencePanel(result),
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

function frontierPanel(result: ComparisonResult, convention: "relative" | "absolute", title: string): ChartSpec {
  const { models } = result;
  const costs = result[convention];
  const clear = new Set(costs.dominated.filter((entry) => entry.clear !== "none").map(({ model }) => model));
  const onFrontier = new Set(costs.frontier);
  const roleOf = (place: number): Role => (onFrontier.has(place) ? "frontier" : clear.has(place) ? "clear" : "noise");
  const shown = models.slice(0, NAMED);
  const values = shown.map((model, place) => {
    const { cost } = model[convention];
    const [low, high] = cost.interval ?? [cost.value, cost.value];
    return {
      rank: String(place + 1),
      role: ROLES[roleOf(place)].label,
      loss: model.naturalLoss.value,
      cost: cost.value,
      low,
      high,
    };
  });
  const labels = mergedLabels(values);
  const steps = costs.frontier
    .flatMap((place) => (place < NAMED ? [values[place]] : []))
    .toSorted((a, b) => a.cost - b.cost);
  const position = {
    x: {
      field: "cost",
      type: "quantitative",
      scale: { zero: false },
      axis: axis("natural loss given up by robust training"),
    },
    y: { field: "loss", type: "quantitative", scale: { zero: false }, axis: axis("natural loss") },
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
    width: WIDTH,
    height: HEIGHT,
    data: { values },
    layer: [
      {
        data: { values: steps },
        mark: { type: "line", interpolate: "step-after", color: PALETTE.blue, strokeWidth: 1.2, opacity: 0.6 },
        encoding: { ...position, order: { field: "cost" } },
      },
      {
        mark: { type: "rule", strokeWidth: 1, opacity: 0.45 },
        encoding: { ...position, x: { ...position.x, field: "low" }, x2: { field: "high" }, color: colour },
      },
      {
        mark: { type: "point", filled: true, size: 46, opacity: 1, stroke: "white", strokeWidth: 0.6 },
        encoding: { ...position, color: colour },
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
  readonly low: number;
  readonly high: number;
}

/** Pixels within which two labels would cover each other, across and down. */
const LABEL_WIDTH = 22;
const LABEL_HEIGHT = 11;

/** One label for points that lie so near to each other that theirs would overlap. */
function mergedLabels(values: readonly Labelled[]): Pick<Labelled, "rank" | "loss" | "cost">[] {
  const across = (Math.max(...values.map(({ high }) => high)) - Math.min(...values.map(({ low }) => low))) / WIDTH;
  const losses = values.map(({ loss }) => loss);
  const down = (Math.max(...losses) - Math.min(...losses)) / HEIGHT;
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
const axis = (title: string): ChartSpec => ({ title, tickCount: 6 });

function differencePanel({ models, natural }: ComparisonResult): ChartSpec {
  const best = new Set(natural.best);
  const values = models.slice(0, NAMED).map((model, place) => {
    const difference = natural.estimates[place] - natural.estimates[0];
    const reach = natural.reach?.[place][0] ?? 0;
    return {
      name: labelOf(model, place),
      difference,
      low: difference - reach,
      high: difference + reach,
      role: best.has(place) ? ROLES.frontier.label : ROLES.clear.label,
    };
  });
  const y = {
    field: "name",
    type: "nominal",
    sort: values.map(({ name }) => name),
    axis: { title: null, labelLimit: 220, ticks: false, grid: true },
  };
  const x = { type: "quantitative", axis: axis("natural loss above the lowest, simultaneous intervals") };
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
    title: { text: `Which differences of natural loss are noise${more}`, offset: 6 },
    width: WIDTH,
    height: ROW_HEIGHT * values.length,
    data: { values },
    layer: [
      {
        data: { values: [{ at: 0 }] },
        mark: { type: "rule", color: FAINT_INK, strokeDash: [2, 2] },
        encoding: { x: { field: "at", type: "quantitative" } },
      },
      {
        mark: { type: "rule", strokeWidth: 1.4 },
        encoding: { y, x: { ...x, field: "low" }, x2: { field: "high" }, color: colour },
      },
      {
        mark: { type: "point", filled: true, size: 40, opacity: 1 },
        encoding: { y, x: { ...x, field: "difference" }, color: colour },
      },
    ],
  };
}

const LONGEST_NAME = 34;

function labelOf({ name }: ComparedModel, place: number): string {
  const characters = Array.from(name);
  const short = characters.length > LONGEST_NAME ? `${characters.slice(0, LONGEST_NAME - 1).join("")}…` : name;
  return `${place + 1}  ${short}`;
}
