import { stackedPanels } from "../charts/panels.js";
import { PALETTE } from "../charts/theme.js";
import { linearProcess } from "../data/linear-process.js";
import type { MatrixDataset } from "../data/matrix-dataset.js";
import { withNoisyInputs } from "../data/noisy-inputs.js";
import { linear } from "../models/score-model.js";
import type { Work } from "../parallel/work.js";
import type { RandomStream } from "../stats/random.js";
import { number } from "../study/words.js";
import * as printed from "../theory/printed.js";
import { helpfulSmoothing, type SmoothedPopulation, smoothedSensitivity, smoothingRatio } from "../theory/smoothing.js";
import { norm } from "../threats/norms.js";
import { judged, meanWithError, peak } from "./agreement.js";
import type { Column, Experiment, ExperimentSettings, Repetition, Summary, Verdict } from "./experiment.js";
import { asColumns, measureDebiased } from "./measured.js";
import { seriesOf } from "./summary-series.js";

const ROWS = 20_000;
const FEATURES = 3;
const SMOOTHING = [0, 0.25, 0.5, 1, 1.5, 2, 3, 5];
/** SNR = B²σ_x²/σ_η², with σ_x = σ_η = 1. */
const [STRONG, WEAK] = [10, 0.5];

const population = (signalToNoise: number, sigmaR: number): SmoothedPopulation => ({
  features: FEATURES,
  coefficients: Math.sqrt(signalToNoise),
  sigmaX: 1,
  sigmaR,
  sigmaEta: 1,
});

const COLUMNS: readonly Column[] = [
  { name: "sigma", heading: ["σ_r"], meaning: "standard deviation of the noise on the inputs" },
  { name: "strong.simulated", heading: ["SNR 10", "S/ε²"], meaning: "simulated at a signal-to-noise ratio of 10" },
  {
    name: "strong.corrected",
    heading: ["SNR 10", "corrected"],
    meaning: "S₀(σ_x²/T)(σ_η² + B²σ_x²σ_r²/T)/σ_η², T = σ_x² + σ_r²",
  },
  { name: "strong.printed", heading: ["SNR 10", "printed"], meaning: "the same with a 2 before B²" },
  { name: "weak.simulated", heading: ["SNR 0.5", "S/ε²"], meaning: "simulated at a signal-to-noise ratio of 0.5" },
  { name: "weak.corrected", heading: ["SNR 0.5", "corrected"], meaning: "as at SNR 10" },
  { name: "weak.printed", heading: ["SNR 0.5", "printed"], meaning: "as at SNR 10" },
  {
    name: "slope.simulated",
    heading: ["clean slope", "simulated"],
    meaning: "dL/dε on inputs without noise at SNR 10, simulated",
  },
  { name: "slope.corrected", heading: ["clean slope", "corrected"], meaning: "2σ_x²(a − 1)B·I, a = σ_x²/T" },
];

/** Theorem 5.4 (MATH 6): randomised smoothing; the adversary sees the noise, c = E‖x‖, the loss is taken on noisy inputs. */
export const theorem54: Experiment = {
  name: "theorem5.4",
  reference: "Theorem 5.4",
  title: "Randomised smoothing and the sensitivity",
  shows:
    "the printed factor 2 is too many; smoothing raises the sensitivity first where the signal-to-noise ratio is above 1",
  defaults: { repetitions: 40, seed: 0, norm: 2 },
  norms: [2],
  columns: COLUMNS,
  setup: () =>
    `${ROWS} rows of y = β'x + η, x ~ N(0, I₃), η ~ N(0, 1), ‖β‖² = ${STRONG} or ${WEAK}; linear model without intercept on x + N(0, σ_r²I), loss r² on noisy inputs, attack p = 2 that sees the noise, c = E‖x‖.`,
  formulas: () =>
    asColumns(
      SMOOTHING.map((sigma) => {
        const [strong, weak] = [population(STRONG, sigma), population(WEAK, sigma)];
        const still = (signal: number): number => smoothedSensitivity(population(signal, 0)).curvature;
        return {
          sigma,
          "strong.corrected": still(STRONG) * smoothingRatio(strong),
          "strong.printed": still(STRONG) * printed.smoothingRatio(strong),
          "weak.corrected": still(WEAK) * smoothingRatio(weak),
          "weak.printed": still(WEAK) * printed.smoothingRatio(weak),
          "slope.corrected": smoothedSensitivity({ ...strong, evaluate: "clean" }).slope,
        };
      }),
    ),
  repeat,
  conclude: (summary) => {
    const series = seriesOf(summary);
    const panel = (title: string, of: string) => ({
      title,
      x: { title: "σ_r, noise on the inputs (σ_x = 1)", values: SMOOTHING },
      yTitle: "S/ε² (loss r² on noisy inputs)",
      axes: { x: "linear", y: "linear" } as const,
      rule: null,
      series: [
        series("corrected", `${of}.corrected`, PALETTE.blue, "line"),
        series("printed, with a factor 2", `${of}.printed`, PALETTE.vermillion, "dashed-line"),
        series("simulated", `${of}.simulated`, PALETTE.blue, "circle"),
      ],
    });
    return {
      verdicts: verdicts(summary),
      chart: stackedPanels(
        "Theorem 5.4: randomised smoothing",
        [`n = ${ROWS}, m = ${FEATURES}, σ_x = σ_η = 1, attack p = 2 that sees the noise`],
        [
          panel(`Signal-to-noise ratio ${STRONG}: smoothing helps beyond σ_r = 3 only`, "strong"),
          panel(`Signal-to-noise ratio ${WEAK}: smoothing always helps`, "weak"),
        ],
      ),
    };
  },
};

