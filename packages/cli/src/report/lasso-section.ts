import type { LassoPathSection, StudyResult } from "@aif/core";
import { normName } from "../render/adversary.js";
import { number, short, signed } from "../render/numbers.js";
import { html } from "./html.js";
import type { FiguresOf, Section } from "./parts.js";
import { numberCell, type Table, tableHtml } from "./table.js";

/** Several l1 penalties side by side; none where there is one. */
export async function lassoSections({ lassoPath, fit }: StudyResult, figures: FiguresOf): Promise<Section[]> {
  if (lassoPath === null) return [];
  const chosen = short(lassoPath.points[lassoPath.chosen].l1);
  const judged = fit.heldOutLoss === null ? "training" : "held-out";
  return [
    {
      id: "penalties",
      title: "The path of the l1 penalty",
      body: html`<p>All else on this page is of λ = ${chosen}, which has the smallest ${judged} loss.</p>${await figures(null)}${tableHtml(penaltyTable(lassoPath))}`,
    },
  ];
}

const penaltyTable = ({ points, epsilon }: LassoPathSection): Table => ({
  caption: `Models by penalty; the cost is the natural loss given up by robust training at ε = ${short(epsilon)}`,
  head: [
    "λ",
    "features",
    "training loss",
    "held-out loss",
    ...points[0].threats.flatMap(({ norm }) => [`S/ε² on the training rows, ${normName(norm)}`, "cost"]),
  ],
  rows: points.map(({ l1, selected, trainingLoss, heldOutLoss, threats }) => ({
    cells: [
      numberCell(l1, short),
      numberCell(selected.length, String),
      numberCell(trainingLoss, (value) => number(value, 4)),
      numberCell(heldOutLoss, (value) => number(value, 4)),
      ...threats.flatMap(({ curvature, cost }) => [numberCell(curvature, number), numberCell(cost, signed)]),
    ],
  })),
});
