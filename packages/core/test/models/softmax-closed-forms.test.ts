import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Matrix } from "../../src/linalg/matrix.js";
import { softmaxInTensors, softmaxRegression } from "../../src/models/softmax.js";
import { relativeError } from "../golden.js";
import { drawsOf } from "../long.js";
import { Random } from "./naive.js";

const names = (count: number, letter: string): string[] => Array.from({ length: count }, (_, k) => `${letter}${k}`);
const NEAR = 1e-12;

/**
 * The largest difference, relative to the largest number, or to 1 (the order of what they are made from) where all are smaller: of a row
 * that is certain of its label, p − 1 is a difference of nearly equal numbers either way.
 */
function differenceOf(ours: ArrayLike<number>, truth: ArrayLike<number>): number {
  expect(ours.length).toBe(truth.length);
  let [size, difference] = [1, 0];
  for (let j = 0; j < truth.length; j++) {
    size = Math.max(size, Math.abs(truth[j]));
    difference = Math.max(difference, Math.abs(ours[j] - truth[j]));
  }
  return difference / size;
}

/** A model in closed form and by automatic differentiation, rows for both, and directions of every kind. */
function drawn(m: number, classes: number, r: number, seed: number, intercept: boolean) {
  const random = new Random(seed);
  const options = { features: names(m, "x"), classes: names(classes, "c"), intercept };
  const vector = (count: number): Float64Array => Float64Array.from(random.normals(count));
  const d = classes * (m + (intercept ? 1 : 0));
  const block = {
    x: new Matrix(vector(r * m), r, m),
    y: Float64Array.from({ length: r }, () => random.below(classes)),
    w: Float64Array.from({ length: r }, () => random.uniform()),
    firstRow: 0,
  };
  const [theta, u] = [vector(d), vector(d)];
  const vectors = new Matrix(vector(3 * d), d, 3);
  const phi = new Matrix(vector(r * m), r, m);
  const omega = Float64Array.from({ length: r }, () => random.uniform());
  return {
    closed: softmaxRegression(options),
    tensors: softmaxInTensors(options),
    block,
    theta,
    u,
    vectors,
    phi,
    omega,
    d,
  };
}

