import type { PathPoint, PathResult, PathSection } from "@aif/core";
import { pageWidth, type TableColumn, table, widthOf, wrap } from "./layout.js";
import { number, percent, short } from "./numbers.js";
import type { Paint } from "./page.js";

/** Steps of the table between its first and its last line. */
const steps = 10;

/** The metric that a model is told by. */
const metrics: readonly { readonly name: string; readonly shown: (value: number) => string }[] = [
  { name: "accuracy", shown: percent },
  { name: "rmse", shown: (value) => number(value, 4) },
];

/** About a dozen points of the path, evenly spaced. */
export function pathTableLines(
  result: PathResult,
  { points, attacked }: PathSection,
  { heading, faint }: Paint,
  explain: boolean,
): string[] {
  const shown = evenly(points);
  const right = (header: readonly string[], cell: (point: PathPoint) => string): TableColumn => ({
    header,
    cells: shown.map(cell),
    align: "right",
  });
  const metric = metrics.find(({ name }) => name in points[0].metrics.natural);
  const both = (kind: "natural" | "robust", header: string): TableColumn[] =>
    metric ? [right([metric.name, header], (point) => metric.shown(point.metrics[kind][metric.name]))] : [];
  // The worse side of a log loss never changes.
  const sticks = result.model.loss !== "logistic";
  const columns = [
    right(["ε"], ({ epsilon }) => short(epsilon)),
    right(["ρ"], ({ radius }) => short(radius)),
    right(["natural", "loss"], ({ naturalLoss }) => number(naturalLoss, 4)),
    right(["robust", "loss"], ({ robustLoss }) => number(robustLoss, 4)),
    ...both("natural", "natural"),
    ...both("robust", "attacked"),
    right(["zero", `of ${attacked.length}`], ({ zeroCoefficients }) => String(zeroCoefficients.length)),
    ...(sticks ? [right(["rows", "stuck"], ({ stuckRows }) => String(stuckRows))] : []),
  ];
  const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);
  const tables = [2, 1].map((gap) => table(columns, gap));
  const fits = tables.find(({ header, body }) =>
    indented([...header, ...body]).every((line) => widthOf(line) <= pageWidth),
  );
  const { header, body } = fits ?? tables[1];
  const legend = [
    `robust loss${metric ? `, ${metric.name} attacked` : ""}: of the model trained against attacks of this size, under such an attack`,
    `zero: attacked coefficients that are exactly 0${sticks ? "; rows stuck: residuals held at 0, or where both directions of the attack are equally bad" : ""}`,
  ];
  const explained = explain ? legend.flatMap((entry) => wrap(entry, { indent: 2, hang: 4 })) : [];
  return [...indented(header).map(heading), ...indented(body), ...explained.map(faint)];
}

/** The points nearest to an even grid. */
function evenly(points: readonly PathPoint[]): PathPoint[] {
  const last = points[points.length - 1].epsilon;
  const chosen = Array.from({ length: steps + 1 }, (_, k) => {
    const goal = (last * k) / steps;
    return points.reduce((best, point) =>
      Math.abs(point.epsilon - goal) < Math.abs(best.epsilon - goal) ? point : best,
    );
  });
  return [...new Set(chosen)];
}
