import { stackedPanels } from "../charts/panels.js";
import { PALETTE } from "../charts/theme.js";
import { withFirstFeatures } from "../data/processes.js";
import { normalNoise, squareFeaturesProcess } from "../data/square-features-process.js";
import type { Work } from "../parallel/work.js";
import type { RandomStream } from "../stats/random.js";
import { number } from "../study/words.js";
import { exponentName } from "../threats/norms.js";
import { chanceOf, meanWithError, peak } from "./agreement.js";
import type { Column, Experiment, ExperimentSettings, Repetition, Summary, Verdict } from "./experiment.js";
import { asColumns, measure } from "./measured.js";
import { squareFeaturesModel, upTo } from "./square-features.js";
import { seriesOf } from "./summary-series.js";

const ROWS = 5000;
/** M */
const TOTAL = 10;
const SIGMA_XI = 0.1;

const COLUMNS: readonly Column[] = [
  { name: "included", heading: ["m"], meaning: "number of features in the model, of 10" },
  {
    name: "one.relative",
    heading: ["β = 1", "relative"],
    meaning: "S/ε², β₁ = β₂ = 1, radius ε·c, c of the m features",
  },
  { name: "one.absolute", heading: ["β = 1", "absolute"], meaning: "the same with radius ε (c = 1) for every m" },
  { name: "normal.relative", heading: ["β ~ N(0,1)", "relative"], meaning: "S/ε², β drawn anew for each data set" },
  { name: "normal.absolute", heading: ["β ~ N(0,1)", "absolute"], meaning: "the same with radius ε" },
];

/** Figure 2(a) (MATH 5): the sensitivity of the general regression over the number of features, in both conventions of the radius. */
export const figure2a: Experiment = {
  name: "figure2a",
  reference: "Figure 2(a)",
  title: "The number of features and the sensitivity",
  shows:
    "the cost falls with the number of features when the attack has a fixed size; relative to the features used it rises first",
  defaults: { repetitions: 1000, seed: 0, norm: 2 },
  columns: COLUMNS,
  setup: ({ norm: p }) =>
    `${ROWS} rows of y = Σ_{j≤${TOTAL}}(β₁x_j + β₂x_j²/4) + ξ, x uniform on (−1, 1)^${TOTAL}, ξ ~ N(0, ${SIGMA_XI}²); regression on (x, x²/4) of the first m features without intercept, loss r²/2 on the training rows, attack p = ${exponentName(p)}.`,
  formulas: () => ({ included: upTo(TOTAL) }),
  repeat,
  conclude: (summary, { norm: p, repetitions }) => {
    const series = seriesOf(summary);
    const panel = (title: string, of: string) => ({
      title,
      x: { title: `m, features in the model, of ${TOTAL}`, values: upTo(TOTAL) },
      yTitle: "S/ε² (loss r²/2)",
      axes: { x: "linear", y: "linear" } as const,
      rule: null,
      series: [
        series("radius ε·c of the features used", `${of}.relative`, PALETTE.vermillion, "line"),
        series("radius ε for every m", `${of}.absolute`, PALETTE.blue, "line"),
      ],
    });
    return {
      verdicts: verdicts(summary),
      chart: stackedPanels(
        "Figure 2(a): the number of features and the sensitivity",
        [
          `n = ${ROWS}, M = ${TOTAL}, σ_ξ = ${SIGMA_XI}, attack p = ${exponentName(p)}${repetitions > 1 ? `, means of ${repetitions} data sets ± standard error` : ""}`,
        ],
        [panel("β₁ = β₂ = 1", "one"), panel("β₁, β₂ ~ N(0, 1), drawn for each data set", "normal")],
      ),
    };
  },
};

function verdicts(summary: Summary): Verdict[] {
  const told = (claim: string, name: string): Verdict => {
    const { mean, standardErrors } = summary.columns[name];
    const chance = chanceOf(summary.dataSets);
    const rises = (k: number, l: number, margin: number): boolean =>
      mean[l] - mean[k] > margin * Math.hypot(standardErrors?.[k] ?? 0, standardErrors?.[l] ?? 0);
    const some = (margin: number): boolean =>
      mean.some((_, l) => mean.slice(0, l).some((__, k) => rises(k, l, margin)));
    const top = peak(summary, name);
    const last = mean.length - 1;
    return {
      claim,
      holds: some(0) ? (standardErrors !== null && some(chance) ? false : null) : true,
      text: `S/ε² is ${meanWithError(summary, name, 0)} at m = 1, largest at m = ${top + 1} (${meanWithError(summary, name, top)}) and ${meanWithError(summary, name, last)} at m = ${last + 1}`,
    };
  };
  const absolute = told("S falls with every feature, attack of a fixed size, β = 1", "one.absolute");
  const times = (name: string): string => {
    const { mean } = summary.columns[name];
    return number(Math.max(...mean) / mean[0], 3);
  };
  return [
    absolute,
    told("S falls with every feature, attack of a fixed size, β ~ N(0, 1)", "normal.absolute"),
    told("S falls with every feature, attack relative to the features used, β = 1", "one.relative"),
    told("S falls with every feature, attack relative to the features used, β ~ N(0, 1)", "normal.relative"),
    {
      claim: "The convention of the radius",
      holds: null,
      text: `which model costs more depends on it: relative to the features used S is ${times("one.relative")} times as large at its peak as with one feature, ${absolute.holds ? "while with a fixed attack every feature lowers it" : `with a fixed attack ${times("one.absolute")} times`}`,
    },
  ];
}

type Point = Readonly<Record<"one.relative" | "one.absolute" | "normal.relative" | "normal.absolute", number>>;

async function repeat({ norm: p }: ExperimentSettings, random: RandomStream, work: Work): Promise<Repetition> {
  const noise = normalNoise(SIGMA_XI);
  const normals = (): Float64Array => {
    const beta = new Float64Array(TOTAL);
    random.fillNormals(beta);
    return beta;
  };
  const ones = new Float64Array(TOTAL).fill(1);
  const one = squareFeaturesProcess({ beta1: ones, beta2: ones, noise }).draw(ROWS, random);
  const normal = squareFeaturesProcess({ beta1: normals(), beta2: normals(), noise }).draw(ROWS, random);
  const model = squareFeaturesModel("half-squared");
  const points: Point[] = [];
  for (const m of upTo(TOTAL)) {
    const [ofOne, ofNormal] = [
      await measure(model, withFirstFeatures(one, m), p, work),
      await measure(model, withFirstFeatures(normal, m), p, work),
    ];
    points.push({
      "one.relative": ofOne.sensitivity,
      "one.absolute": ofOne.sensitivity / ofOne.attack.scale ** 2,
      "normal.relative": ofNormal.sensitivity,
      "normal.absolute": ofNormal.sensitivity / ofNormal.attack.scale ** 2,
    });
    work.onProgress?.({ phase: "figure2a", done: m, total: TOTAL });
  }
  return { columns: asColumns(points), values: {} };
}
