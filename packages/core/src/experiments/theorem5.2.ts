import { stackedPanels } from "../charts/panels.js";
import { PALETTE } from "../charts/theme.js";
import { linearProcess } from "../data/linear-process.js";
import { linear } from "../models/score-model.js";
import type { Work } from "../parallel/work.js";
import type { RandomStream } from "../stats/random.js";
import { meanGaussianNorm } from "../theory/normal-lengths.js";
import { linearSensitivity, linearSensitivityBias } from "../theory/number-of-features.js";
import { type Exponent, exponentName } from "../threats/norms.js";
import { judged } from "./agreement.js";
import type { Column, Experiment, ExperimentSettings, Repetition } from "./experiment.js";
import { asColumns, measureDebiased } from "./measured.js";
import { seriesOf } from "./summary-series.js";

const ROWS = 20_000;
const SIGMA_X = 1.5;
const SIGMA_ETA = 1;
const FEATURES = [1, 2, 3, 4, 6, 8, 10];
/** Alternating, no two alike: no ties at p = 1, no zeros at p = ∞. */
const beta = (m: number): number[] => Array.from({ length: m }, (_, j) => (-1) ** j * (1 - 0.04 * j));

const COLUMNS: readonly Column[] = [
  { name: "features", heading: ["m"], meaning: "number of features" },
  { name: "simulated", heading: ["S/ε²", "Ŝ"], meaning: "½Î'HÎ on the rows drawn" },
  {
    name: "debiased",
    heading: ["S/ε²", "debiased"],
    meaning: "the same without ½tr(H Cov Î), which noise in Î adds",
  },
  { name: "printed", heading: ["c²(E|η|)²", "‖φ‖²/σ_x²"], meaning: "Theorem 5.2, for p = 2 as it is printed" },
  {
    name: "bias",
    heading: ["of Ŝ,", "expected"],
    meaning: "Theorem 5.2 and the noise of Î at this n, m·SNR·(π/2 − 1)/n of it (p = 2)",
  },
];

/** Theorem 5.2 (MATH 5): S/ε² = c²(E|η|)²‖φ_p(β)‖²/σ_x², and how far Ŝ lies above it at n rows. */
export const theorem52: Experiment = {
  name: "theorem5.2",
  reference: "Theorem 5.2",
  title: "The sensitivity of a linear regression",
  shows: "S/ε² = c²(E|η|)²/σ_x² holds; noise in Î adds a share of m·SNR/n",
  defaults: { repetitions: 40, seed: 0, norm: 2 },
  columns: COLUMNS,
  setup: ({ norm: p }) =>
    `${ROWS} rows of y = β'x + η, x ~ N(0, ${SIGMA_X}²I), η ~ N(0, ${SIGMA_ETA}²), β = (1, −0.96, 0.92, …); linear model without intercept, loss r², attack p = ${exponentName(p)}.`,
  formulas: ({ norm: p }) =>
    asColumns(
      FEATURES.map((m) => {
        const formula = populationSensitivity(m, p);
        const signal = (SIGMA_X ** 2 * beta(m).reduce((sum, value) => sum + value ** 2, 0)) / SIGMA_ETA ** 2;
        const bias = p === 2 ? linearSensitivityBias(m, ROWS, signal) : Number.NaN;
        return { features: m, printed: formula, bias: formula * (1 + bias) };
      }),
    ),
  repeat,
  conclude: (summary, settings) => ({
    verdicts: [
      judged(`S/ε² = c²(E|η|)²‖φ_p(β)‖²/σ_x²`, summary, {
        simulated: "debiased",
        formula: "printed",
        grid: COLUMNS[0],
      }),
      ...(settings.norm === 2
        ? [
            judged("Ŝ exceeds it by m·SNR·(π/2 − 1)/n of it, which the printed remainder hides", summary, {
              simulated: "simulated",
              formula: "bias",
              grid: COLUMNS[0],
            }),
          ]
        : []),
    ],
    chart: stackedPanels(
      "Theorem 5.2: the sensitivity of a linear regression",
      [`n = ${ROWS}, σ_x = ${SIGMA_X}, σ_η = ${SIGMA_ETA}, attack p = ${exponentName(settings.norm)}, loss r²`],
      [
        {
          title: "S/ε² over the number of features",
          x: { title: "m, number of features", values: FEATURES },
          yTitle: "S/ε² (loss r²)",
          axes: { x: "linear", y: "linear" },
          rule: null,
          series: [
            seriesOf(summary)("formula", "printed", PALETTE.blue, "line"),
            seriesOf(summary)("simulated, debiased", "debiased", PALETTE.blue, "circle"),
          ],
        },
      ],
    ),
  }),
};

const populationSensitivity = (m: number, p: Exponent): number =>
  linearSensitivity({
    beta: beta(m),
    meanAbsoluteNoise: SIGMA_ETA * Math.sqrt(2 / Math.PI),
    scale: meanGaussianNorm(m, SIGMA_X, p),
    norm: p,
    sigmaX: SIGMA_X,
  });

async function repeat({ norm: p }: ExperimentSettings, random: RandomStream, work: Work): Promise<Repetition> {
  const points: Readonly<Record<"simulated" | "debiased", number>>[] = [];
  for (const [k, m] of FEATURES.entries()) {
    const data = linearProcess({ beta: beta(m), sigmaX: SIGMA_X, sigma: SIGMA_ETA }).draw(ROWS, random);
    const { sensitivity, debiased } = await measureDebiased(linear({ intercept: false }), data, p, work);
    points.push({ simulated: sensitivity, debiased });
    work.onProgress?.({ phase: "theorem5.2", done: k + 1, total: FEATURES.length });
  }
  return { columns: asColumns(points), values: {} };
}
