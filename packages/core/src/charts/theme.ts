/** How every chart looks. */

/** A chart specification: Vega-Lite JSON with its data inside, to be drawn by whoever has a renderer. */
export type ChartSpec = Readonly<Record<string, unknown>>;

export const VEGA_LITE_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json";

/** Okabe and Ito's colours, which the common forms of colour blindness tell apart; without yellow, which is too faint for lines. */
export const PALETTE = {
  blue: "#0072B2",
  vermillion: "#D55E00",
  green: "#009E73",
  purple: "#CC79A7",
  orange: "#E69F00",
  sky: "#56B4E9",
  black: "#000000",
} as const;

const INK = "#222222";
/** For what is said beside the data: subtitles, rules, the grid. */
export const FAINT_INK = "#5a5a5a";
const PAPER = "#ffffff";
const GRID = "#e6e6e6";
const FRAME = "#bbbbbb";
const DOMAIN = "#888888";
/** Behind what lies beyond the range of validity. */
export const SHADE = "#f1efe9";

/** Every colour of a chart on light paper, with its name in style sheets and its counterpart on dark paper. */
export const COLOURS: readonly { readonly name: string; readonly light: string; readonly dark: string }[] = [
  { name: "blue", light: PALETTE.blue, dark: "#5bb3ea" },
  { name: "vermillion", light: PALETTE.vermillion, dark: "#ff8a47" },
  { name: "green", light: PALETTE.green, dark: "#3ecfa3" },
  { name: "purple", light: PALETTE.purple, dark: "#e6a1c8" },
  { name: "orange", light: PALETTE.orange, dark: "#f5bd4b" },
  { name: "sky", light: PALETTE.sky, dark: "#9ad4f7" },
  { name: "strong", light: PALETTE.black, dark: "#fefefe" },
  { name: "ink", light: INK, dark: "#ececec" },
  { name: "faint", light: FAINT_INK, dark: "#b0b0b0" },
  { name: "paper", light: PAPER, dark: "#15181c" },
  { name: "grid", light: GRID, dark: "#2e3338" },
  { name: "frame", light: FRAME, dark: "#4a5056" },
  { name: "domain", light: DOMAIN, dark: "#8b9096" },
  { name: "shade", light: SHADE, dark: "#22262b" },
];

const DARK_OF = new Map(COLOURS.map(({ light, dark }) => [light, dark]));

/** A chart's specification with its colours for dark paper. */
export const onDarkPaper = (spec: ChartSpec): ChartSpec => darkened(spec) as ChartSpec;

function darkened(value: unknown): unknown {
  if (typeof value === "string") return DARK_OF.get(value) ?? value;
  if (Array.isArray(value)) return value.map(darkened);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, darkened(part)]));
}

/** Vega-Lite's `config`. Sizes are for a picture that is shown at its own size or printed one column wide. */
export const THEME: ChartSpec = {
  background: PAPER,
  font: "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif",
  view: { stroke: FRAME },
  title: {
    anchor: "start",
    frame: "group",
    color: INK,
    fontSize: 13,
    fontWeight: "bold",
    subtitleColor: FAINT_INK,
    subtitleFontSize: 11,
    subtitlePadding: 4,
  },
  axis: {
    labelColor: INK,
    labelFontSize: 11,
    titleColor: INK,
    titleFontSize: 11,
    titleFontWeight: "normal",
    titlePadding: 6,
    gridColor: GRID,
    domainColor: DOMAIN,
    tickColor: DOMAIN,
  },
  legend: { labelColor: INK, labelFontSize: 11, labelLimit: 0, title: null, symbolStrokeWidth: 2, symbolSize: 60 },
};
