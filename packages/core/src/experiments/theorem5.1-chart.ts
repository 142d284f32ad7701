import { type Series, stackedPanels } from "../charts/panels.js";
import { type ChartSpec, PALETTE } from "../charts/theme.js";
import { exponentName } from "../threats/norms.js";
import type { ExperimentSettings, Summary } from "./experiment.js";
import { seriesOf } from "./summary-series.js";
import { LENGTHS } from "./theorem5.1-verdicts.js";

/** Up to here the two models cost about the same, and which costs more depends on β₁. */
const CLOSE = 0.5;

/** S_L/S_Q while b is small, for a short and a long β₁; then S_L and S_Q up to where S_L > S_Q whatever β₁ is. */
export function theorem51Chart(summary: Summary, { norm }: ExperimentSettings, rows: number): ChartSpec {
  const b = summary.columns["b"].mean;
  const near = b.filter((value) => value <= CLOSE);
  const series = seriesOf(summary);
  const cut = (one: Series): Series => ({
    ...one,
    y: one.y.slice(0, near.length),
    standardErrors: one.standardErrors?.slice(0, near.length) ?? null,
  });
  const x = { title: "b = ‖β₂‖²σ², the quadratic part" };
  const { short, long } = LENGTHS;
  return stackedPanels(
    "Theorem 5.1: linear against quadratic",
    [`n = ${rows}, m = 3, σ = σ_ξ = 1, attack p = ${exponentName(norm)}; lines: formulas, points: simulated`],
    [
      {
        title: "Below 1 the quadratic model costs more",
        x: { ...x, values: near },
        yTitle: "S_L / S_Q",
        axes: { x: "linear", y: "tight" },
        rule: null,
        series: [
          cut(series(`‖β₁‖ = ${short}`, "short.ratio.formula", PALETTE.blue, "line")),
          cut(series(`‖β₁‖ = ${long}`, "long.ratio.formula", PALETTE.vermillion, "line")),
          cut(series(`‖β₁‖ = ${short}, simulated`, "short.ratio", PALETTE.blue, "circle")),
          cut(series(`‖β₁‖ = ${long}, simulated`, "long.ratio", PALETTE.vermillion, "triangle")),
        ],
      },
      {
        title: `‖β₁‖ = ${short}: beyond b = √2·k′ S_L > S_Q for every β₁`,
        x: { ...x, values: b },
        yTitle: "S/ε² (loss r²/2)",
        axes: { y: "linear" },
        rule: { x: 2 / Math.sqrt(Math.PI), label: "b = √2·k′" },
        series: [
          series("S_L, linear", "short.linear.formula", PALETTE.vermillion, "line"),
          series("S_Q, quadratic", "short.quadratic.formula", PALETTE.blue, "line"),
          series("S_L, simulated", "short.linear", PALETTE.vermillion, "circle"),
          series("S_Q, simulated", "short.quadratic", PALETTE.blue, "triangle"),
        ],
      },
    ],
  );
}
