import { beforeAll, expect, test } from "vitest";
import { ensureBlas, fit, influence, linear, lp, Matrix, matrixDataset, scoreShifts } from "../../src/index.js";
import { leverageBias } from "../../src/influence/leverage-bias.js";
import { independentRows } from "../../src/influence/sampling.js";
import { sandwich } from "../../src/influence/sandwich.js";
import { randomStream } from "../../src/stats/random.js";
import { inferenceFlags, inferenceOf, populationSensitivity } from "../../src/study/inference.js";
import { settings } from "./tables.js";

beforeAll(() => ensureBlas());

/** What is known of a sensitivity that is clearly above 0, as far as a bias `times` its size leaves it. */
async function corrected(times: number) {
  const [rows, columns] = [500, 4];
  const random = randomStream(3);
  const x = Matrix.zeros(rows, columns);
  random.fillNormals(x.data);
  const y = Float64Array.from({ length: rows }, (_, i) => x.row(i)[0] - x.row(i)[1] + random.normal());
  const attack = await influence(await fit(linear(), matrixDataset(x, y)), lp(2));
  const shifts = await scoreShifts(attack);
  const sampling = independentRows(rows);
  const [found, bias] = [await sandwich(attack, shifts, sampling), await leverageBias(attack, shifts, sampling)];
  if (bias === null) throw new Error("no bias");
  const given = { ...bias, sensitivity: times * found.debiased };
  return { found, inference: inferenceOf(attack, found, given, "none", { level: 0.95, seed: 1 }) };
}

test("a bias below the sensitivity moves its interval", async () => {
  const { found, inference } = await corrected(0.25);
  const { lower, upper } = inference.sensitivity ?? { lower: Number.NaN, upper: Number.NaN };
  expect(0.5 * (lower + upper)).toBeCloseTo(0.75 * found.debiased, 10);
  expect(upper - lower).toBeCloseTo(2 * 1.959963984540054 * found.sensitivityStandardError, 10);
});

test("a bias that leaves the interval below 0 leaves none: S is not negative", async () => {
  const { inference } = await corrected(3);
  expect(inference.sensitivity).toBeNull();
  expect(populationSensitivity(1, inference)).toBeNull();
  expect(inferenceFlags("p = 2", inference, [], settings({ inference: "sandwich" }))).toEqual([]);
  const [{ code }] = inferenceFlags("p = 2", inference, [], settings({ inference: "bootstrap" }));
  expect(code).toBe("few-draws");
});
