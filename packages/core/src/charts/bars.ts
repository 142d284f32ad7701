/** Pictures with a name a line. */
import { type Caption, type ChartOptions, DEFAULT_WIDTH, figure } from "./figure.js";
import { keyOf, labelsOf } from "./names.js";
import { type ChartSpec, FAINT_INK } from "./theme.js";

const LINE = 19;
const AXIS = 56;

/** Names down the side, in this order; the data have their keys. */
export const nameAxis = (names: readonly string[]): ChartSpec => ({
  field: "key",
  type: "nominal",
  sort: names.map((_, k) => keyOf(k)),
  axis: { title: null, labelExpr: labelsOf(names), labelLimit: 170, ticks: false, domain: false, grid: true },
});

export const zeroRule: ChartSpec = {
  data: { values: [{ zero: 0 }] },
  mark: { type: "rule", aria: false, color: FAINT_INK },
  encoding: { x: { field: "zero", type: "quantitative" } },
};

/** One line for each of the values, which all layers without data of their own share. */
export function barFigure(
  caption: Caption,
  layer: readonly ChartSpec[],
  values: readonly Readonly<Record<string, unknown>>[],
  { width = DEFAULT_WIDTH }: ChartOptions,
): ChartSpec {
  return { ...figure(caption, layer, { width }, LINE * values.length + AXIS), data: { values } };
}
