/** Features near a corner of the penalty, by sums on paper. */
import { describe, expect, test } from "vitest";
import { Matrix } from "../../src/index.js";
import { perceptron } from "../../src/models/perceptron.js";
import { softmaxRegression } from "../../src/models/softmax.js";
import { localNearCorners } from "../../src/study/local-corners.js";
import type { LocalModel } from "../../src/study/local-model.js";

const INF = Number.POSITIVE_INFINITY;

const shared = {
  name: "test",
  lossLabel: "",
  unit: "",
  activation: null,
  outputScaler: null,
  features: 2,
  judged: null,
  relearn: null,
  pattern: null,
  imported: null,
} as const;

const softmaxOf = (K: number, intercept: boolean): LocalModel => ({
  ...shared,
  kind: "softmax",
  loss: "softmax",
  layers: null,
  intercept,
  convex: true,
  model: softmaxRegression({ features: ["a", "b"], classes: Array.from({ length: K }, (_, k) => `c${k}`), intercept }),
});

/** v on the diagonal. */
function diagonal(d: number, v: number): Matrix {
  const out = Matrix.zeros(d, d);
  for (let j = 0; j < d; j++) out.data[j * (d + 1)] = v;
  return out;
}

const everything = { budgets: Float64Array.of(1, 1) };

describe("p = ∞", () => {
  test.each([true, false])("two classes: |β₁ − β₀| within two standard errors of 0 (intercepts: %s)", (intercept) => {
    const local = softmaxOf(2, intercept);
    const offset = intercept ? 2 : 0;
    const d = offset + 4;
    // Var(β₁ − β₀) = 2·0.01: two standard errors are 0.283.
    const at = (difference: number) => {
      const theta = new Float64Array(d);
      theta.set([5, 1, 5 + difference, 3], offset);
      return localNearCorners({ p: INF, ...everything }, local, theta, diagonal(d, 0.01));
    };
    expect(at(0.27)).toEqual([0]);
    expect(at(-0.27)).toEqual([0]);
    expect(at(0.29)).toEqual([]);
  });

  test("several classes: all contrasts at once; frozen features do not count", () => {
    const local = softmaxOf(3, true);
    const theta = Float64Array.of(0, 0, 0, 7.1, 1, 7, 2, 6.9, 3);
    const C = diagonal(9, 0.01);
    // Σ(β − β̄)² = 0.02 and 2 for features a and b: Wald 2 and 200, χ² of 2 degrees of freedom at 95.45 % is 6.18.
    expect(localNearCorners({ p: INF, ...everything }, local, theta, C)).toEqual([0]);
    expect(localNearCorners({ p: INF, budgets: Float64Array.of(0, 1) }, local, theta, C)).toEqual([]);
    expect(localNearCorners({ p: 2, ...everything }, local, theta, C)).toEqual([]);
  });

  test("a network: all weights of the first layer", () => {
    const local: LocalModel = {
      ...shared,
      kind: "mlp",
      loss: "logistic",
      layers: [
        { kind: "linear", outputs: 2, inputs: 2, bias: true },
        { kind: "activation", name: "tanh" },
        { kind: "linear", outputs: 1, inputs: 2, bias: true },
      ],
      intercept: true,
      convex: false,
      model: perceptron({ inputs: 2, hidden: [2], activation: "tanh", loss: "logistic" }),
    };
    const theta = Float64Array.of(0.1, 1, -0.1, 0.05, 0, 0, 1, 1, 0);
    expect(localNearCorners({ p: INF, ...everything }, local, theta, diagonal(9, 0.01))).toEqual([0]);
  });
});

describe("p = 1", () => {
  test("two classes: the two largest within two standard errors of each other", () => {
    const local = softmaxOf(2, false);
    const at = (b: number, budgets: number[]) =>
      localNearCorners(
        { p: 1, budgets: Float64Array.from(budgets) },
        local,
        Float64Array.of(0, 0, 1, b),
        diagonal(4, 0.01),
      );
    // The difference of |β₁ − β₀| over two features has the variance 4·0.01: two standard errors are 0.4.
    expect(at(-0.65, [1, 1])).toEqual([0, 1]);
    expect(at(0.55, [1, 1])).toEqual([]);
    expect(at(0.55, [1, 2])).toEqual([1, 0]);
  });

  test("where rows have directions of their own there is nothing to say", () => {
    expect(localNearCorners({ p: 1, ...everything }, softmaxOf(3, false), new Float64Array(6), diagonal(6, 1))).toEqual(
      [],
    );
  });
});
