import type { PathResult, PathSection } from "../study/path-result.js";
import { scalingOf } from "../study/scaling.js";
import { number, short } from "../study/words.js";
import { subtitleOf, trainingRows } from "./captions.js";
import {
  type ChartOptions,
  figure,
  heightTitle,
  levelAt,
  markedAt,
  type SeriesStyle,
  seriesChannels,
  sizeAxis,
  told,
} from "./figure.js";
import { distinct, keyOf } from "./names.js";
import { type ChartSpec, PALETTE } from "./theme.js";

const COLOURS = [
  PALETTE.blue,
  PALETTE.vermillion,
  PALETTE.green,
  PALETTE.purple,
  PALETTE.orange,
  PALETTE.sky,
  PALETTE.black,
];
const DASHES = [
  [1, 0],
  [6, 3],
] as const;
const MOST = COLOURS.length * DASHES.length - 2;
const LONGEST_NAME = 22;
/** Points that answer to the pointer; lines have all. */
const MOST_MARKS = 400;

/** Parameters of the exact robust optimum as functions of ε: the largest without attack, the intercept left out. */
export function pathParametersChart(result: PathResult, path: PathSection, options: ChartOptions): ChartSpec | null {
  const { parameters } = result.model;
  const first = result.model.intercept ? 1 : 0;
  const largest = parameters
    .map((name, j) => ({ name, j, size: Math.max(...path.points.map((point) => Math.abs(point.parameters[j]))) }))
    .slice(first)
    .filter(({ size }) => size > 0)
    .toSorted((a, b) => b.size - a.size)
    .slice(0, MOST);
  if (largest.length === 0) return null;
  // A legend tells series apart by their names.
  const names = distinct(
    largest.map(({ name }) => name),
    LONGEST_NAME,
  );
  const styles: SeriesStyle[] = names.map((label, k) => ({
    name: keyOf(k),
    label,
    colour: COLOURS[k % COLOURS.length],
    dash: DASHES[Math.floor(k / COLOURS.length)],
  }));
  const values = largest.flatMap(({ j }, k) =>
    path.points.map((point) => ({
      series: styles[k].name,
      x: point.epsilon,
      y: point.parameters[j],
      text: `${names[k]}, ε = ${short(point.epsilon)}: ${number(point.parameters[j], 4)}`,
    })),
  );
  const { position: x, domain } = sizeAxis(
    path.points.map(({ epsilon }) => epsilon),
    path.scale,
    options,
  );
  const scaling = scalingOf(result.model.scaler);
  const units = scaling === null ? "" : ` (${scaling} units)`;
  const y = {
    field: "y",
    type: "quantitative",
    axis: { title: heightTitle(`parameter${units}`, options), format: ".3~g" },
  };
  const shown = values.filter(({ x: at }) => at >= domain[0] && at <= domain[1]);
  const stride = Math.ceil(shown.length / MOST_MARKS);
  return figure(
    {
      title: `How the exact robust model changes with the attack${parameters.length - first > MOST ? `: ${MOST} of ${parameters.length - first} parameters` : ""}`,
      subtitle: subtitleOf(result, path, trainingRows(result.data)),
    },
    [
      levelAt(0),
      ...markedAt(path.collapseRadius, domain, "collapse"),
      {
        data: { values: shown },
        mark: { type: "line", aria: false, clip: true, strokeWidth: 1.8 },
        encoding: { x, y, ...seriesChannels(styles, options) },
      },
      {
        data: { values: shown.filter((_, k) => k % stride === 0) },
        mark: { type: "point", clip: true, filled: true, opacity: 0, size: 60 },
        encoding: { x, y, color: { field: "series", type: "nominal" }, ...told },
      },
    ],
    options,
    Math.min(420, Math.max(300, Math.round(0.62 * (options.width ?? 600)))),
  );
}