describe("softmax regression in closed form", () => {
  it("equals automatic differentiation, every derivative, for rows that fill stretches or do not", () => {
    const sizes = fc.record({
      m: fc.constantFrom(1, 2, 5, 30),
      classes: fc.integer({ min: 2, max: 6 }),
      r: fc.constantFrom(1, 3, 7, 40),
      seed: fc.integer({ min: 1, max: 1e6 }),
      intercept: fc.boolean(),
    });
    fc.assert(
      fc.property(sizes, ({ m, classes, r, seed, intercept }) => {
        const { closed, tensors, block, theta, u, vectors, phi, omega } = drawn(m, classes, r, seed, intercept);
        const near = (ours: ArrayLike<number>, truth: ArrayLike<number>): void =>
          expect(differenceOf(ours, truth)).toBeLessThan(NEAR);
        const nearly = (what: (model: typeof closed) => Matrix | Float64Array): void => {
          const numbers = (value: Matrix | Float64Array) => (value instanceof Matrix ? value.data : value);
          near(numbers(what(closed)), numbers(what(tensors)));
        };
        nearly((model) => model.outputs(theta, block.x));
        nearly((model) => model.losses(theta, block));
        nearly((model) => model.gradient(theta, block));
        nearly((model) => model.riskAndGradient(theta, block).gradient);
        expect(closed.riskAndGradient(theta, block).risk).toBeCloseTo(tensors.riskAndGradient(theta, block).risk, 12);
        nearly((model) => model.inputGradients(theta, block));
        nearly((model) => model.lossesAndInputGradients(theta, block).gradients);
        nearly((model) => model.lossesAndInputGradients(theta, block).losses);
        nearly((model) => model.mixedProduct(theta, block, phi, omega));
        nearly((model) => model.hessianProduct(theta, block, vectors));
        nearly((model) => model.gaussNewtonProduct(theta, block, vectors));
        nearly((model) => model.tangentHessianProduct(theta, block, phi, u, vectors));
        nearly((model) =>
          model.mixedGramProduct(
            theta,
            block,
            (moved) =>
              new Matrix(
                moved.data.map((value) => 2 * value - 0.1 * Math.abs(value)),
                moved.rows,
                m,
              ),
            vectors,
          ),
        );
        nearly((model) => model.gradientRows(theta, block));
        nearly((model) => model.mixedRows(theta, block, phi));
        nearly((model) => model.hessianRows(theta, block, u));
        nearly((model) => model.inputCurvature(theta, block, phi));
        nearly((model) => model.lossSlopes(theta, block, u));
        nearly((model) => model.inputGradientSlopes(theta, block, u));
        const answers = (gradients: Matrix) => [
          { directions: new Matrix(gradients.data.map(Math.sign), gradients.rows, m), weights: omega },
          { directions: phi, weights: block.w },
        ];
        const mixed = [closed, tensors].map((model) => model.mixedProducts?.(theta, block, answers) ?? []);
        expect(mixed[0].length).toBe(2);
        mixed[0].forEach((part, t) => {
          near(part, mixed[1][t]);
        });
      }),
      { numRuns: drawsOf(40, 1000) },
    );
  });

  it("has kept products, a whole Hessian and sizes of gradients that agree with one another", () => {
    for (const intercept of [true, false]) {
      const { closed, tensors, block, theta, vectors, d } = drawn(4, 3, 50, 5, intercept);
      const kept = closed.keptHessian(theta, block);
      expect(kept.bytes).toBe(8 * 50 * (3 + 1));
      expect(kept.product(vectors).data).toEqual(closed.hessianProduct(theta, block, vectors).data);
      const whole = Matrix.zeros(d, d);
      kept.addMatrix?.(whole);
      const identity = Matrix.zeros(d, d);
      for (let j = 0; j < d; j++) identity.data[j * (d + 1)] = 1;
      const columns = tensors.hessianProduct(theta, block, identity);
      for (let i = 0; i < d; i++) {
        for (let j = 0; j < d; j++) {
          const entry = j <= i ? columns.data[i * d + j] : 0; // the upper triangle is left alone
          expect(Math.abs(whole.data[i * d + j] - entry)).toBeLessThan(1e-13 * Math.abs(columns.data[0]) + 1e-14);
        }
      }
      const rows = tensors.gradientRows(theta, block);
      const sizes = new Float64Array(d);
      for (let i = 0; i < rows.rows; i++) rows.row(i).forEach((g, j) => (sizes[j] += block.w[i] * Math.abs(g)));
      expect(relativeError(closed.gradientSizes?.(theta, block) ?? [], sizes)).toBeLessThan(NEAR);
    }
  });

  it("sums a block as long as several stretches as it sums its parts", () => {
    const { closed, block, theta, vectors, d } = drawn(300, 8, 1000, 11, true);
    const whole = closed.hessianProduct(theta, block, vectors);
    const sum = new Float64Array(3 * d);
    for (let from = 0; from < 1000; from += 250) {
      const part = {
        x: block.x.rowRange(from, from + 250),
        y: block.y.subarray(from, from + 250),
        w: block.w.subarray(from, from + 250),
        firstRow: from,
      };
      closed.hessianProduct(theta, part, vectors).data.forEach((value, at) => (sum[at] += value));
    }
    expect(relativeError(whole.data, sum)).toBeLessThan(NEAR);
  });

  it("says what is not finite, and refuses vectors of another length", () => {
    const { closed, block, theta, vectors } = drawn(2, 3, 4, 3, true);
    expect(() => closed.gradient(theta.subarray(1), block)).toThrow(/9 parameters.*vector of 8/);
    const far = theta.slice();
    far[4] = Number.NaN;
    for (const what of [
      () => closed.losses(far, block),
      () => closed.outputs(far, block.x),
      () => closed.inputGradients(far, block),
      () => closed.hessianProduct(far, block, vectors),
    ]) {
      expect(what).toThrow(/finite/);
    }
  });
});
