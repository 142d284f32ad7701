import { beforeAll, describe, expect, test } from "vitest";
import {
  ensureBlas,
  fit,
  influence,
  linear,
  logistic,
  lp,
  Matrix,
  matrixDataset,
  scoreShifts,
} from "../../src/index.js";
import { estimationLoss, parameterCovariance } from "../../src/influence/estimation-loss.js";
import { leverageBias } from "../../src/influence/leverage-bias.js";
import { independentRows } from "../../src/influence/sampling.js";
import { sandwich } from "../../src/influence/sandwich.js";
import { randomStream } from "../../src/stats/random.js";

beforeAll(() => ensureBlas());

const ROWS = 400;

/** Columns a, b, c, and a, a + t·b, c: the same models in other coordinates, θ₂ = φ₂/t and θ₁ = φ₁ − φ₂/t. */
function pair(t: number) {
  const random = randomStream(11);
  const [apart, together] = [Matrix.zeros(ROWS, 3), Matrix.zeros(ROWS, 3)];
  const y = new Float64Array(ROWS);
  for (let i = 0; i < ROWS; i++) {
    const [a, b, c] = [random.normal(), random.normal(), random.normal()];
    apart.row(i).set([a, b, c]);
    together.row(i).set([a, a + t * b, c]);
    y[i] = a + 0.5 * b - c + random.normal() * (1 + 0.5 * Math.abs(c));
  }
  return { apart, together, y };
}

const relative = (found: number, truth: number): number => Math.abs(found - truth) / Math.abs(truth);

// The condition of H is about 2/t², and every bound below some hundred roundings times that.
describe.each([1e-3, 1e-5])("two columns that differ by %f of their size", (t) => {
  const bound = (100 * Number.EPSILON) / t ** 2;

  test.each([
    ["linear", linear],
    ["logistic", logistic],
  ] as const)(
    "a %s model's spread and what it loses for its few rows are those in coordinates that are apart",
    async (name, model) => {
      const { apart, together, y } = pair(t);
      const target = name === "linear" ? y : y.map((value) => (value > 0 ? 1 : -1));
      const sampling = independentRows(ROWS);
      const [own, other] = [
        await fit(model(), matrixDataset(together, target)),
        await fit(model(), matrixDataset(apart, target)),
      ];
      const [ours, truth] = [await parameterCovariance(own, sampling), await parameterCovariance(other, sampling)];
      expect(relative(estimationLoss(own, ours), estimationLoss(other, truth))).toBeLessThan(bound);
      const at = (of: Matrix, j: number): number => of.data[j * 5];
      expect(relative(at(ours, 2) * t ** 2, at(truth, 2))).toBeLessThan(bound);
      expect(relative(at(ours, 3), at(truth, 3))).toBeLessThan(bound);
    },
  );

  test.each([
    ["linear", linear],
    ["logistic", logistic],
  ] as const)(
    "the intervals of a %s model whose third column is attacked are those in coordinates that are apart",
    async (name, model) => {
      const { apart, together, y } = pair(t);
      const target = name === "linear" ? y : y.map((value) => (value > 0 ? 1 : -1));
      const found = await Promise.all(
        [together, apart].map(async (x) => {
          const attack = await influence(await fit(model(), matrixDataset(x, target)), lp(2, { budgets: [0, 0, 1] }));
          const shifts = await scoreShifts(attack);
          const spread = await sandwich(attack, shifts, independentRows(ROWS));
          const bias = await leverageBias(attack, shifts, independentRows(ROWS));
          return [
            spread.standardErrors[3],
            spread.debiased,
            spread.sensitivityStandardError,
            bias?.sensitivity ?? Number.NaN,
          ];
        }),
      );
      console.log(
        name,
        t,
        found[0].map((v, k) => relative(v, found[1][k])),
        found[1],
      );
      for (const [k, value] of found[0].entries()) expect(relative(value, found[1][k])).toBeLessThan(bound);
    },
  );
});
