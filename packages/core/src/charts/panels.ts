import { type ChartSpec, FAINT_INK, THEME, VEGA_LITE_SCHEMA } from "./theme.js";

/** Numbers against the x of a panel, drawn in one way. Only what is above 0 has a place on a logarithmic axis, and only numbers have one at all. */
export interface Series {
  /** As the legend says it; no two of a panel are alike. */
  readonly name: string;
  readonly colour: string;
  readonly mark: "line" | "dashed-line" | "circle" | "triangle";
  readonly y: readonly number[];
  /** One for each y, drawn as y ± this; null: none. */
  readonly standardErrors: readonly number[] | null;
}

/** "linear" y starts at 0, "tight" spans what is drawn. */
type AxisKind = "log" | "linear" | "tight";

/** One panel. */
export interface Panel {
  readonly title: string;
  readonly x: { readonly title: string; readonly values: readonly number[] };
  readonly yTitle: string;
  /** Default: both logarithmic. */
  readonly axes?: { readonly x?: AxisKind; readonly y?: AxisKind };
  readonly series: readonly Series[];
  /** A vertical line where something happens, if that is within the axis; null: none. */
  readonly rule: { readonly x: number; readonly label: string } | null;
}

/** What tells series apart, in every panel by itself. */
const CHANNELS = ["color", "stroke", "fill", "shape", "strokeDash"];
const PANEL_WIDTH = 368;
const PANEL_HEIGHT = 210;
/** Of powers of ten, which may not be exact. */
const ROUNDING = 1e-9;
/** Between the values and the ends of an axis, as a factor. */
const MARGIN = 1.3;
/** The same on a linear axis, as a share of it. */
const LINEAR_MARGIN = 0.04;
/** Where an axis has more decades, not all of them have a tick. */
const MOST_DECADES = 6;
const DASHES = { line: [1, 0], "dashed-line": [5, 3] } as const;
const LINE_LEGEND = { symbolType: "stroke", symbolSize: 420 };
const SHAPES = { circle: "circle", triangle: "triangle-down" } as const;

/** Legends of fields with the same name would be merged into one. */
type Kind = "line" | "point";
const kindOf = (mark: Series["mark"]): Kind => (mark in DASHES ? "line" : "point");

/** Powers of ten as people write them, from 10⁻²⁰ to 10²⁰. */
const POWERS = Array.from({ length: 41 }, (_, k) => `10${superscript(k - 20)}`);

function superscript(exponent: number): string {
  return Array.from(String(exponent), (digit) => (digit === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)])).join("");
}

/** The expression by which an axis writes its powers of ten. */
export const POWER_LABELS = `${JSON.stringify(POWERS)}[round(log(datum.value) / LN10) + 20]`;

/** Panels below each other under one title, every panel with its own legend. */
export function stackedPanels(title: string, subtitle: readonly string[], panels: readonly Panel[]): ChartSpec {
  return {
    $schema: VEGA_LITE_SCHEMA,
    title: { text: title, subtitle, fontSize: 14, offset: 12 },
    padding: 10,
    spacing: 22,
    vconcat: panels.map(panelSpec),
    resolve: { scale: Object.fromEntries(CHANNELS.map((channel) => [channel, "independent"])) },
    config: THEME,
  };
}