function verdicts(summary: Summary): Verdict[] {
  const grid = COLUMNS[0];
  const top = peak(summary, "strong.simulated");
  const threshold = helpfulSmoothing(population(STRONG, 0));
  return [
    judged("The printed S with its factor 2, SNR 10", summary, {
      simulated: "strong.simulated",
      formula: "strong.printed",
      grid,
    }),
    judged("S without the factor 2, SNR 10", summary, {
      simulated: "strong.simulated",
      formula: "strong.corrected",
      grid,
    }),
    judged("S without the factor 2, SNR 0.5", summary, {
      simulated: "weak.simulated",
      formula: "weak.corrected",
      grid,
    }),
    {
      claim: "Smoothing lowers S",
      holds: top === 0,
      text: `at SNR 10 S rises from ${meanWithError(summary, "strong.simulated", 0)} to ${meanWithError(summary, "strong.simulated", top)} at σ_r = ${SMOOTHING[top]} and is back only at σ_r = σ_x√(SNR − 1) = ${number(threshold)}; at an SNR of at most 1 it falls from the start`,
    },
    judged("On inputs without noise the loss rises at first order in ε, by 2σ_x²(a − 1)B·I", summary, {
      simulated: "slope.simulated",
      formula: "slope.corrected",
      grid,
    }),
  ];
}

type Point = Readonly<Record<"strong.simulated" | "weak.simulated" | "slope.simulated", number>>;

async function repeat(_: ExperimentSettings, random: RandomStream, work: Work): Promise<Repetition> {
  const points: Point[] = [];
  for (const [k, sigma] of SMOOTHING.entries()) {
    const strong = await smoothed(STRONG, sigma, random, work);
    const weak = await smoothed(WEAK, sigma, random, work);
    points.push({
      "strong.simulated": strong.curvature,
      "weak.simulated": weak.curvature,
      "slope.simulated": strong.slope,
    });
    work.onProgress?.({ phase: "theorem5.4", done: k + 1, total: SMOOTHING.length });
  }
  return { columns: asColumns(points), values: {} };
}

/** Fitted on noisy rows; the budget is the mean norm of the clean ones, so that S is rescaled by it. */
async function smoothed(signalToNoise: number, sigmaR: number, random: RandomStream, work: Work) {
  const each = Math.sqrt(signalToNoise / FEATURES);
  const clean = linearProcess({ beta: [each, -each, each], sigma: 1 }).draw(ROWS, random);
  const noisy = withNoisyInputs(clean, sigmaR, random);
  const { attack, debiased } = await measureDebiased(linear({ intercept: false }), noisy, 2, work);
  const share = meanLength(clean) / attack.scale;
  // Without noise the fit is the minimiser on these rows.
  const slope = sigmaR === 0 ? 0 : share * slopeOn(clean, attack.fit.parameters, attack.influence);
  return { curvature: debiased * share ** 2, slope };
}

function meanLength({ x }: MatrixDataset): number {
  let sum = 0;
  for (let i = 0; i < x.rows; i++) sum += norm(x.row(i), 2) / x.rows;
  return sum;
}

/** ∇L'I of the mean of r² on given rows: (2/n)Σ (θ'x − y) I'x. */
function slopeOn({ x, y }: MatrixDataset, theta: Float64Array, influence: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.rows; i++) {
    const row = x.row(i);
    let [score, shift] = [0, 0];
    for (let k = 0; k < row.length; k++) {
      score += theta[k] * row[k];
      shift += influence[k] * row[k];
    }
    sum += (2 * (score - y[i]) * shift) / x.rows;
  }
  return sum;
}
