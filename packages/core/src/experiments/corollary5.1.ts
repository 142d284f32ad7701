import { stackedPanels } from "../charts/panels.js";
import { PALETTE } from "../charts/theme.js";
import { linearProcess } from "../data/linear-process.js";
import { withFirstFeatures } from "../data/processes.js";
import { linear } from "../models/score-model.js";
import type { Work } from "../parallel/work.js";
import type { RandomStream } from "../stats/random.js";
import { number } from "../study/words.js";
import { includedFeaturesSensitivity, linearSensitivityBias } from "../theory/number-of-features.js";
import * as printed from "../theory/printed.js";
import { judged, peak } from "./agreement.js";
import type { Column, Experiment, ExperimentSettings, Repetition } from "./experiment.js";
import { asColumns, measure } from "./measured.js";
import { seriesOf } from "./summary-series.js";

const ROWS = 20_000;
/** M */
const TOTAL = 20;
const SIGMA_X = 2;
const SIGMA_XI = 0.5;
const INCLUDED = [1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 19, 20];

const COLUMNS: readonly Column[] = [
  { name: "included", heading: ["m"], meaning: "number of features in the model" },
  { name: "simulated", heading: ["S/ε²", "simulated"], meaning: "Ŝ/ε² less what noise in Î adds at this n" },
  {
    name: "corrected",
    heading: ["corrected"],
    meaning: "(4/π)Γ²((m+1)/2)/Γ²(m/2)·((M − m)σ_x² + σ_ξ²), the mean over β",
  },
  { name: "printed", heading: ["printed"], meaning: "the same over σ_x²" },
  {
    name: "given",
    heading: ["simulated −", "given β"],
    meaning: "Ŝ/ε² less the corrected formula with Σ_{j>m}β_j² of the β drawn",
  },
  { name: "zero", heading: ["expected"], meaning: "what that is if the formula is right" },
];

const setting = (included: number, omittedSquares: number) => ({
  included,
  omittedSquares,
  sigmaX: SIGMA_X,
  sigmaXi: SIGMA_XI,
});

/** Corollary 5.1 (MATH 5): the number of included features of M, β ~ N(0, I). */
export const corollary51: Experiment = {
  name: "corollary5.1",
  reference: "Corollary 5.1",
  title: "How the number of included features moves the sensitivity",
  shows: "the printed formula is a factor σ_x² too small; the most costly models have about half of the features",
  defaults: { repetitions: 100, seed: 0, norm: 2 },
  norms: [2],
  columns: COLUMNS,
  setup: () =>
    `${ROWS} rows of y = β'x + ξ with M = ${TOTAL} features, x ~ N(0, ${SIGMA_X}²I), ξ ~ N(0, ${SIGMA_XI}²), β ~ N(0, I) drawn anew for each data set; linear regression on the first m features without intercept, loss r², attack p = 2, c of the included features.`,
  formulas: () =>
    asColumns(
      INCLUDED.map((m) => ({
        included: m,
        corrected: includedFeaturesSensitivity(setting(m, TOTAL - m)),
        printed: printed.includedFeaturesSensitivity(setting(m, TOTAL - m)),
        zero: 0,
      })),
    ),
  repeat,
  conclude: (summary) => {
    const of = (formula: string) => ({ simulated: "simulated", formula, grid: COLUMNS[0] });
    const series = seriesOf(summary);
    const at = summary.columns["included"].mean[peak(summary, "simulated")];
    return {
      verdicts: [
        judged("S/ε² as printed, with 1/σ_x²", summary, of("printed")),
        judged("S/ε² corrected, on average over β", summary, of("corrected")),
        judged("S/ε² corrected, for the β drawn", summary, { simulated: "given", formula: "zero", grid: COLUMNS[0] }),
        {
          claim: "The most costly number of features",
          holds: null,
          text: `the formula is largest near m = (M + σ_ξ²/σ_x²)/2 = ${number((TOTAL + (SIGMA_XI / SIGMA_X) ** 2) / 2, 4)}, the simulation at m = ${at} of the m tried`,
        },
      ],
      chart: stackedPanels(
        "Corollary 5.1: included features and sensitivity",
        [`n = ${ROWS}, M = ${TOTAL}, σ_x = ${SIGMA_X}, σ_ξ = ${SIGMA_XI}, β ~ N(0, I), attack p = 2, loss r²`],
        [
          {
            title: "S/ε² over the number of included features",
            x: { title: `m, included features of ${TOTAL}`, values: INCLUDED },
            yTitle: "S/ε² (loss r²)",
            axes: { x: "linear", y: "linear" },
            rule: null,
            series: [
              series("corrected", "corrected", PALETTE.blue, "line"),
              series("printed", "printed", PALETTE.vermillion, "dashed-line"),
              series("simulated", "simulated", PALETTE.blue, "circle"),
            ],
          },
        ],
      ),
    };
  },
};

async function repeat(_: ExperimentSettings, random: RandomStream, work: Work): Promise<Repetition> {
  const beta = new Float64Array(TOTAL);
  random.fillNormals(beta);
  const data = linearProcess({ beta, sigmaX: SIGMA_X, sigma: SIGMA_XI }).draw(ROWS, random);
  const points: Readonly<Record<"simulated" | "given", number>>[] = [];
  for (const [k, m] of INCLUDED.entries()) {
    const { sensitivity } = await measure(linear({ intercept: false }), withFirstFeatures(data, m), 2, work);
    const formula = includedFeaturesSensitivity(setting(m, squares(beta.subarray(m))));
    const signal = SIGMA_X ** 2 * squares(beta.subarray(0, m));
    const residual = SIGMA_X ** 2 * squares(beta.subarray(m)) + SIGMA_XI ** 2;
    const simulated = sensitivity - formula * linearSensitivityBias(m, ROWS, signal / residual);
    points.push({ simulated, given: simulated - formula });
    work.onProgress?.({ phase: "corollary5.1", done: k + 1, total: INCLUDED.length });
  }
  return { columns: asColumns(points), values: {} };
}

const squares = (values: Float64Array): number => values.reduce((sum, value) => sum + value ** 2, 0);
