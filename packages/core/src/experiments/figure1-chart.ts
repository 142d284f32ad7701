import { type Panel, type Series, stackedPanels } from "../charts/panels.js";
import { type ChartSpec, PALETTE } from "../charts/theme.js";
import { number } from "../study/words.js";
import type { ExperimentSettings, Summary } from "./experiment.js";

/** Two panels over ε, ΔI and ΔS: exact optima as lines, PGD as points, the kink radius as a rule. */
export function figure1Chart(
  { columns, values }: Summary,
  { norm: p, repetitions }: ExperimentSettings,
  rows: number,
  formula: string,
): ChartSpec {
  const kink = values["kinkRadius"].mean;
  const rule: Panel["rule"] =
    kink === null
      ? null
      : { x: kink, label: `${repetitions > 1 ? "mean kink radius" : "kink radius"} ${number(kink, 2)}` };
  const x = {
    title: `ε, relative size of the attack (radius ε·c in the l${p === Number.POSITIVE_INFINITY ? "∞" : p} norm, c = ${number(values["scale"].mean)})`,
    values: columns["epsilon"].mean,
  };
  const series = (name: string, column: string, colour: string, mark: Series["mark"]): Series => ({
    name,
    colour,
    mark,
    y: columns[column].mean,
    standardErrors: columns[column].standardErrors,
  });
  const panels: Panel[] = [
    {
      title: "ΔI = ‖(θ(ε) − θ̂)/ε − I‖₂",
      x,
      yTitle: "ΔI (units of θ per unit of ε)",
      rule,
      series: [
        series("ΔI, exact optimum", "influence.exact", PALETTE.blue, "line"),
        series("ΔI, PGD", "influence.pgd", PALETTE.blue, "circle"),
        series("PGD's own error", "pgd.own", PALETTE.vermillion, "triangle"),
      ],
    },
    {
      title: "ΔS = |Ŝ(ε)/ε² − k·I′HI|",
      x,
      yTitle: "ΔS (loss r² per unit of ε²)",
      rule,
      series: [
        series("printed, k = 1, exact", "printed.exact", PALETTE.vermillion, "dashed-line"),
        series("corrected, k = ½, exact", "corrected.exact", PALETTE.blue, "line"),
        series("printed, PGD", "printed.pgd", PALETTE.vermillion, "circle"),
        series("corrected, PGD", "corrected.pgd", PALETTE.blue, "circle"),
      ],
    },
  ];
  const sets = repetitions > 1 ? `, means of ${repetitions} data sets ± standard error` : "";
  return stackedPanels(
    "Figure 1: errors of the influence and of the sensitivity",
    [`n = ${rows}${sets}, linear model, loss r² on the training rows`, formula],
    panels,
  );
}
