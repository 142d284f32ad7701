import { describe, expect, it } from "vitest";
import { Matrix } from "../../src/linalg/matrix.js";
import { initialWeights } from "../../src/models/initial-weights.js";
import { perceptron } from "../../src/models/perceptron.js";
import { softmaxRegression } from "../../src/models/softmax.js";
import { relativeError } from "../golden.js";
import { Random } from "./naive.js";

const random = new Random(3);
const vector = (count: number): Float64Array => Float64Array.from(random.normals(count), (value) => 0.5 * value);
const rows = 6;
const block = {
  x: new Matrix(vector(3 * rows), rows, 3),
  y: Float64Array.of(0, 1, 2, 1, 0, 2),
  w: Float64Array.from({ length: rows }, () => random.uniform()),
  firstRow: 0,
};

describe("a softmax regression and a perceptron without hidden layers", () => {
  const network = perceptron({ inputs: 3, hidden: [], activation: "tanh", loss: "softmax", classes: 3 });
  const softmax = softmaxRegression({ features: ["a", "b", "c"], classes: ["0", "1", "2"] });
  const theta = vector(12);
  // The perceptron has its weights first, the regression its intercepts.
  const turned = (v: ArrayLike<number>): number[] => [...Array.from(v).slice(9), ...Array.from(v).slice(0, 9)];
  const regression = Float64Array.from(turned(theta));

  it("are the same model", () => {
    expect(softmax.outputs(regression, block.x).data).toEqual(network.outputs(theta, block.x).data);
    expect(relativeError(softmax.gradient(regression, block), turned(network.gradient(theta, block)))).toBeLessThan(
      1e-14,
    );
  });

  it("have a Gauss–Newton matrix that is their Hessian, since scores are linear in θ", () => {
    const v = new Matrix(vector(24), 12, 2);
    const [whole, part] = [network.hessianProduct(theta, block, v), network.gaussNewtonProduct(theta, block, v)];
    expect(relativeError(part.data, whole.data)).toBeLessThan(1e-13);
    expect([network.convex, softmax.convex]).toEqual([true, true]);
  });
});

describe("a network with hidden layers", () => {
  const model = perceptron({ inputs: 3, hidden: [4], activation: "tanh", loss: "softmax", classes: 3 });
  const d = model.parameterNames.length;
  const theta = vector(d);

  it("has the Gauss–Newton matrix of its outputs' differences", () => {
    const h = 1e-4;
    const moved = (j: number, step: number): Matrix => {
      const at = theta.slice();
      at[j] += step;
      return model.outputs(at, block.x);
    };
    const jacobian = Array.from({ length: d }, (_, j) => {
      const [up, down] = [moved(j, h).data, moved(j, -h).data];
      return up.map((value, at) => (value - down[at]) / (2 * h));
    });
    const f = model.outputs(theta, block.x);
    const v = new Matrix(vector(d), d, 1);
    const along = f.data.map((_, at) => jacobian.reduce((sum, column, j) => sum + column[at] * v.data[j], 0));
    const curved = along.slice();
    for (let i = 0; i < rows; i++) {
      const e = [...f.row(i)].map(Math.exp);
      const p = e.map((value) => value / e.reduce((a, b) => a + b, 0));
      const mean = p.reduce((sum, value, k) => sum + value * along[3 * i + k], 0);
      p.forEach((value, k) => {
        curved[3 * i + k] = block.w[i] * value * (along[3 * i + k] - mean);
      });
    }
    const naive = jacobian.map((column) => column.reduce((sum, value, at) => sum + value * curved[at], 0));
    expect(relativeError(model.gaussNewtonProduct(theta, block, v).data, naive)).toBeLessThan(1e-6);
    expect(relativeError(model.hessianProduct(theta, block, v).data, naive)).toBeGreaterThan(1e-3);
  });

  it("gives risk and gradient in one pass, outputs that its losses follow from, and says that it is not convex", () => {
    const { risk, gradient } = model.riskAndGradient(theta, block);
    const losses = model.losses(theta, block);
    expect(risk).toBeCloseTo(
      losses.reduce((sum, loss, i) => sum + block.w[i] * loss, 0),
      14,
    );
    expect(gradient).toEqual(model.gradient(theta, block));
    const f = model.outputs(theta, block.x);
    losses.forEach((loss, i) => {
      const total = [...f.row(i)].reduce((sum, value) => sum + Math.exp(value), 0);
      expect(loss).toBeCloseTo(Math.log(total) - f.row(i)[block.y[i]], 13);
    });
    expect(model.convex).toBe(false);
  });
});

describe("weights to start from", () => {
  it("are the same for the same seed, others for another", () => {
    const model = perceptron({ inputs: 3, hidden: [4], activation: "relu", loss: "squared" });
    expect(model.initialParameters?.(7)).toEqual(model.initialParameters?.(7));
    expect(model.initialParameters?.(7)).not.toEqual(model.initialParameters?.(8));
    expect(model.initialParameters?.(7).length).toBe(model.parameterNames.length);
  });

  it.each([
    ["tanh", 2 / 500],
    ["relu", 2 / 300],
  ] as const)("of %s layers have their variance; biases are 0", (activation, variance) => {
    const theta = initialWeights([300, 200, 100], activation, 1);
    const first = theta.subarray(0, 300 * 200);
    const meanSquare = (v: Float64Array): number => v.reduce((sum, value) => sum + value * value, 0) / v.length;
    // The mean square of N normals has a relative standard error of √(2/N).
    expect(Math.abs(meanSquare(first) / variance - 1)).toBeLessThan(4 * Math.sqrt(2 / first.length));
    expect(theta.subarray(300 * 200, 300 * 200 + 200).every((bias) => bias === 0)).toBe(true);
    const last = theta.subarray(300 * 200 + 200, 300 * 200 + 200 + 200 * 100);
    expect(Math.abs(meanSquare(last) / (2 / 300) - 1)).toBeLessThan(4 * Math.sqrt(2 / last.length));
  });
});
