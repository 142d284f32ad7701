import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AifError } from "../../src/errors.js";
import { Matrix } from "../../src/linalg/matrix.js";
import { softmaxRegression } from "../../src/models/softmax.js";
import { relativeError } from "../golden.js";
import { drawsOf } from "../long.js";
import { dot, Random } from "./naive.js";

const names = (count: number, letter: string): string[] => Array.from({ length: count }, (_, k) => `${letter}${k}`);

/**
 * ∇l = (p − e_y) ⊗ (1, x) and ∇²l u = diag(p) − pp' applied to the score change of u, pulled back; in x, B'(p − e_y), whose
 * derivative along φ moves both p and, in θ, the weights.
 */
function naiveRow(
  theta: Float64Array,
  x: Float64Array,
  y: number,
  classes: number,
  u: Float64Array,
  phi: Float64Array,
) {
  const m = x.length;
  const weightsOf = (vector: Float64Array, k: number): Float64Array =>
    vector.subarray(classes + k * m, classes + (k + 1) * m);
  const scores = names(classes, "").map((_, k) => theta[k] + dot(weightsOf(theta, k), x));
  const total = scores.reduce((sum, f) => sum + Math.exp(f), 0);
  const p = scores.map((f) => Math.exp(f) / total);
  const residual = p.map((value, k) => value - (k === y ? 1 : 0));
  const curve = (change: number[]): number[] => {
    const mean = dot(p, change);
    return change.map((value, k) => p[k] * (value - mean));
  };
  const pull = (g: number[], at: ArrayLike<number>, one: number): number[] => [
    ...g.map((value) => one * value),
    ...g.flatMap((value) => Array.from(at, (entry) => value * entry)),
  ];
  const scoreChange = p.map((_, k) => u[k] + dot(weightsOf(u, k), x));
  const inputChange = p.map((_, k) => dot(weightsOf(theta, k), phi));
  const moved = pull(curve(inputChange), x, 1);
  const held = pull(residual, phi, 0);
  return {
    loss: Math.log(total) - scores[y],
    gradient: pull(residual, x, 1),
    inputs: Array.from(x, (_, j) => residual.reduce((sum, value, k) => sum + value * weightsOf(theta, k)[j], 0)),
    hessian: pull(curve(scoreChange), x, 1),
    mixed: moved.map((value, a) => value + held[a]),
  };
}

describe("multinomial logistic regression", () => {
  it("equals its closed forms", () => {
    const small = fc.integer({ min: 1, max: 4 });
    fc.assert(
      fc.property(
        small,
        fc.integer({ min: 2, max: 5 }),
        small,
        fc.integer({ min: 1, max: 1e6 }),
        (m, classes, r, seed) => {
          const random = new Random(seed);
          const model = softmaxRegression({ features: names(m, "x"), classes: names(classes, "c") });
          const d = classes * (m + 1);
          expect(model.parameterNames.length).toBe(d);
          const vector = (count: number): Float64Array => Float64Array.from(random.normals(count));
          const [theta, u, phi] = [vector(d), vector(d), new Matrix(vector(r * m), r, m)];
          const block = {
            x: new Matrix(vector(r * m), r, m),
            y: Float64Array.from({ length: r }, () => random.below(classes)),
            w: Float64Array.from({ length: r }, () => random.uniform()),
            firstRow: 0,
          };
          const rows = Array.from({ length: r }, (_, i) =>
            naiveRow(theta, block.x.row(i), block.y[i], classes, u, phi.row(i)),
          );
          const total = (key: "gradient" | "hessian" | "mixed"): number[] =>
            Array.from(theta, (_, a) => rows.reduce((sum, row, i) => sum + block.w[i] * row[key][a], 0));
          const near = (a: ArrayLike<number>, b: ArrayLike<number>): void =>
            expect(relativeError(a, b)).toBeLessThan(1e-9);
          near(
            model.losses(theta, block),
            rows.map((row) => row.loss),
          );
          near(model.gradient(theta, block), total("gradient"));
          near(
            model.inputGradients(theta, block).data,
            rows.flatMap((row) => row.inputs),
          );
          near(model.hessianProduct(theta, block, new Matrix(u, d, 1)).data, total("hessian"));
          near(model.mixedProduct(theta, block, phi, block.w), total("mixed"));
        },
      ),
      { numRuns: drawsOf(60, 2000) },
    );
  });

  it("is blind to one vector added to every class, and does not overflow", () => {
    const model = softmaxRegression({ features: ["a"], classes: ["x", "y", "z"] });
    const block = {
      x: Matrix.fromRows([[2], [-1]]),
      y: Float64Array.of(0, 2),
      w: Float64Array.of(0.5, 0.5),
      firstRow: 0,
    };
    const theta = Float64Array.of(0.1, 0.2, 0.3, 1, -1, 0.5);
    const same = Float64Array.of(7, 7, 7, -2, -2, -2);
    const product = model.hessianProduct(theta, block, new Matrix(same, 6, 1));
    expect(Math.max(...product.data.map(Math.abs))).toBeLessThan(1e-14);
    const far = model.losses(Float64Array.of(5000, 0, -5000, 0, 0, 0), block);
    expect([...far]).toEqual([0, 10_000]);
  });

  it("names intercepts first, then the weights class by class", () => {
    const { parameterNames, penalised } = softmaxRegression({ features: ["a", "b"], classes: ["no", "yes"] });
    expect(parameterNames).toEqual(["no: intercept", "yes: intercept", "no: a", "no: b", "yes: a", "yes: b"]);
    expect([...penalised]).toEqual([0, 0, 1, 1, 1, 1]);
  });

  it("refuses one class, no features, and labels that are no class", () => {
    expect(() => softmaxRegression({ features: ["a"], classes: ["x"] })).toThrow(/at least two classes, got 1/);
    expect(() => softmaxRegression({ features: [], classes: ["x", "y"] })).toThrow(/at least one feature/);
    const model = softmaxRegression({ features: ["a"], classes: ["x", "y"] });
    const block = { x: Matrix.fromRows([[2]]), y: Float64Array.of(2), w: Float64Array.of(1), firstRow: 0 };
    expect(() => model.losses(new Float64Array(4), block)).toThrow(AifError);
    expect(() => model.losses(new Float64Array(4), block)).toThrow(/Label 2 in row 1/);
  });
});
