import { stackedPanels } from "../charts/panels.js";
import { PALETTE } from "../charts/theme.js";
import { linearProcess } from "../data/linear-process.js";
import { scoreShifts } from "../influence/aif.js";
import { rowContributions } from "../influence/contributions.js";
import { sandwich } from "../influence/sandwich.js";
import { linear } from "../models/score-model.js";
import type { Work } from "../parallel/work.js";
import type { RandomStream } from "../stats/random.js";
import { number } from "../study/words.js";
import { meanGaussianNorm } from "../theory/normal-lengths.js";
import type { Column, Experiment, ExperimentSettings, Repetition, Summary, Verdict } from "./experiment.js";
import { asColumns, measure } from "./measured.js";
import { seriesOf } from "./summary-series.js";

const ROWS = 500;
const BETA = [1, -2, 0.5];
const LEVEL = 0.95;
const QUANTILE = 1.959963984540054;
/** How far a coverage may lie from its level for reasons of the order 1/n. */
const TOLERANCE = 0.015;
/** Coverages farther off than this many standard errors are off. */
const SURE = 3;

const COLUMNS: readonly Column[] = [
  { name: "coordinate", heading: ["j"], meaning: "coordinate of the influence" },
  {
    name: "printed",
    heading: ["coverage", "printed"],
    meaning: "share of intervals from the spread of ζ_i that hold I_j",
  },
  {
    name: "corrected",
    heading: ["coverage", "corrected"],
    meaning: "the same from the spread of the influence function of Î",
  },
  { name: "width", heading: ["width", "printed/corr."], meaning: "how much wider the printed interval is" },
];

/** Remark 2 (MATH 3): an interval for the population's influence needs how θ̂, Ĥ and c vary, not ζ_i alone. */
export const remark2: Experiment = {
  name: "remark2",
  reference: "Remark 2",
  title: "Intervals for the influence",
  shows: "intervals from ζ_i do not hold the influence as often as they say, those from its influence function do",
  defaults: { repetitions: 1000, seed: 0, norm: 2 },
  norms: [2],
  columns: COLUMNS,
  setup: () =>
    `${ROWS} rows of y = x₁ − 2x₂ + 0.5x₃ + η, x ~ N(0, I₃), η ~ N(0, 1); linear model without intercept, loss r²/2, attack p = 2; intervals of level ${LEVEL} for I = −c√(2/π)·β/‖β‖.`,
  formulas: () => ({ coordinate: BETA.map((_, j) => j + 1) }),
  repeat,
  conclude: (summary) => {
    const series = seriesOf(summary);
    return {
      verdicts: [
        covers("Intervals as printed, from the spread of ζ_i", summary, "printed"),
        covers("Intervals from the influence function of Î", summary, "corrected"),
      ],
      chart: stackedPanels(
        "Remark 2: intervals for the influence",
        [`n = ${ROWS}, linear model, attack p = 2; nominal level ${LEVEL}`],
        [
          {
            title: "Share of intervals that hold the population's influence",
            x: { title: "coordinate", values: BETA.map((_, j) => j + 1) },
            yTitle: "coverage",
            axes: { x: "linear", y: "tight" },
            rule: null,
            series: [
              {
                name: `nominal, ${LEVEL}`,
                colour: PALETTE.black,
                mark: "dashed-line",
                y: BETA.map(() => LEVEL),
                standardErrors: null,
              },
              series("corrected", "corrected", PALETTE.blue, "circle"),
              series("printed", "printed", PALETTE.vermillion, "triangle"),
            ],
          },
        ],
      ),
    };
  },
};

function covers(claim: string, summary: Summary, name: string): Verdict {
  const { mean, standardErrors } = summary.columns[name];
  const off = mean.map((value) => Math.abs(value - LEVEL));
  const worst = off.indexOf(Math.max(...off));
  const shown = mean.map((value) => `${number(100 * value)} %`).join(", ");
  const error = Math.sqrt((LEVEL * (1 - LEVEL)) / summary.dataSets);
  return {
    claim: `${claim}: they hold I as often as they say`,
    holds: standardErrors === null ? null : off[worst] <= Math.max(SURE * error, TOLERANCE),
    text: `of intervals of nominally ${100 * LEVEL} % it is ${shown} for the three coordinates (standard error of a right one: ${number(100 * error, 2)} %)`,
  };
}

async function repeat({ norm: p }: ExperimentSettings, random: RandomStream, work: Work): Promise<Repetition> {
  const data = linearProcess({ beta: BETA, sigma: 1 }).draw(ROWS, random);
  const { attack } = await measure(linear({ intercept: false, loss: "half-squared" }), data, p, work);
  const { standardErrors } = await sandwich(attack, await scoreShifts(attack, work), { signal: work.signal });
  const scale = meanGaussianNorm(BETA.length, 1, 2);
  const length = Math.hypot(...BETA);
  const points: Readonly<Record<"printed" | "corrected" | "width", number>>[] = [];
  for (const [j, beta] of BETA.entries()) {
    const truth = (-scale * Math.sqrt(2 / Math.PI) * beta) / length;
    const unit = new Float64Array(BETA.length);
    unit[j] = 1;
    // ζ_ij/n, which add up to Î_j.
    const shares = await rowContributions(attack, unit, { signal: work.signal });
    const mean = attack.influence[j] / ROWS;
    const printed = Math.sqrt(shares.reduce((sum, share) => sum + (share - mean) ** 2, 0));
    const holds = (error: number): number => (Math.abs(attack.influence[j] - truth) <= QUANTILE * error ? 1 : 0);
    points.push({
      printed: holds(printed),
      corrected: holds(standardErrors[j]),
      width: printed / standardErrors[j],
    });
  }
  return { columns: asColumns(points), values: {} };
}
