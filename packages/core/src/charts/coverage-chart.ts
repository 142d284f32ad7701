import { number } from "../study/words.js";
import { barFigure, nameAxis } from "./bars.js";
import { axisTitle, type ChartOptions, DEFAULT_WIDTH, told } from "./figure.js";
import { distinct, keyOf } from "./names.js";
import { type ChartSpec, FAINT_INK, PALETTE, SHADE } from "./theme.js";

/** How often intervals held the truth in a simulation, in percent: of all quantities of one design the least and the most. */
export interface Coverage {
  readonly name: string;
  readonly lowest: number;
  readonly highest: number;
}

/** The words of a coverage chart, and the range that counts as kept. */
export interface CoverageFrame {
  readonly title: string;
  readonly subtitle: string;
  /** In percent: what the intervals promise, and the range that counts as kept. */
  readonly nominal: number;
  readonly accepted: readonly [number, number];
}

/** What is less lies at the edge; the words of its mark say how much it is. */
const LEAST_SHOWN = 80;
const LONGEST_NAME = 40;

/** Coverage of intervals beside what they promise: a line for each design, from its least to its best covered quantity. */
export function coverageChart(
  cells: readonly Coverage[],
  { title, subtitle, nominal, accepted }: CoverageFrame,
  options: ChartOptions = {},
): ChartSpec {
  const clipped = (share: number): number => Math.max(LEAST_SHOWN, share);
  const values = cells.map(({ name, lowest, highest }, k) => ({
    key: keyOf(k),
    lowest: clipped(lowest),
    highest: clipped(highest),
    missed: lowest < accepted[0],
    off: lowest < LEAST_SHOWN,
    text: `${name}: ${number(lowest, 3)}${highest > lowest ? ` to ${number(highest, 3)}` : ""} %`,
  }));
  const x = {
    type: "quantitative",
    scale: { domain: [LEAST_SHOWN, 100], nice: false, zero: false },
    axis: {
      title: axisTitle(
        `intervals that hold the truth (%; ◂: fewer than ${LEAST_SHOWN})`,
        options.width ?? DEFAULT_WIDTH,
      ),
    },
  };
  const y = nameAxis(
    distinct(
      cells.map(({ name }) => name),
      LONGEST_NAME,
    ),
  );
  const color = { condition: { test: "datum.missed", value: PALETTE.vermillion }, value: PALETTE.blue };
  return barFigure(
    { title, subtitle },
    [
      {
        data: { values: [{ from: accepted[0], to: accepted[1] }] },
        mark: { type: "rect", aria: false, color: SHADE, opacity: 1 },
        encoding: { x: { ...x, field: "from" }, x2: { field: "to" } },
      },
      {
        data: { values: [{ nominal }] },
        mark: { type: "rule", aria: false, color: FAINT_INK, strokeDash: [3, 3] },
        encoding: { x: { ...x, field: "nominal" } },
      },
      {
        mark: { type: "rule", strokeWidth: 2 },
        encoding: { x: { ...x, field: "lowest" }, x2: { field: "highest" }, y, color },
      },
      {
        mark: { type: "point", filled: true, size: 44, opacity: 1 },
        encoding: {
          x: { ...x, field: "lowest" },
          y,
          color,
          shape: { condition: { test: "datum.off", value: "triangle-left" }, value: "circle" },
          ...told,
        },
      },
    ],
    values,
    options,
  );
}
