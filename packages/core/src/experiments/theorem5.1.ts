import { quadraticProcess } from "../data/quadratic-process.js";
import { linear, quadratic } from "../models/score-model.js";
import type { Work } from "../parallel/work.js";
import type { RandomStream } from "../stats/random.js";
import { linearQuadraticSensitivities } from "../theory/linear-quadratic.js";
import { exponentName } from "../threats/norms.js";
import type { Column, Experiment, ExperimentSettings, Repetition } from "./experiment.js";
import { asColumns, measureDebiased } from "./measured.js";
import { theorem51Chart } from "./theorem5.1-chart.js";
import { CURVATURES, LENGTHS, settingOf, theorem51Verdicts } from "./theorem5.1-verdicts.js";

const ROWS = 20_000;
/** Of the random settings in which the statements are tried. */
const SETTINGS = 500;

const EACH = ["short", "long"] as const;

const COLUMNS: readonly Column[] = [
  { name: "b", heading: ["b"], meaning: "‖β₂‖²σ², the size of the quadratic part (σ_ξ = 1)" },
  ...EACH.flatMap((of) => {
    const [heading, words] = [`‖β₁‖=${LENGTHS[of]}`, `‖β₁‖ = ${LENGTHS[of]}`];
    const column = (name: string, second: string, meaning: string): Column => ({
      name: `${of}.${name}`,
      heading: [heading, second],
      meaning,
    });
    return [
      column("linear", "S_L sim.", `simulated S_L/ε² of the linear model, ${words}`),
      column("linear.formula", "S_L", "its formula"),
      column("quadratic", "S_Q sim.", `simulated S_Q/ε² of the quadratic model, ${words}`),
      column("quadratic.formula", "S_Q", "its formula, by quadrature"),
      column("ratio", "ratio sim.", "S_L/S_Q on the same data"),
      column("ratio.formula", "ratio", "S_L/S_Q by the formulas"),
    ];
  }),
];

/** Theorem 5.1 (MATH 4): when does the linear model cost more than the quadratic one? */
export const theorem51: Experiment = {
  name: "theorem5.1",
  reference: "Theorem 5.1",
  title: "Linear against quadratic: which model costs more",
  shows:
    "the exact S_L and S_Q; condition I holds and can be sharpened to b > √2·k', no condition without β₁ can give S_L < S_Q",
  defaults: { repetitions: 20, seed: 0, norm: 2 },
  columns: COLUMNS,
  setup: ({ norm: p }) =>
    `${ROWS} rows of y = β₁'x + (β₂'x)² + ξ, x ~ N(0, I₃), ξ ~ N(0, 1), β₂ across β₁; linear and quadratic models without intercept, loss r²/2, attack p = ${exponentName(p)}; S without the noise of Î. Then ${SETTINGS} random settings of the formulas.`,
  formulas: ({ norm }) =>
    asColumns(
      CURVATURES.map((b) => {
        const sides = EACH.map((of) => {
          const { linear, quadratic } = linearQuadraticSensitivities({ ...settingOf(LENGTHS[of], b), norm });
          return {
            [`${of}.linear.formula`]: linear,
            [`${of}.quadratic.formula`]: quadratic,
            [`${of}.ratio.formula`]: linear / quadratic,
          };
        });
        return { b, ...sides[0], ...sides[1] };
      }),
    ),
  repeat,
  conclude: (summary, settings) => ({
    verdicts: theorem51Verdicts(summary, settings, SETTINGS, COLUMNS[0]),
    chart: theorem51Chart(summary, settings, ROWS),
  }),
};

async function repeat({ norm: p }: ExperimentSettings, random: RandomStream, work: Work): Promise<Repetition> {
  const points: Readonly<Record<string, number>>[] = [];
  const options = { intercept: false, loss: "half-squared" } as const;
  for (const [k, b] of CURVATURES.entries()) {
    const point: Record<string, number> = {};
    for (const of of EACH) {
      const data = quadraticProcess(settingOf(LENGTHS[of], b)).draw(ROWS, random);
      const { debiased: ofLinear } = await measureDebiased(linear(options), data, p, work);
      const { debiased: ofQuadratic } = await measureDebiased(quadratic(options), data, p, work);
      point[`${of}.linear`] = ofLinear;
      point[`${of}.quadratic`] = ofQuadratic;
      point[`${of}.ratio`] = ofLinear / ofQuadratic;
    }
    points.push(point);
    work.onProgress?.({ phase: "theorem5.1", done: k + 1, total: CURVATURES.length });
  }
  return { columns: asColumns(points), values: {} };
}
