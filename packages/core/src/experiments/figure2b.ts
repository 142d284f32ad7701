import { stackedPanels } from "../charts/panels.js";
import { PALETTE } from "../charts/theme.js";
import { type Digits, drawnDigits } from "../data/drawn-digits.js";
import { kernelInfluence } from "../influence/kernel/aif.js";
import { kernelSensitivity } from "../influence/kernel/sensitivity.js";
import { rowsOf } from "../influence/kernel/subsampling.js";
import { combined } from "../linalg/products.js";
import { kernel } from "../models/kernel/choose-kernel.js";
import { kernelTargets } from "../models/kernel/kernel-ridge.js";
import { type AttackSurface, toLength } from "../models/kernel/sphere.js";
import type { Work } from "../parallel/work.js";
import { kernelRobustOptimum } from "../robust/kernel/optimum.js";
import { dot } from "../solvers/inverse-hessian.js";
import { type KernelFit, kernelFit } from "../solvers/kernel-fit.js";
import type { RandomStream } from "../stats/random.js";
import { number } from "../study/words.js";
import { norm } from "../threats/norms.js";
import { lp } from "../threats/pointwise.js";
import { meanWithError } from "./agreement.js";
import type { Column, Experiment, Repetition, Summary, Verdict } from "./experiment.js";
import { asColumns } from "./measured.js";
import { seriesOf } from "./summary-series.js";

/** Of the paper's figure. */
const ROWS = 300;
const RIDGE = 0.01;
const EPSILONS = [0.0005, 0.001, 0.002, 0.005, 0.01] as const;
/** Of the robust optimum's residual: the errors shown are far larger. */
const TOLERANCE = 3e-4;
const SURFACES: readonly AttackSurface[] = ["sphere", "ball"];

/** Where the pictures come from. */
export interface DigitSource {
  /** For people: "MNIST", "digits drawn by this program". */
  readonly name: string;
  /** `count` different pictures. */
  draw(count: number, random: RandomStream): Digits;
}

const DRAWN_DIGITS: DigitSource = {
  name: "DRAWN DIGITS (strokes of this program's own, not MNIST)",
  draw: drawnDigits,
};

/** Random pictures of a set, none twice. */
export const digitsOf = (name: string, { pixels, labels }: Digits): DigitSource => ({
  name,
  draw(count, random) {
    const chosen = new Set<number>();
    while (chosen.size < Math.min(count, labels.length)) chosen.add(Math.floor(random.uniform() * labels.length));
    const rows = Int32Array.from(chosen);
    return { pixels: rowsOf(pixels, rows), labels: Float64Array.from(rows, (row) => labels[row]) };
  },
});

const COLUMNS: readonly Column[] = [
  { name: "epsilon", heading: ["ε"], meaning: "size of the attack relative to c, the mean norm of a picture (1)" },
  {
    name: "influence.sphere",
    heading: ["ΔI", "sphere"],
    meaning: "‖(θ_ε − θ̂)/ε − I‖ / ‖I‖, attacked pictures stay on the unit sphere",
  },
  { name: "influence.ball", heading: ["ΔI", "ambient"], meaning: "the same, attacked pictures may go anywhere" },
  {
    name: "sensitivity.sphere",
    heading: ["ΔS", "sphere"],
    meaning: "|ΔL/ε² − ½I'HI| / ½I'HI, ΔL = L(θ_ε) − L(θ̂) the rise of the penalised objective",
  },
  { name: "sensitivity.ball", heading: ["ΔS", "ambient"], meaning: "the same, attacked pictures may go anywhere" },
  {
    name: "printed.ball",
    heading: ["printed ΔS", "ambient"],
    meaning: "|ΔL/ε² − I'HI| / I'HI, as the paper prints it: without the ½",
  },
  {
    name: "slope.ball",
    heading: ["slope", "ambient"],
    meaning: "|S_ε/ε − slope| / |slope|, S_ε the rise of the natural loss, whose slope −2λθ̂'I is not 0",
  },
];

/** Figure 2(b) (MATH 7): the errors of the influence and of the sensitivity of NTK regression over ε. */
export const figure2bOn = (source: DigitSource): Experiment => ({
  name: "figure2b",
  reference: "Figure 2(b)",
  title: "Kernel regression with the neural tangent kernel on pictures of digits",
  shows:
    "ΔI and ΔS of NTK regression over ε, by robust training against attacks on all pictures jointly, on the sphere and in the whole space",
  defaults: { repetitions: 10, seed: 0, norm: 2 },
  norms: [2],
  columns: COLUMNS,
  setup: () =>
    `${ROWS} random pictures of ${source.name} scaled to length 1; kernel regression with the NTK x·z(π−α)/(2π) on one-hot classes, penalty λ‖θ‖², λ = ${RIDGE}; attack p = 2 on all pictures jointly, centres move. Robust optima by gradient ascent over all pictures at once, to a residual of ${TOLERANCE}.`,
  formulas: () => ({ epsilon: [...EPSILONS] }),
  repeat: (_, random, work) => repeat(source, random, work),
  conclude: (summary, { repetitions }) => ({
    verdicts: verdicts(summary),
    chart: chartOf(summary, source, repetitions),
  }),
});

export const figure2b = figure2bOn(DRAWN_DIGITS);

/** At one ε; `residual`: what is left of the way to the robust optimum. */
interface Errors {
  readonly influence: number;
  readonly sensitivity: number;
  readonly printed: number;
  readonly slope: number;
  readonly residual: number;
}

