import type { LassoPathSection } from "../study/lasso-result.js";
import type { StudyResult } from "../study/result.js";
import { short } from "../study/words.js";
import { unitOf } from "./captions.js";
import { type Panel, type Series, stackedPanels } from "./panels.js";
import { type ChartSpec, PALETTE } from "./theme.js";

const COLOURS = [PALETTE.blue, PALETTE.vermillion, PALETTE.green];

/** The l1 penalties of a study side by side: loss, features that are left, and what robust training costs at one size. */
export function lassoChart(result: StudyResult, path: LassoPathSection): ChartSpec {
  const { points, chosen, epsilon } = path;
  const values = points.map(({ l1 }) => l1);
  const x = { title: "λ of the l1 penalty", values };
  const rule = { x: values[chosen], label: `analysed: λ = ${short(values[chosen])}` };
  const heldOut = points.flatMap(({ heldOutLoss }) => (heldOutLoss === null ? [] : [heldOutLoss]));
  const training = dashed(
    "training rows",
    PALETTE.green,
    points.map(({ trainingLoss }) => trainingLoss),
  );
  const panel = (title: string, yTitle: string, series: readonly Series[]): Panel => ({
    title,
    x,
    yTitle,
    axes: { x: "log", y: "linear" },
    series,
    rule,
  });
  const costs = points[0].threats.map(({ norm }, t) =>
    line(
      `p = ${norm}`,
      COLOURS[t % COLOURS.length],
      points.map(({ threats }) => threats[t].cost),
    ),
  );
  return stackedPanels(
    "What an l1 penalty leaves, and what robustness costs then",
    [`${result.data.source}, ${result.model.loss} loss`],
    [
      panel("Natural loss", unitOf(result.model), [
        ...(heldOut.length > 0 ? [line("held-out rows", PALETTE.blue, heldOut)] : []),
        training,
      ]),
      panel("Features in the model", "features", [
        line(
          "selected",
          PALETTE.blue,
          points.map(({ selected }) => selected.length),
        ),
      ]),
      panel(`Natural loss given up by robust training at ε = ${short(epsilon)}`, unitOf(result.model), costs),
    ],
  );
}

const line = (name: string, colour: string, y: readonly number[]): Series => ({
  name,
  colour,
  mark: "line",
  y,
  standardErrors: null,
});

/** Training and held-out losses may lie on each other. */
const dashed = (...parts: Parameters<typeof line>): Series => ({ ...line(...parts), mark: "dashed-line" });
