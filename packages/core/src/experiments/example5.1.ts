import { stackedPanels } from "../charts/panels.js";
import { PALETTE } from "../charts/theme.js";
import { withFirstFeatures } from "../data/processes.js";
import { normalNoise, squareFeaturesProcess } from "../data/square-features-process.js";
import { Matrix } from "../linalg/matrix.js";
import type { Work } from "../parallel/work.js";
import type { RandomStream } from "../stats/random.js";
import { number } from "../study/words.js";
import { type BasisRows, basisRegression } from "../theory/basis-regression.js";
import { meanUniformLength } from "../theory/normal-lengths.js";
import * as printed from "../theory/printed.js";
import { squareFeaturesBound, squareFeaturesEigenvalue, squareFeaturesJacobian } from "../theory/square-features.js";
import { below, judged, meanWithError, peak } from "./agreement.js";
import type { Column, Experiment, ExperimentSettings, Repetition, Summary, Verdict } from "./experiment.js";
import { asColumns, type Measured, measure } from "./measured.js";
import { squareFeaturesModel, upTo } from "./square-features.js";
import { seriesOf } from "./summary-series.js";

const ROWS = 5000;
/** M */
const TOTAL = 10;
const SIGMA_XI = 0.1;

const COLUMNS: readonly Column[] = [
  { name: "included", heading: ["m"], meaning: `number of features in the model, of ${TOTAL}` },
  {
    name: "eigenvalue",
    heading: ["λ_min", "simulated"],
    meaning: "mean of (a'v)² along the eigenvector a of the least eigenvalue of E vv'",
  },
  { name: "eigenvalue.corrected", heading: ["λ_min", "corrected"], meaning: "1/80 for one feature, 1/180 for more" },
  { name: "eigenvalue.printed", heading: ["λ_min ≥", "printed"], meaning: "at least 1/5 is claimed" },
  { name: "jacobian", heading: ["E‖V'V‖", "simulated"], meaning: "mean of the largest 1 + x_j²/4" },
  { name: "jacobian.corrected", heading: ["E‖V'V‖", "corrected"], meaning: "1 + m/(4(m+2))" },
  { name: "jacobian.printed", heading: ["E‖V'V‖", "printed"], meaning: "1 is claimed" },
  { name: "simulated", heading: ["S/ε²", "r²"], meaning: "simulated S/ε², loss r²" },
  { name: "bound", heading: ["bound", "corrected"], meaning: "c²E[η²]E‖V'V‖₂/λ_min with the corrected constants" },
  { name: "half", heading: ["S/ε²", "r²/2"], meaning: "simulated S/ε², loss r²/2" },
  {
    name: "equation6",
    heading: ["eq (6)", "corrected"],
    meaning: "½c²Φ'M⁻¹Φ with |r| and the second moment M, same rows",
  },
  { name: "equation6.printed", heading: ["eq (6)", "printed"], meaning: "eq (6) as printed, same rows" },
];

/** Example 5.1 and eq (6) (MATH 5): the constants of the bound, and the general regression. */
export const example51: Experiment = {
  name: "example5.1",
  reference: "Example 5.1",
  title: "The constants of the bound, and eq (6)",
  shows: "λ_min is 1/180 and not at least 1/5, so that the bound rises before it falls; eq (6) is wrong in four places",
  defaults: { repetitions: 20, seed: 0, norm: 2 },
  norms: [2],
  columns: COLUMNS,
  setup: () =>
    `${ROWS} rows of y = Σ_{j≤${TOTAL}}(x_j + x_j²/4) + ξ, x uniform on (−1, 1)^${TOTAL}, ξ ~ N(0, ${SIGMA_XI}²); regression on v = (x, x²/4) of the first m features without intercept, attack p = 2.`,
  formulas: () =>
    asColumns(
      upTo(TOTAL).map((m) => ({
        included: m,
        "eigenvalue.corrected": squareFeaturesEigenvalue(m),
        "eigenvalue.printed": printed.squareFeaturesEigenvalue,
        "jacobian.corrected": squareFeaturesJacobian(m),
        "jacobian.printed": printed.squareFeaturesJacobian,
        bound: squareFeaturesBound(m, TOTAL, SIGMA_XI ** 2),
      })),
    ),
  repeat,
  conclude: (summary) => {
    const series = seriesOf(summary);
    const x = { title: `m, features in the model, of ${TOTAL}`, values: upTo(TOTAL) };
    return {
      verdicts: verdicts(summary),
      chart: stackedPanels(
        "Example 5.1: the bound and the sensitivity",
        [`n = ${ROWS}, M = ${TOTAL}, σ_ξ = ${SIGMA_XI}, attack p = 2`],
        [
          {
            title: "The bound with corrected constants rises before it falls",
            x,
            yTitle: "S/ε² and its bound (loss r²)",
            axes: { x: "linear" },
            rule: null,
            series: [
              series("bound, corrected", "bound", PALETTE.blue, "line"),
              series("S/ε², simulated", "simulated", PALETTE.black, "line"),
            ],
          },
          {
            title: "Eq (6) on the same rows",
            x,
            yTitle: "S/ε² (loss r²/2)",
            axes: { x: "linear", y: "linear" },
            rule: null,
            series: [
              series("eq (6), corrected", "equation6", PALETTE.blue, "line"),
              series("eq (6), printed", "equation6.printed", PALETTE.vermillion, "dashed-line"),
              series("S/ε² of the AIF", "half", PALETTE.blue, "circle"),
            ],
          },
        ],
      ),
    };
  },
};