async function repeat(source: DigitSource, random: RandomStream, work: Work): Promise<Repetition> {
  const { pixels, labels } = source.draw(ROWS, random);
  for (let i = 0; i < pixels.rows; i++) toLength(pixels.row(i), 1);
  const rows = {
    x: pixels,
    y: kernelTargets(labels, 10),
    weights: new Float64Array(pixels.rows).fill(1 / pixels.rows),
  };
  const fit = await kernelFit(
    rows,
    { kernel: kernel("ntk"), ridge: RIDGE, centres: "move", penalty: "coefficients" },
    { signal: work.signal, nameOf: (row) => `picture ${row}` },
  );
  const found: Record<string, { points: Errors[]; length: number }> = {};
  let done = 0;
  for (const surface of SURFACES) {
    found[surface] = await errorsOf(fit, surface, work.signal, () =>
      work.onProgress?.({ phase: "figure2b", done: ++done, total: SURFACES.length * EPSILONS.length }),
    );
  }
  const { sphere, ball } = found;
  return {
    columns: asColumns(
      EPSILONS.map((_, k) => ({
        "influence.sphere": sphere.points[k].influence,
        "influence.ball": ball.points[k].influence,
        "sensitivity.sphere": sphere.points[k].sensitivity,
        "sensitivity.ball": ball.points[k].sensitivity,
        "printed.ball": ball.points[k].printed,
        "slope.ball": ball.points[k].slope,
      })),
    ),
    values: {
      "influence.sphere": sphere.length,
      "influence.ball": ball.length,
      residual: Math.max(...[...sphere.points, ...ball.points].map(({ residual }) => residual)),
    },
  };
}

async function errorsOf(
  fit: KernelFit,
  surface: AttackSurface,
  signal: AbortSignal | undefined,
  told: () => void,
): Promise<{ points: Errors[]; length: number }> {
  const attack = await kernelInfluence(fit, lp(2), { surface, signal });
  const { slope, penalised } = kernelSensitivity(attack);
  const length = norm(attack.influence.data, 2);
  const points: Errors[] = [];
  let start = fit.theta;
  for (const [k, epsilon] of EPSILONS.entries()) {
    const optimum = await kernelRobustOptimum(fit, attack.threat, epsilon * attack.scale, {
      surface,
      signal,
      tolerance: TOLERANCE,
      maximumIterations: 40,
      innerSteps: 20,
      start,
    });
    const shift = combined(1 / epsilon, optimum.theta, -1 / epsilon, fit.theta);
    const natural = optimum.naturalLoss - fit.naturalLoss;
    const rise =
      (natural + RIDGE * (dot(optimum.theta.data, optimum.theta.data) - dot(fit.theta.data, fit.theta.data))) /
      epsilon ** 2;
    points.push({
      influence: norm(combined(1, shift, -1, attack.influence).data, 2) / length,
      sensitivity: Math.abs(rise - penalised) / penalised,
      printed: Math.abs(rise - 2 * penalised) / (2 * penalised),
      slope: Math.abs(natural / epsilon - slope) / Math.abs(slope),
      residual: optimum.residual,
    });
    const next = EPSILONS[k + 1] ?? epsilon;
    start = combined(1, fit.theta, next, shift);
    told();
  }
  return { points, length };
}

function verdicts(summary: Summary): Verdict[] {
  const last = EPSILONS.length - 1;
  const vanishes = (claim: string, name: string): Verdict => {
    const { mean } = summary.columns[name];
    const order = Math.log(mean[last] / mean[0]) / Math.log(EPSILONS[last] / EPSILONS[0]);
    return {
      claim,
      holds: order > 0.5,
      text: `from ${meanWithError(summary, name, last)} at ε = ${EPSILONS[last]} to ${meanWithError(summary, name, 0)} at ε = ${EPSILONS[0]}, like ε^${number(order, 2)}`,
    };
  };
  const residual = summary.values["residual"].mean;
  return [
    vanishes("ΔI vanishes with ε, attack on the sphere", "influence.sphere"),
    vanishes("ΔI vanishes with ε, attack in the whole space", "influence.ball"),
    vanishes("ΔS with the ½ vanishes with ε, sphere", "sensitivity.sphere"),
    vanishes("ΔS with the ½ vanishes with ε, whole space", "sensitivity.ball"),
    vanishes("ΔS as printed vanishes with ε, whole space", "printed.ball"),
    vanishes("The natural loss rises with the slope −2λθ̂'I", "slope.ball"),
    {
      claim: "The sphere and the whole space are the same attack",
      holds: false,
      text: `‖I‖ is ${number(summary.values["influence.sphere"].mean, 3)} on the sphere and ${number(summary.values["influence.ball"].mean, 3)} in the whole space; robust optima were sought to a residual of ${number(residual, 2)} of the way (mean of the worst)`,
    },
  ];
}

function chartOf(summary: Summary, source: DigitSource, repetitions: number) {
  const series = seriesOf(summary);
  const panel = (title: string, of: string) => ({
    title,
    x: { title: "ε", values: [...EPSILONS] },
    yTitle: "relative error",
    series: [
      series("sphere", `${of}.sphere`, PALETTE.vermillion, "line"),
      series("whole space", `${of}.ball`, PALETTE.blue, "line"),
      ...(of === "sensitivity" ? [series("whole space, as printed", "printed.ball", PALETTE.blue, "dashed-line")] : []),
    ],
    rule: null,
  });
  return stackedPanels(
    "Figure 2(b): kernel regression with the neural tangent kernel",
    [
      `${ROWS} pictures of ${source.name}; λ = ${RIDGE}`,
      ...(repetitions > 1 ? [`means of ${repetitions} draws ± standard error`] : []),
    ],
    [panel("ΔI", "influence"), panel("ΔS", "sensitivity")],
  );
}
