/** One picture: a frame with its words, and the layers that are drawn in it. */
import { short } from "../study/words.js";
import { labelsOf } from "./names.js";
import { type ChartSpec, FAINT_INK, PALETTE, SHADE, THEME, VEGA_LITE_SCHEMA } from "./theme.js";

/** How a chart is wanted. */
export interface ChartOptions {
  /** Of sizes of the attack: from 0 on, or by powers of ten, where small sizes can be told apart. Default linear. */
  readonly axes?: "linear" | "log";
  /** Of the whole picture, in pixels. Default 600. */
  readonly width?: number;
  /**
   * The size of the attack that is looked at: charts over ε mark it, and it is what charts of one size are of. In a picture that is
   * shown alive the mark is the parameter `MARKED_SIZE`, which can be moved.
   */
  readonly epsilon?: number;
}

/** The name of the parameter of a live chart that says which size is marked. */
export const MARKED_SIZE = "markedSize";

export const DEFAULT_WIDTH = 600;

/** What stands above a picture: what it shows; then units, norm, loss and n. */
export interface Caption {
  readonly title: string;
  readonly subtitle: string;
}

/** Mean widths of characters: of the title, bold at 14 px, and of the subtitle at 11 px. */
const TITLE_CHARACTER = 8.4;
const SUBTITLE_CHARACTER = 6.2;
const PADDING = 8;

/**
 * A picture of a fixed width, axes and words included.
 * @param height of the whole picture without its title, in pixels.
 */
export function figure(
  { title, subtitle }: Caption,
  layer: readonly ChartSpec[],
  { width = DEFAULT_WIDTH, epsilon }: ChartOptions,
  height = Math.min(380, Math.max(300, Math.round(0.6 * width))),
): ChartSpec {
  const room = width - 2 * PADDING;
  const head = broken(title, room / TITLE_CHARACTER);
  const below = broken(subtitle, room / SUBTITLE_CHARACTER);
  return {
    $schema: VEGA_LITE_SCHEMA,
    description: `${title}. ${subtitle}`,
    title: { text: head, subtitle: below, fontSize: 14, offset: 10, frame: "bounds" },
    width,
    height: height + 17 * head.length + 14 * below.length,
    autosize: { type: "fit", contains: "padding" },
    padding: PADDING,
    ...(epsilon === undefined ? {} : { params: [{ name: MARKED_SIZE, value: epsilon }] }),
    layer,
    config: THEME,
  };
}

/** Lines of at most so many characters, broken between words; a longer word stands by itself. */
export function broken(text: string, length: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= length) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

const AXIS_CHARACTER = 6.3;

/** Of a legend, in the wide fonts that some systems have. */
const WIDEST_CHARACTER = 7.1;

/** The words of an axis, in lines that fit beside a frame of so many pixels. */
export const axisTitle = (text: string, room: number): string[] =>
  broken(text, Math.max(24, (room - 90) / AXIS_CHARACTER));

/** The words of a vertical axis: frames are wider than high. */
export const heightTitle = (text: string, { width = DEFAULT_WIDTH }: ChartOptions): string[] =>
  axisTitle(text, 90 + 0.45 * width);

/** The axis of sizes of the attack. `values` are all sizes that are drawn. */
export interface SizeAxis {
  readonly position: ChartSpec;
  readonly domain: readonly [number, number];
}

/**
 * ε on the horizontal axis. Linear axes end where the picture still tells: at `reach` if it is given and less than all values.
 * @param values above 0
 */
export function sizeAxis(
  values: readonly number[],
  scale: number | null,
  { axes = "linear", width = DEFAULT_WIDTH }: ChartOptions,
  reach?: number | null,
): SizeAxis {
  const positive = values.filter((value) => value > 0);
  const most = Math.max(...positive);
  const title =
    scale === null
      ? "ε, relative size of the attack"
      : `ε, relative size of the attack (ρ\u00a0=\u00a0ε·${short(scale)})`;
  const domain: readonly [number, number] =
    axes === "log" ? [Math.min(...positive) / 1.2, most * 1.2] : [0, Math.min(most, reach ?? most) * 1.02];
  return {
    domain,
    position: {
      field: "x",
      type: "quantitative",
      scale: axes === "log" ? { type: "log", domain, nice: false } : { domain, nice: false },
      axis: { title: axisTitle(title, width), format: ".2~g", tickCount: 7, labelOverlap: true },
    },
  };
}