function panelSpec({ title, x, yTitle, axes, series, rule: wanted }: Panel): ChartSpec {
  const { x: xKind = "log", y: yKind = "log" } = axes ?? {};
  const [first, last] = margins(x.values, xKind);
  const rule = wanted && wanted.x >= first && wanted.x <= last ? wanted : null;
  const values = series.flatMap(({ name, mark, y, standardErrors }) =>
    y.flatMap((value, i) => {
      const error = standardErrors?.[i] ?? 0;
      // The lower end of a bar that reaches 0 is left at the point.
      const low = yKind !== "log" || value - error > 0 ? value - error : value;
      return value > 0 || (yKind !== "log" && Number.isFinite(value))
        ? [{ series: name, [kindOf(mark)]: name, x: x.values[i], y: value, low, high: value + error }]
        : [];
    }),
  );
  const lines = series.filter(({ mark }) => kindOf(mark) === "line");
  const points = series.filter(({ mark }) => kindOf(mark) === "point");
  // The axis spans what lines show; points far below are rounding.
  const spanned = new Set(lines.map(({ name }) => name));
  const position = {
    x: {
      field: "x",
      type: "quantitative",
      ...(xKind === "log" ? logAxis(x.values, x.title, "margins") : linearAxis([first, last], x.title)),
    },
    y: {
      field: "y",
      type: "quantitative",
      ...(yKind === "log"
        ? logAxis(
            values.filter(({ series: name }) => spanned.has(name)).map(({ y }) => y),
            yTitle,
          )
        : linearAxis(yKind === "tight" ? "tight" : "from 0", yTitle)),
    },
  };
  const only = (of: readonly Series[]): readonly ChartSpec[] => [
    { filter: { field: "series", oneOf: of.map(({ name }) => name) } },
  ];
  const hasErrors = series.some(({ standardErrors }) => standardErrors !== null);
  return {
    title: { text: title, offset: 6 },
    width: PANEL_WIDTH,
    height: PANEL_HEIGHT,
    data: { values },
    layer: [
      ...(rule ? ruleLayers(rule) : []),
      {
        transform: only(lines),
        mark: { type: "line", clip: true, strokeWidth: 1.8 },
        encoding: {
          ...position,
          color: scaled("line", lines, ({ colour }) => colour, LINE_LEGEND),
          strokeDash: scaled("line", lines, ({ mark }) => DASHES[mark as keyof typeof DASHES], {
            symbolType: "stroke",
          }),
        },
      },
      ...(hasErrors ? [errorLayer(series, position)] : []),
      {
        transform: only(points),
        mark: { type: "point", clip: true, size: 42, filled: true, opacity: 1, stroke: "white", strokeWidth: 0.6 },
        encoding: {
          ...position,
          fill: scaled("point", points, ({ colour }) => colour),
          shape: scaled("point", points, ({ mark }) => SHAPES[mark as keyof typeof SHAPES]),
        },
      },
    ],
  };
}

/** A channel that tells series apart, with a legend where there are any. */
const scaled = (
  field: "series" | Kind,
  series: readonly Series[],
  range: (one: Series) => unknown,
  legend: ChartSpec = {},
): ChartSpec => ({
  field,
  type: "nominal",
  scale: { domain: series.map(({ name }) => name), range: series.map(range) },
  legend: { orient: "right", ...legend },
});

const errorLayer = (series: readonly Series[], { x, y }: Readonly<Record<"x" | "y", ChartSpec>>): ChartSpec => ({
  mark: { type: "rule", clip: true, strokeWidth: 1 },
  encoding: {
    x,
    y: { ...y, field: "low" },
    y2: { field: "high" },
    stroke: { ...scaled("series", series, ({ colour }) => colour), legend: null },
  },
});

/** The rule, with its label above the frame, where no data are. */
function ruleLayers({ x, label }: NonNullable<Panel["rule"]>): ChartSpec[] {
  const at = { data: { values: [{ at: x }] }, encoding: { x: { field: "at", type: "quantitative" } } };
  return [
    { ...at, mark: { type: "rule", color: FAINT_INK, strokeDash: [2, 2] } },
    {
      ...at,
      mark: { type: "text", text: label, color: FAINT_INK, fontSize: 11, baseline: "bottom", y: -4 },
    },
  ];
}

function margins(values: readonly number[], kind: AxisKind): [number, number] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (kind === "log") return [least / MARGIN, most * MARGIN];
  const margin = LINEAR_MARGIN * (most - least || 1);
  return [least - margin, most + margin];
}

/** A linear axis over a domain, or over what is drawn, from 0 on or not. */
const linearAxis = (span: readonly number[] | "from 0" | "tight", title: string): ChartSpec => ({
  scale:
    typeof span === "string"
      ? { type: "linear", zero: span === "from 0", nice: true }
      : { type: "linear", zero: false, nice: false, domain: span },
  axis: { title, tickCount: 8 },
});

/** A logarithmic axis over the decades of its values, or over the values and a margin, with ticks at powers of ten. */
function logAxis(values: readonly number[], title: string, ends: "decades" | "margins" = "decades"): ChartSpec {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const first = Math.floor(Math.log10(least) + ROUNDING);
  const last = Math.max(first + 1, Math.ceil(Math.log10(most) - ROUNDING));
  const stride = Math.ceil((last - first) / MOST_DECADES);
  const powers = Array.from({ length: Math.floor((last - first) / stride) + 1 }, (_, k) => 10 ** (first + k * stride));
  const domain = ends === "margins" ? margins(values, "log") : [10 ** first, 10 ** last];
  return {
    scale: { type: "log", domain, nice: false },
    axis: {
      title,
      values: powers.filter((power) => power >= domain[0] && power <= domain[1]),
      labelExpr: POWER_LABELS,
    },
  };
}
