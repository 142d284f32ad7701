import { beforeAll, describe, expect, test } from "vitest";
import { CELLS, repetitionSeed } from "../../../../bench/coverage-cells.js";
import { gaussianLinear, gaussianLogistic, independentRows, source } from "../../../../bench/coverage-designs.js";
import {
  dual,
  linearPopulation,
  logisticPopulation,
  meanLength,
  meanNorm,
  type Population,
  ridgePopulation,
} from "../../../../bench/coverage-population.js";
import { conclude, count, emptyTally } from "../../../../bench/coverage-tally.js";
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
import { sandwich } from "../../src/influence/sandwich.js";
import { drawsOf } from "../long.js";

beforeAll(() => ensureBlas());

const repetitions = drawsOf(120, 2000);

/** Cells whose truth is exact, so that nothing has to be drawn for it. */
const CHECKED = [
  "D1",
  "D1, p = 1",
  "ridge .1, D1",
  "logistic, d/n = 0.02",
  "sampling weights",
  "counts of equal rows",
  "clusters",
  "linear, d/n = 0.01, ε = 0.02",
  "logistic, d/n = 0.01, ε = 0.003",
];

describe(`coverage of nominal 95 % intervals over ${repetitions} draws`, () => {
  test.each(CHECKED)("%s", async (name) => {
    const cell = CELLS.find((candidate) => candidate.name === name);
    if (!cell) throw new Error(`There is no cell "${name}".`);
    const truth = cell.population();
    const tally = emptyTally(cell.section === "held-out" ? 1 : cell.parameters);
    for (let r = 0; r < repetitions; r++) count(tally, await cell.repeat(truth, repetitionSeed(cell, r)));
    const found = conclude(tally);
    expect(found.none).toBe(0);
    const slack = 4 * Math.sqrt((0.95 * 0.05) / repetitions);
    const passes = (coverage: number): void => {
      expect(coverage).toBeGreaterThan(0.925 - slack);
      expect(coverage).toBeLessThan(0.97 + slack);
    };
    found.coverage.forEach(passes);
    // A standard deviation over R draws is known to about one part in √(2R), so that intervals too long show here.
    for (const scale of found.scale) expect(Math.abs(scale - 1)).toBeLessThan(0.05 + 4 / Math.sqrt(2 * repetitions));
    if (cell.section === "held-out") return;
    expect(found.together).toBeGreaterThan(0.925 - slack);
    if (cell.alikeFrom === null && found.sensitivity) passes(found.sensitivity.coverage);
  });
});

describe("the study's closed forms are what a large sample gives", () => {
  const beta = [1, -2, 0.5];
  const sided = gaussianLinear(beta, 1);
  const plain = linear({ loss: "half-squared", intercept: false });
  const cases = {
    "linear, p = 2": [plain, sided, 0, 2, linearPopulation(meanLength(3), 1, dual(beta, 2).phi)],
    "linear, p = 3": [plain, sided, 0, 3, linearPopulation(meanNorm(sided, 3), 1, dual(beta, 3).phi)],
    ridge: [plain, sided, 0.1, 2, ridgePopulation(beta, 1, 0.1)],
    logistic: [logistic(), gaussianLogistic(0.5, [0.6, -0.3], [0, 0]), 0, 2, logisticPopulation(0.5, [0.6, -0.3])],
  } as const;

  test.each(Object.entries(cases))("%s", async (_, [model, design, l2, p, truth]) => {
    const rows = 200_000;
    const { x, y } = independentRows(design, source(5), rows);
    const fitted = await fit(model, matrixDataset(new Matrix(x, rows, design.inputs), y), { l2 });
    const attack = await influence(fitted, lp(p));
    const { standardErrors, debiased, sensitivityStandardError } = await sandwich(attack, await scoreShifts(attack));
    const { influence: I, sensitivity }: Population = truth;
    I.forEach((value, j) => expect(Math.abs(attack.influence[j] - value)).toBeLessThan(4 * standardErrors[j]));
    expect(Math.abs(debiased - sensitivity)).toBeLessThan(4 * sensitivityStandardError);
  });
});
