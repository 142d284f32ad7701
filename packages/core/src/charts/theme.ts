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

/** Vega-Lite's `config`. Sizes are for a picture that is shown at its own size or printed one column wide. */
export const THEME: ChartSpec = {
  background: "white",
  font: "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif",
  view: { stroke: "#bbbbbb" },
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
    gridColor: "#e6e6e6",
    domainColor: "#888888",
    tickColor: "#888888",
  },
  legend: { labelColor: INK, labelFontSize: 11, labelLimit: 0, title: null, symbolStrokeWidth: 2, symbolSize: 60 },
};
