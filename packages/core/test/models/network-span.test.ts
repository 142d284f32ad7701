/** Pulls of the Euclidean norm through the span of a network's first layer: against gradients as long as the rows, and differences. */
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
import { type PerceptronOptions, perceptron } from "../../src/models/perceptron.js";
import type { PredictiveModel } from "../../src/models/predictive-model.js";
import { dot, Random, relativeError } from "./naive.js";

beforeAll(() => ensureBlas());

const n = 30;
const budgets = [1, 0, 2, 0.5, 1, 0, 3, 1, 1];
const m = budgets.length;
const random = new Random(7);
const weights = Float64Array.from({ length: n }, () => random.uniform());
const x = Matrix.fromRows(random.rows(n, m));

const NETWORKS: readonly [
  string,
  Pick<PerceptronOptions, "hidden" | "activation" | "loss" | "classes" | "outputScaler">,
][] = [
  ["one tanh layer", { hidden: [4], activation: "tanh", loss: "squared" }],
  [
    "two softplus layers, scaled",
    { hidden: [3, 5], activation: "softplus", loss: "half-squared", outputScaler: { mean: 2, scale: 3 } },
  ],
  ["classes", { hidden: [4], activation: "sigmoid", loss: "softmax", classes: 3 }],
  ["no hidden layer", { hidden: [], activation: "tanh", loss: "softmax", classes: 3 }],
];

/** A network, some θ, rows of unequal weights, and the network without its span. */
function made(options: (typeof NETWORKS)[number][1]) {
  const model = perceptron({ inputs: m, ...options });
  const { inputSpan, ...plain } = model;
  const theta = model.initialParameters?.(3) ?? new Float64Array(0);
  const y = Float64Array.from({ length: n }, (_, i) => i % 3);
  const pullsOf = async (
    of: PredictiveModel,
    at: Float64Array,
    threats: readonly ThreatDescription[],
    w?: Float64Array,
  ) => adversarialPulls(await pointAt(of, matrixDataset(x, y, w ? { weights: w } : {}), at), threats);
  const sizeOf = (at: Float64Array, b: Float64Array): number | undefined => inputSpan?.(at, b)?.size;
  return { model, plain, theta, pullsOf, sizeOf };
}

describe.each(NETWORKS)("%s", (_, options) => {
  const { model, plain, theta, pullsOf, sizeOf } = made(options);
  const width = options.hidden[0] ?? 3;

  test.each<[string, readonly ThreatDescription[], Float64Array | undefined]>([
    ["one norm, equal weights", [lp(2)], undefined],
    ["budgets, some of them 0", [lp(2, { budgets })], weights],
    ["rows that share a budget, beside rows that do not", [wasserstein(2, lp(2)), lp(2)], weights],
  ])("gives the pulls of whole gradients: %s", async (_name, threats, w) => {
    expect(sizeOf(theta, threats[0](m).settings.budgets)).toBe(width);
    const [found, truth] = [await pullsOf(model, theta, threats, w), await pullsOf(plain, theta, threats, w)];
    found.forEach((pull, t) => {
      expect(relativeError(pull.penaltyGradient, truth[t].penaltyGradient)).toBeLessThan(1e-12);
      expect(pull.penalty / truth[t].penalty).toBeCloseTo(1, 12);
      expect(relativeError(pull.omega, truth[t].omega)).toBeLessThan(1e-12);
      expect(pull.kinks).toEqual(truth[t].kinks);
    });
  });

  test("Φ is the slope of A", async () => {
    const threats = [lp(2, { budgets })];
    const [{ penaltyGradient }] = await pullsOf(model, theta, threats, weights);
    const A = async (at: Float64Array): Promise<number> => (await pullsOf(plain, at, threats, weights))[0].penalty;
    const direction = Float64Array.from(random.normals(theta.length));
    const h = 1e-5;
    const [above, below] = [h, -h].map((step) => theta.map((value, j) => value + step * direction[j]));
    const slope = ((await A(above)) - (await A(below))) / (2 * h);
    expect(dot(penaltyGradient, direction) / slope).toBeCloseTo(1, 7);
  });
});

describe("the span", () => {
  const { model, plain, theta, pullsOf, sizeOf } = made(NETWORKS[0][1]);
  const ones = new Float64Array(m).fill(1);

  test("of units that depend on one another is smaller; of none there is nothing to attack", async () => {
    const twins = theta.slice();
    twins.copyWithin(m, 0, m);
    expect(sizeOf(twins, ones)).toBe(3);
    const [[found], [truth]] = [await pullsOf(model, twins, [lp(2)]), await pullsOf(plain, twins, [lp(2)])];
    expect(relativeError(found.penaltyGradient, truth.penaltyGradient)).toBeLessThan(1e-12);
    const [none] = await pullsOf(model, theta.slice().fill(0, 0, 4 * m), [lp(2)]);
    expect(none.penalty).toBe(0);
    expect(none.penaltyGradient.every((value) => value === 0)).toBe(true);
    expect(none.kinks?.zeroGradients).toBe(n);
  });

  test("is of no use where the first layer is nearly as wide as the rows", () => {
    expect(
      made({ hidden: [7], activation: "tanh", loss: "squared" }).sizeOf(new Float64Array(78).fill(1), ones),
    ).toBeUndefined();
  });
});
