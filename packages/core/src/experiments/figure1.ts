import { FIGURE1_PROCESS } from "../data/linear-process.js";
import { influence, scoreShifts } from "../influence/aif.js";
import { kinkRadii, kinkRadius } from "../influence/kink-radius.js";
import { localSensitivity } from "../influence/moving-rows.js";
import { linear } from "../models/score-model.js";
import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { type AdversarialTrainingOptions, adversarialTraining } from "../robust/adversarial-training.js";
import { robustOptimum } from "../robust/optimum.js";
import { type Fit, fit } from "../solvers/fit.js";
import type { RandomStream } from "../stats/random.js";
import { exponentName, norm } from "../threats/norms.js";
import { lp } from "../threats/pointwise.js";
import type { Experiment, ExperimentSettings, Repetition } from "./experiment.js";
import { figure1Chart } from "./figure1-chart.js";
import { figure1Verdicts } from "./figure1-verdicts.js";

/** n of the paper's figure. */
const FIGURE1_ROWS = 500;
/** Quarter decades from 1e-5 to 0.32. */
const EPSILONS = Array.from({ length: 19 }, (_, k) => Number((10 ** (k / 4 - 5)).toPrecision(12)));
/** Below this share of the kink radius nothing but ε changes, and orders in ε can be measured. */
const SMOOTH_SHARE = 0.2;

/** The paper's way: projected gradient inside, gradient descent outside, trained from nothing until the gradient is small. */
const PGD = {
  innerSteps: 10,
  outer: "gradient",
  outerSteps: 200,
  tolerance: 1e-6,
} satisfies AdversarialTrainingOptions;

/**
 * Figure 1 (MATH 2): ΔI = ‖(θ_ε − θ̂)/ε − I‖₂ and ΔS = |Ŝ_ε/ε² − k·I'HI|, k = 1 as printed and k = ½ as it must be, with
 * Ŝ_ε = L(θ_ε) − L(θ̂) on the training rows; θ_ε by the exact robust optimum and by adversarial training with PGD.
 */
export const figure1: Experiment = {
  name: "figure1",
  reference: "Figure 1",
  title: "How fast the errors of the influence and of the sensitivity vanish with ε",
  shows:
    "ΔI and ΔS over ε, exactly and by PGD; the printed ΔS lacks a factor ½ and does not vanish, the corrected one does",
  defaults: { repetitions: 1, seed: 0, norm: 2 },
  columns: [
    { name: "epsilon", heading: ["ε"], meaning: "size of the attack relative to c, the mean norm of a row" },
    {
      name: "influence.exact",
      heading: ["ΔI", "exact"],
      meaning: "‖(θ_ε − θ̂)/ε − I‖₂ of the exact robust optimum θ_ε",
    },
    { name: "influence.pgd", heading: ["ΔI", "PGD"], meaning: "the same with the parameters that PGD reaches for θ_ε" },
    { name: "pgd.own", heading: ["PGD's", "own"], meaning: "‖θ_PGD − θ_ε‖₂/ε, the part of it that is PGD's own error" },
    { name: "printed.exact", heading: ["printed", "exact"], meaning: "|Ŝ_ε/ε² − I'HI|, ΔS as the paper prints it" },
    { name: "printed.pgd", heading: ["printed", "PGD"], meaning: "the same by PGD" },
    { name: "corrected.exact", heading: ["with ½", "exact"], meaning: "|Ŝ_ε/ε² − ½I'HI|, ΔS with the factor it lacks" },
    { name: "corrected.pgd", heading: ["with ½", "PGD"], meaning: "the same by PGD" },
  ].map((column) => ({ ...column, decades: true })),
  setup: ({ norm: p }) =>
    `${FIGURE1_ROWS} rows of ${FIGURE1_PROCESS.formula}; linear model without intercept, loss r² (mean squared error) on the training rows, attack p = ${exponentName(p)}. PGD: ${PGD.innerSteps} steps inside, gradient descent with line search outside, from θ = 0 to a relative gradient of ${PGD.tolerance.toExponential()} or for ${PGD.outerSteps} steps.`,
  repeat,
  conclude: (summary, settings) => ({
    verdicts: figure1Verdicts(summary),
    chart: figure1Chart(summary, settings, FIGURE1_ROWS, FIGURE1_PROCESS.formula),
  }),
};