/** What is inside an axis, and the first value beyond its end, to which lines lead: far ones would be drawn miles away. */
export const nearby = <Point extends { readonly x: number }>(points: readonly Point[], last: number): Point[] => {
  const beyond = Math.min(...points.filter(({ x }) => x > last).map(({ x }) => x));
  return points.filter(({ x }) => x <= last || x === beyond);
};

/** How series are told apart. */
export interface SeriesStyle {
  /** As the data have it; never a name that comes from data. */
  readonly name: string;
  /** As the legend has it, where that is another. */
  readonly label?: string;
  readonly colour: string;
  readonly dash?: readonly number[];
}

/** The channels of series with a legend above the frame, in as many columns as fit. */
export function seriesChannels(styles: readonly SeriesStyle[], { width = DEFAULT_WIDTH }: ChartOptions): ChartSpec {
  const names = styles.map(({ name }) => name);
  const labels = styles.map(({ name, label }) => label ?? name);
  const longest = Math.max(...labels.map((label) => label.length));
  const columns = Math.max(1, Math.min(names.length, Math.floor(width / (56 + WIDEST_CHARACTER * longest))));
  const legend = {
    orient: "top",
    direction: "horizontal",
    columns,
    symbolType: "stroke",
    symbolSize: 360,
    // Columns are as wide as a narrow font needs; a wide one gets its room here.
    columnPadding: Math.round(12 + (WIDEST_CHARACTER - AXIS_CHARACTER) * longest),
    title: null,
    ...(styles.some(({ label }) => label !== undefined) ? { labelExpr: labelsOf(labels) } : {}),
  };
  return {
    color: {
      field: "series",
      type: "nominal",
      scale: { domain: names, range: styles.map(({ colour }) => colour) },
      legend,
    },
    strokeDash: {
      field: "series",
      type: "nominal",
      scale: { domain: names, range: styles.map(({ dash }) => dash ?? [1, 0]) },
      legend,
    },
  };
}

/** What is read aloud, and shown beside the pointer where the picture is shown alive. */
export const told: ChartSpec = {
  description: { field: "text", type: "nominal" },
  tooltip: { field: "text", type: "nominal" },
};

/** Everything beyond a size, shaded, with a word at its edge. Nothing where that lies outside the axis. */
export function shadedBeyond(
  from: number | null,
  [first, last]: readonly [number, number],
  label: string,
): ChartSpec[] {
  if (from === null || !(from < last)) return [];
  const start = Math.max(from, first);
  return [
    {
      data: { values: [{ x: start, end: last }] },
      mark: { type: "rect", aria: false, color: SHADE, opacity: 1 },
      encoding: { x: { field: "x", type: "quantitative" }, x2: { field: "end" } },
    },
    ...(from > first ? markedAt(from, [first, last], label) : []),
  ];
}

/** A line at the size that is looked at, where one is. */
export const markOf = ({ epsilon }: ChartOptions): ChartSpec[] =>
  epsilon === undefined
    ? []
    : [
        {
          data: { values: [{}] },
          mark: { type: "rule", aria: false, clip: true, color: PALETTE.purple, strokeWidth: 2 },
          encoding: { x: { datum: { expr: MARKED_SIZE }, type: "quantitative" } },
        },
      ];

/** A vertical rule with a word beside its head, on the side where there is room. */
export function markedAt(at: number | null, [first, last]: readonly [number, number], label: string): ChartSpec[] {
  if (at === null || !(at > first && at < last)) return [];
  const late = at - first > 0.6 * (last - first);
  const base = { data: { values: [{ x: at }] }, encoding: { x: { field: "x", type: "quantitative" } } };
  return [
    { ...base, mark: { type: "rule", aria: false, color: FAINT_INK, strokeDash: [3, 3] } },
    {
      ...base,
      mark: {
        type: "text",
        aria: false,
        text: label,
        color: FAINT_INK,
        fontSize: 11,
        align: late ? "right" : "left",
        dx: late ? -4 : 4,
        y: 10,
      },
    },
  ];
}

/** From the least to the most of some numbers, with room beyond. */
export function spanOf(values: readonly number[], share = 0.06): readonly [number, number] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const room = share * (most - least || Math.abs(most) || 1);
  return [least - room, most + room];
}

/** A horizontal rule at 0, or where nothing changes. */
export const levelAt = (y: number): ChartSpec => ({
  data: { values: [{ y }] },
  mark: { type: "rule", aria: false, color: FAINT_INK, strokeWidth: 1 },
  encoding: { y: { field: "y", type: "quantitative" } },
});
