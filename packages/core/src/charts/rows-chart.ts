import type { StudyResult, ThreatSection } from "../study/result.js";
import { number, signed } from "../study/words.js";
import { barFigure, nameAxis, zeroRule } from "./bars.js";
import { subtitleOf, trainingRows } from "./captions.js";
import { axisTitle, type ChartOptions, DEFAULT_WIDTH, told } from "./figure.js";
import { keyOf } from "./names.js";
import { type ChartSpec, PALETTE } from "./theme.js";

/** The rows that contribute most to the curvature part of S, as shares of it. */
export function rowsChart(result: StudyResult, threat: ThreatSection, options: ChartOptions): ChartSpec | null {
  const { rows } = threat.contributions;
  if (rows.length === 0 || threat.sensitivity.training.curvature === 0) return null;
  const shown = rows.map(({ row, share, value }, k) => ({
    key: keyOf(k),
    y: 100 * share,
    text: `row ${row}: ${number(100 * share, 4)} % of the curvature part of S (${signed(value, 4)} per ε²)`,
  }));
  const x = {
    field: "y",
    type: "quantitative",
    axis: {
      title: axisTitle("share of the curvature part of S (%); all rows make 100", options.width ?? DEFAULT_WIDTH),
      format: ".3~g",
      tickCount: 6,
    },
  };
  return barFigure(
    {
      title: "Rows that pull hardest on the cost",
      subtitle: subtitleOf(result, threat.threat, trainingRows(result.data)),
    },
    [
      zeroRule,
      {
        mark: { type: "bar", height: 11 },
        encoding: {
          x,
          y: nameAxis(rows.map(({ row }) => `row ${row}`)),
          color: {
            condition: { test: "datum.y < 0", value: PALETTE.vermillion },
            value: PALETTE.blue,
          },
          ...told,
        },
      },
    ],
    shown,
    options,
  );
}
