import { stackedPanels } from "../charts/panels.js";
import { PALETTE } from "../charts/theme.js";
import { skewedNoise, squareFeaturesProcess } from "../data/square-features-process.js";
import type { Matrix } from "../linalg/matrix.js";
import type { Work } from "../parallel/work.js";
import type { RandomStream } from "../stats/random.js";
import { basisBound } from "../theory/basis-regression.js";
import { meanUniformLength } from "../theory/normal-lengths.js";
import * as printed from "../theory/printed.js";
import { meanJacobianLength, squareFeaturesEigenvalue, squareFeaturesJacobian } from "../theory/square-features.js";
import { norm } from "../threats/norms.js";
import { below } from "./agreement.js";
import type { Column, Experiment, ExperimentSettings, Repetition } from "./experiment.js";
import { asColumns, measureDebiased } from "./measured.js";
import { squareFeaturesModel, upTo } from "./square-features.js";
import { seriesOf } from "./summary-series.js";

const ROWS = 5000;
const MOST = 8;
const SIGMA = 0.01;
/** E|E − 1| = 2/e and E sgn(E − 1) = 2/e − 1 of an exponential E. */
const [MEAN_ABSOLUTE, MEAN_SIGN] = [2 / Math.E, 2 / Math.E - 1];

const COLUMNS: readonly Column[] = [
  { name: "features", heading: ["m"], meaning: "number of features, all of them in the model" },
  { name: "simulated", heading: ["S/ε²", "simulated"], meaning: "Ŝ/ε² without the noise of Î" },
  {
    name: "bound",
    heading: ["corrected", "bound"],
    meaning: "c²(E[|η|‖V‖₂] + ‖e‖)²/λ_min, e = E[sgn(η) v ‖V'θ‖] taken over the rows drawn",
  },
  { name: "printed", heading: ["printed", "bound"], meaning: "c²E[η²]E‖V'V‖₂/λ_min, said to hold as E[x sgn η] = 0" },
];

/** Theorem 5.3 (MATH 5): its assumption E[x sgn η] = 0 is not enough; e = E[sgn(η) v ‖V'θ‖] must vanish, or be added. */
export const theorem53: Experiment = {
  name: "theorem5.3",
  reference: "Theorem 5.3",
  title: "A bound on the sensitivity of the general regression",
  shows: "skewed noise that is independent of x breaks the printed bound; with ‖e‖ added it holds",
  defaults: { repetitions: 20, seed: 0, norm: 2 },
  norms: [2],
  columns: COLUMNS,
  setup: () =>
    `${ROWS} rows of y = Σ(x_j + x_j²/4) + η, x uniform on (−1, 1)^m, η = ${SIGMA}·(E − 1) with E exponential, independent of x; regression on (x, x²/4) without intercept, loss r², attack p = 2.`,
  formulas: () => ({
    features: upTo(MOST),
    printed: upTo(MOST).map((m) =>
      printed.basisBound({
        scale: meanUniformLength(m),
        smallestEigenvalue: squareFeaturesEigenvalue(m),
        noiseVariance: SIGMA ** 2,
        meanSquaredJacobian: squareFeaturesJacobian(m),
      }),
    ),
  }),
  repeat,
  conclude: (summary) => {
    const series = seriesOf(summary);
    return {
      verdicts: [
        below("S lies below the printed bound, as E[x sgn η] = 0", summary, "printed", COLUMNS[0]),
        below("S lies below the corrected bound", summary, "bound", COLUMNS[0]),
      ],
      chart: stackedPanels(
        "Theorem 5.3: a bound, and noise that breaks it",
        [`n = ${ROWS}, noise ${SIGMA}·(exponential − 1), independent of x; attack p = 2, loss r²`],
        [
          {
            title: "S/ε² and its bounds over the number of features",
            x: { title: "m, number of features", values: upTo(MOST) },
            yTitle: "S/ε² (loss r²)",
            axes: { x: "linear" },
            rule: null,
            series: [
              series("corrected bound", "bound", PALETTE.blue, "line"),
              series("printed bound", "printed", PALETTE.vermillion, "dashed-line"),
              series("simulated", "simulated", PALETTE.black, "circle"),
            ],
          },
        ],
      ),
    };
  },
};

async function repeat(_: ExperimentSettings, random: RandomStream, work: Work): Promise<Repetition> {
  const points: Readonly<Record<"simulated" | "bound", number>>[] = [];
  for (const m of upTo(MOST)) {
    const ones = new Float64Array(m).fill(1);
    const data = squareFeaturesProcess({ beta1: ones, beta2: ones, noise: skewedNoise(SIGMA) }).draw(ROWS, random);
    const { debiased } = await measureDebiased(squareFeaturesModel("squared"), data, 2, work);
    const bound = basisBound({
      scale: meanUniformLength(m),
      smallestEigenvalue: squareFeaturesEigenvalue(m),
      noisyJacobian: SIGMA * MEAN_ABSOLUTE * meanJacobianLength(m),
      signedPull: Math.abs(MEAN_SIGN) * norm(meanPull(data.x), 2),
    });
    points.push({ simulated: debiased, bound });
    work.onProgress?.({ phase: "theorem5.3", done: m, total: MOST });
  }
  return { columns: asColumns(points), values: {} };
}

/** The mean of v‖V'θ‖ over the rows (2m): v = (x, x²/4), V'θ = 1 + x/2. */
function meanPull(x: Matrix): Float64Array {
  const m = x.columns;
  const out = new Float64Array(2 * m);
  for (let i = 0; i < x.rows; i++) {
    const row = x.row(i);
    const length = Math.hypot(...row.map((value) => 1 + value / 2)) / x.rows;
    for (let k = 0; k < m; k++) {
      out[k] += length * row[k];
      out[m + k] += (length * row[k] * row[k]) / 4;
    }
  }
  return out;
}
