/** Pulls of the Euclidean norm through the span of the classes' weights are those of gradients as long as the rows. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  ensureBlas,
  lp,
  Matrix,
  matrixDataset,
  pointAt,
  type ThreatDescription,
  wasserstein,
} from "../../src/index.js";
import { adversarialPulls } from "../../src/influence/local/pull.js";
import type { Model } from "../../src/models/model.js";
import { softmaxInTensors, softmaxRegression } from "../../src/models/softmax.js";
import { relativeError } from "../golden.js";
import { Random } from "./naive.js";

beforeAll(() => ensureBlas());

const [n, m, K] = [40, 8, 3];
const random = new Random(11);
const options = { features: Array.from({ length: m }, (_, j) => `x${j}`), classes: ["a", "b", "c"] };
const x = Matrix.fromRows(random.rows(n, m));
const y = Float64Array.from({ length: n }, (_, i) => i % K);
const weights = Float64Array.from({ length: n }, () => random.uniform());
const data = matrixDataset(x, y, { weights });
const theta = Float64Array.from(random.normals(K + K * m));
const budgets = [1, 0, 2, 0.5, 1, 0, 3, 1];

const [closed, tensors] = [softmaxRegression(options), softmaxInTensors(options)];

const pullsOf = async (model: Model, at: Float64Array, threats: readonly ThreatDescription[]) =>
  adversarialPulls(await pointAt(model, data, at), threats);

describe("softmax through the span of its weights", () => {
  test.each<[string, number, readonly ThreatDescription[]]>([
    ["one norm", 3, [lp(2)]],
    ["budgets, some of them 0", 3, [lp(2, { budgets })]],
    ["rows that share a budget, beside rows that do not", 3, [wasserstein(2, lp(2)), lp(2)]],
  ])("%s", async (_, size, threats) => {
    const of = threats[0](m).settings.budgets;
    expect(closed.inputSpan?.(theta, of)?.size).toBe(size);
    const [found, truth] = [await pullsOf(closed, theta, threats), await pullsOf(tensors, theta, threats)];
    found.forEach((pull, t) => {
      expect(relativeError(pull.penaltyGradient, truth[t].penaltyGradient)).toBeLessThan(1e-12);
      expect(pull.penalty).toBeCloseTo(truth[t].penalty, 12);
      expect(pull.scale).toBeCloseTo(truth[t].scale, 12);
      expect(relativeError(pull.omega, truth[t].omega)).toBeLessThan(1e-12);
      expect(pull.kinks).toEqual(truth[t].kinks);
    });
  });

  test("classes whose weights depend on one another span less, equal ones leave nothing to attack", async () => {
    const twins = theta.slice();
    twins.copyWithin(K + m, K, K + m);
    expect(closed.inputSpan?.(twins, new Float64Array(m).fill(1))?.size).toBe(2);
    const [[found], [truth]] = [await pullsOf(closed, twins, [lp(2)]), await pullsOf(tensors, twins, [lp(2)])];
    expect(relativeError(found.penaltyGradient, truth.penaltyGradient)).toBeLessThan(1e-12);
    const still = theta.slice().fill(0, K);
    const [none] = await pullsOf(closed, still, [lp(2)]);
    expect(none.penalty).toBe(0);
    expect(none.penaltyGradient.every((value) => value === 0)).toBe(true);
    expect(none.kinks?.zeroGradients).toBe(n);
  });

  test.each([1e-170, 1e160])("budgets in a unit of %d, whose squares under- or overflow", async (unit) => {
    const threats = [lp(2, { budgets: budgets.map((budget) => budget * unit) })];
    const [[found], [truth]] = [await pullsOf(closed, theta, threats), await pullsOf(tensors, theta, threats)];
    const [usual] = await pullsOf(closed, theta, [lp(2, { budgets })]);
    expect(relativeError(found.penaltyGradient, truth.penaltyGradient)).toBeLessThan(1e-12);
    expect(relativeError(found.penaltyGradient, usual.penaltyGradient)).toBeLessThan(1e-12);
    expect(found.penalty / usual.penalty).toBeCloseTo(1, 12); // a unit of ρ cancels with that of c
  });

  test("other norms, boxes and different budgets see the gradients themselves", async () => {
    const seen: number[] = [];
    const watched: Model = {
      ...closed,
      mixedProducts: (at, block, answers) =>
        closed.mixedProducts?.(at, block, (gradients, from) => {
          seen.push(gradients.columns);
          return answers(gradients, from);
        }) ?? [],
    };
    const box = { lower: new Float64Array(m).fill(-1), upper: new Float64Array(m).fill(1) };
    const others = [[lp(1)], [lp(2, { bounds: box })], [lp(2), lp(2, { budgets })], [lp(2), lp(1)]];
    for (const threats of others) await pullsOf(watched, theta, threats);
    expect(seen).toEqual([m, m, m, m]);
    await pullsOf(watched, theta, [lp(2)]);
    expect(seen.length).toBe(4);
  });

  test("few features have no use for it", () => {
    const small = softmaxRegression({ features: ["u", "v"], classes: ["a", "b"] });
    expect(small.inputSpan?.(new Float64Array(6).fill(1), Float64Array.of(1, 1))).toBeNull();
  });
});