async function repeat(
  { norm: p }: ExperimentSettings,
  random: RandomStream,
  { signal, onProgress }: Work,
): Promise<Repetition> {
  const fitted = await fit(linear({ intercept: false }), FIGURE1_PROCESS.draw(FIGURE1_ROWS, random), { signal });
  const attack = await influence(fitted, lp(p), { signal });
  const { influence: I, threat, scale } = attack;
  const shifts = await scoreShifts(attack, { signal });
  const kink = kinkRadius(await kinkRadii(attack, shifts, { signal }));
  const { model, data, scores } = fitted;
  const half = localSensitivity({ loss: model.loss, y: data.y, w: data.weights, scores, shifts }).curvature;
  const start = new Float64Array(I.length);
  const points: Point[] = [];
  for (const [k, epsilon] of EPSILONS.entries()) {
    const exact = (await robustOptimum(fitted, threat, epsilon * scale, { signal })).parameters;
    const pgd = (await adversarialTraining(fitted, threat, epsilon * scale, { ...PGD, start, signal })).parameters;
    const rate = async (theta: Float64Array): Promise<number> =>
      (await naturalChange(fitted, theta, { signal })) / epsilon ** 2;
    const shiftError = (theta: Float64Array): number =>
      norm(
        theta.map((value, j) => (value - fitted.parameters[j]) / epsilon - I[j]),
        2,
      );
    const [exactRate, pgdRate] = [await rate(exact), await rate(pgd)];
    points.push({
      epsilon,
      "influence.exact": shiftError(exact),
      "influence.pgd": shiftError(pgd),
      "pgd.own": norm(
        pgd.map((value, j) => (value - exact[j]) / epsilon),
        2,
      ),
      "printed.exact": Math.abs(exactRate - 2 * half),
      "printed.pgd": Math.abs(pgdRate - 2 * half),
      "corrected.exact": Math.abs(exactRate - half),
      "corrected.pgd": Math.abs(pgdRate - half),
    });
    onProgress?.({ phase: "figure1", done: k + 1, total: EPSILONS.length });
  }
  const smooth = points.filter(({ epsilon }) => kink !== null && epsilon <= SMOOTH_SHARE * kink);
  return {
    columns: Object.fromEntries(figure1.columns.map(({ name }) => [name, points.map((point) => point[name])])),
    values: {
      scale,
      influence: norm(I, 2),
      curvature: half,
      kinkRadius: kink,
      "order.influence": order(smooth, "influence.exact"),
      "order.printed": order(smooth, "printed.exact"),
      "order.corrected": order(smooth, "corrected.exact"),
    },
  };
}

type Point = Readonly<Record<string, number>>;

/** Σ w [r'² − r²] from θ̂ to θ: by the shifts of the scores, so that nothing cancels however near θ is. */
async function naturalChange(
  { model, data, parameters, scores }: Fit,
  theta: Float64Array,
  work: Work,
): Promise<number> {
  let sum = 0;
  const shift = asColumn(theta.map((value, j) => value - parameters[j]));
  await sweep(
    model.map,
    data,
    { theta: shift, phase: "natural loss" },
    ({ block: { y, w, firstRow }, scores: moved }) => {
      for (let i = 0; i < y.length; i++)
        sum += w[i] * moved.data[i] * (moved.data[i] + 2 * (scores[firstRow + i] - y[i]));
    },
    work,
  );
  return sum;
}

/** The exponent k of Δ ∝ ε^k by least squares in logarithms; null for fewer than two points. */
function order(points: readonly Point[], column: string): number | null {
  const usable = points.filter((point) => point[column] > 0);
  if (usable.length < 2) return null;
  const mean = (of: (point: Point) => number): number =>
    usable.reduce((sum, point) => sum + of(point), 0) / usable.length;
  const logEpsilon = ({ epsilon }: Point): number => Math.log(epsilon);
  const logValue = (point: Point): number => Math.log(point[column]);
  const centre = mean(logEpsilon);
  return (
    mean((point) => (logEpsilon(point) - centre) * logValue(point)) / mean((point) => (logEpsilon(point) - centre) ** 2)
  );
}
