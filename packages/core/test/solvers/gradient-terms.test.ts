/** What the terms of a gradient would add up to if none cancelled, in closed form. */
import { beforeAll, describe, expect, test } from "vitest";
import { squaredLoss, sub } from "../../src/autodiff/index.js";
import { ensureBlas, Matrix, matrixDataset } from "../../src/index.js";
import { modelOf } from "../../src/models/autodiff-model.js";
import { gradientTerms, relativeSize } from "../../src/solvers/gradient-terms.js";
import { passing } from "./processes.js";

beforeAll(() => ensureBlas());

/** l = (x − a)² + (0·b)²: |∂l/∂a| = 2|x − a|, and b changes nothing. */
const bare = modelOf({
  parameters: { a: { rows: 1, columns: 1 }, b: { rows: 1, columns: 1 } },
  losses: ({ a }, x, y) => squaredLoss(sub(x, sub(y, sub(y, a))), sub(y, y)),
});
const sized = {
  ...bare,
  gradientSizes: (theta: Float64Array, { x, w }: Parameters<typeof bare.gradient>[1]) =>
    Float64Array.of(
      w.reduce((sum, weight, i) => sum + weight * 2 * Math.abs(x.data[i] - theta[0]), 0),
      0,
    ),
};
const column = (values: readonly number[], weights?: readonly number[]) =>
  matrixDataset(
    Matrix.fromRows(values.map((value) => [value])),
    new Float64Array(values.length),
    weights ? { weights: Float64Array.from(weights) } : {},
  );

describe.each([
  ["row by row", bare],
  ["by the model itself", sized],
])("sizes of terms, %s", (_, model) => {
  test("the mean of 2|x − a| by the rows' weights, with |Pθ|, and a thousandth of it where there is nothing", async () => {
    const data = column([1, -1, 4], [1, 1, 2]);
    const theta = Float64Array.of(2, 5);
    // ¼·2 + ¼·6 + ½·4
    const [a, b] = await gradientTerms({ model, data, ridge: Float64Array.of(0, 0) }, theta);
    expect(a).toBeCloseTo(4, 13);
    expect(b).toBeCloseTo(4e-3, 15);
    const [a2, b2] = await gradientTerms({ model, data, ridge: Float64Array.of(0.5, 3) }, Float64Array.of(2, -5));
    expect(a2).toBeCloseTo(5, 13);
    expect(b2).toBeCloseTo(15, 13);
  });

  test("of many rows every second is looked at, wherever blocks begin, and weighs for both", async () => {
    const n = 4200;
    const values = Array.from({ length: n }, (__, i) => (i % 2 === 0 ? 1 + (i % 5) : 1e6));
    const weights = Array.from({ length: n }, (__, i) => 1 + (i % 3));
    const data = column(values, weights);
    let [sum, weight] = [0, 0];
    for (let i = 0; i < n; i += 2) {
      sum += weights[i] * 2 * values[i];
      weight += weights[i];
    }
    const unequal = Object.assign(Object.create(data), {
      *blocks() {
        for (const from of [0, 7, 1000, 1003]) {
          const to = { 0: 7, 7: 1000, 1000: 1003, 1003: n }[from] ?? n;
          yield {
            x: data.x.rowRange(from, to),
            y: data.y.subarray(from, to),
            w: data.weights.subarray(from, to),
            firstRow: from,
          };
        }
      },
    });
    for (const rows of [data, unequal]) {
      const [a] = await gradientTerms({ model, data: rows, ridge: new Float64Array(2) }, new Float64Array(2));
      expect(a / (sum / weight)).toBeCloseTo(1, 12);
    }
  });

  test("rows without weight leave the ridge alone", async () => {
    const n = 4096;
    const values = Array.from({ length: n }, () => 3);
    const weights = Array.from({ length: n }, (__, i) => i % 2);
    const terms = await gradientTerms(
      { model, data: column(values, weights), ridge: Float64Array.of(0.5, 0) },
      Float64Array.of(2, 1),
    );
    expect([...terms]).toEqual([1, 1e-3]);
  });

  test("sums and weights of other processes count", async () => {
    const data = passing(column([1, 1]), ([terms, weight]) => {
      terms[0] += 10;
      weight[0] += 3;
    });
    const [a] = await gradientTerms({ model, data, ridge: new Float64Array(2) }, new Float64Array(2));
    // (2 + 10)/(1 + 3)
    expect(a).toBeCloseTo(3, 14);
  });
});

test("a gradient beside its terms: the largest share, and none where nothing is left", () => {
  const sizes = Float64Array.of(4, 0.5, 0);
  expect(relativeSize(Float64Array.of(-2, 0.1, 0), sizes)).toBe(0.5);
  expect(relativeSize(Float64Array.of(0.2, -0.1, 0), sizes)).toBe(0.2);
  expect(relativeSize(new Float64Array(3), sizes)).toBe(0);
  expect(relativeSize(new Float64Array(0), new Float64Array(0))).toBe(0);
  // What is not a number does not pass for small, wherever it stands.
  expect(relativeSize(Float64Array.of(Number.NaN, 0.1, 0), sizes)).toBeNaN();
  expect(relativeSize(Float64Array.of(0.1, Number.NaN, 0), sizes)).toBeNaN();
});