function verdicts(summary: Summary): Verdict[] {
  const grid = COLUMNS[0];
  const { columns } = summary;
  const two = 1;
  const top = peak(summary, "bound");
  const fixed = upTo(TOTAL).map((m) => squareFeaturesBound(m, TOTAL, SIGMA_XI ** 2, 1));
  return [
    {
      claim: "λ_min(E vv') ≥ 1/5",
      holds: columns["eigenvalue"].mean[two] >= printed.squareFeaturesEigenvalue,
      text: `E(a'v)² = ${meanWithError(summary, "eigenvalue", two)} for a unit vector a at m = 2; λ_min is at most that`,
    },
    judged("λ_min(E vv') = 1/180, and 1/80 at m = 1", summary, {
      simulated: "eigenvalue",
      formula: "eigenvalue.corrected",
      grid,
    }),
    judged("E‖V'V‖₂ = 1", summary, { simulated: "jacobian", formula: "jacobian.printed", grid }),
    judged("E‖V'V‖₂ = 1 + m/(4(m+2))", summary, { simulated: "jacobian", formula: "jacobian.corrected", grid }),
    {
      claim: "The bound falls with every feature",
      holds: top === 0,
      text: `it is ${number(columns["bound"].mean[0])} at m = 1, ${number(columns["bound"].mean[top])} at m = ${top + 1} and ${number(columns["bound"].mean[TOTAL - 1])} at m = ${TOTAL}, as c² grows as m/3 (m = 1: ${number(meanUniformLength(1) ** 2)}); for an attack of a fixed size (c = 1) it goes from ${number(fixed[0])} over ${number(fixed[1])} at m = 2 to ${number(fixed[TOTAL - 1])}`,
    },
    below("S lies below the corrected bound", summary, "bound", grid),
    equation6("Eq (6) as printed", summary, "equation6.printed"),
    equation6("Eq (6) with |r|, the second moment, ½ and c²", summary, "equation6"),
  ];
}

/** On the same rows it is the same number, up to rounding, or it is not. */
const ROUNDING = 1e-8;

function equation6(claim: string, summary: Summary, name: string): Verdict {
  const { half, [name]: formula } = summary.columns;
  const errors = formula.mean.map((value, k) => Math.abs(value / half.mean[k] - 1));
  const worst = errors.indexOf(Math.max(...errors));
  return {
    claim,
    holds: errors[worst] < ROUNDING,
    text: `on the same rows it differs from S/ε² by a share of up to ${number(errors[worst], 2)}, at m = ${worst + 1}: ${number(formula.mean[worst])} for ${number(half.mean[worst])}`,
  };
}

async function repeat(_: ExperimentSettings, random: RandomStream, work: Work): Promise<Repetition> {
  const ones = new Float64Array(TOTAL).fill(1);
  const process = squareFeaturesProcess({ beta1: ones, beta2: ones, noise: normalNoise(SIGMA_XI) });
  const data = process.draw(ROWS, random);
  const points: Readonly<Record<string, number>>[] = [];
  for (const m of upTo(TOTAL)) {
    const measured = await measure(squareFeaturesModel("half-squared"), withFirstFeatures(data, m), 2, work);
    const rows = basisRows(measured, withFirstFeatures(data, m).x);
    points.push({
      eigenvalue: alongLeast(rows.v),
      jacobian: meanLargest(rows.v),
      simulated: 2 * measured.sensitivity,
      half: measured.sensitivity,
      equation6: basisRegression(rows).sensitivity,
      "equation6.printed": printed.basisSensitivity(rows),
    });
    work.onProgress?.({ phase: "example5.1", done: m, total: TOTAL });
  }
  return { columns: asColumns(points), values: {} };
}

/** v = (x, x²/4), V_iV_i'θ/‖V_i'θ‖ and the rest, row by row. */
function basisRows({ attack: { fit, scale } }: Measured, x: Matrix): BasisRows {
  const m = x.columns;
  const theta = fit.parameters;
  const v = Matrix.zeros(x.rows, 2 * m);
  const pull = Matrix.zeros(x.rows, 2 * m);
  const lengths = new Float64Array(x.rows);
  for (let i = 0; i < x.rows; i++) {
    const [row, features, directions] = [x.row(i), v.row(i), pull.row(i)];
    const gradient = row.map((value, k) => theta[k] + (theta[m + k] * value) / 2);
    lengths[i] = Math.hypot(...gradient);
    for (let k = 0; k < m; k++) {
      features[k] = row[k];
      features[m + k] = (row[k] * row[k]) / 4;
      directions[k] = gradient[k] / lengths[i];
      directions[m + k] = (gradient[k] * row[k]) / (2 * lengths[i]);
    }
  }
  const residuals = fit.scores.map((score, i) => score - fit.data.y[i]);
  return { v, pull, lengths, residuals, scale };
}

/** The mean of (a'v)², a = (e_{m+1} − e_{m+2})/√2; with one feature e₂. */
function alongLeast(v: Matrix): number {
  const m = v.columns / 2;
  let sum = 0;
  for (let i = 0; i < v.rows; i++) {
    const row = v.row(i);
    sum += m === 1 ? row[1] ** 2 : (row[m] - row[m + 1]) ** 2 / 2;
  }
  return sum / v.rows;
}

/** The mean of max_j 1 + x_j²/4, the largest eigenvalue of V'V. */
function meanLargest(v: Matrix): number {
  let sum = 0;
  for (let i = 0; i < v.rows; i++) sum += 1 + Math.max(...v.row(i).subarray(v.columns / 2));
  return sum / v.rows;
}
