import type { LassoPathPoint, StudyResult } from "@aif/core";
import { pageWidth, type TableColumn, table, widthOf, wrap } from "./layout.js";
import { equation, number, short, signed } from "./numbers.js";
import type { Paint } from "./page.js";

/** Several l1 penalties side by side: the loss, how many features are left, and what robustness costs. */
export function lassoPathLines({ lassoPath, fit }: StudyResult, { heading, faint }: Paint): string[] {
  if (lassoPath === null) return [];
  const { points, chosen, epsilon } = lassoPath;
  const right = (header: readonly string[], cell: (point: LassoPathPoint) => string): TableColumn => ({
    header,
    cells: points.map(cell),
    align: "right",
  });
  const isHeldOut = fit.heldOutLoss !== null;
  const threats = points[0].threats
    .slice(0, 2)
    .map(({ norm }, t) => ({ norm, of: (point: LassoPathPoint) => point.threats[t] }));
  const columns: TableColumn[] = [
    { header: [""], cells: points.map((_, k) => (k === chosen ? "→" : "")), align: "left" },
    right(["λ"], ({ l1 }) => short(l1)),
    right(["features"], ({ selected }) => String(selected.length)),
    right(["training", "loss"], ({ trainingLoss }) => number(trainingLoss, 4)),
    ...(isHeldOut ? [right(["held-out", "loss"], ({ heldOutLoss }) => number(heldOutLoss, 4))] : []),
    ...threats.flatMap(({ norm, of }) => [
      right([`S/ε², p = ${norm}`, "training"], (point) => number(of(point).curvature)),
      right([`cost at`, equation("ε", epsilon)], (point) => signed(of(point).cost)),
    ]),
  ];
  const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);
  const tables = [2, 1].map((gap) => table(columns, gap));
  const { header, body } =
    tables.find((one) => indented([...one.header, ...one.body]).every((text) => widthOf(text) <= pageWidth)) ??
    tables[1];
  return [
    heading("The path of the l1 penalty"),
    ...indented(header).map(faint),
    ...indented(body),
    ...wrap(
      `→ the λ that this report is of: the smallest ${isHeldOut ? "held-out" : "training"} loss. cost: natural loss given up by robust training, ${isHeldOut ? "on held-out rows" : "on the training rows"}.`,
      { indent: 2 },
    ).map(faint),
  ];
}
