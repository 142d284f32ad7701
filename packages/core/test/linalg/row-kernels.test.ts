/** Kernels on rows against plain loops, with blocks of more rows than are taken at a time and rows of more numbers than that. */
import { describe, expect, test } from "vitest";
import { Matrix } from "../../src/linalg/matrix.js";
import {
  affineRows,
  extremesOf,
  type PowerProduct,
  productRows,
  pulledRows,
  rowLengths,
  stepsOf,
  unitRows,
} from "../../src/linalg/row-kernels.js";
import { kernelsWith } from "../../src/linalg/row-module.js";
import { RandomNumbers } from "./reference.js";

const SHAPES = [
  [1, 1],
  [2, 1],
  [3, 2],
  [5, 3],
  [7, 4],
  [4, 5],
  [9, 11],
  [8200, 1],
  [2801, 3],
  [1001, 10],
  [5, 32],
  [7, 35],
  [3, 9001],
] as const;

const matrix = (random: RandomNumbers, rows: number, columns: number): Matrix =>
  new Matrix(
    Float64Array.from({ length: rows * columns }, () => random.next()),
    rows,
    columns,
  );

const rowsOf = (x: Matrix): number[][] => Array.from({ length: x.rows }, (_, i) => [...x.row(i)]);

/** Largest distance, relative to what the terms of a sum could add up to. */
function expectClose(found: ArrayLike<number>, truth: readonly number[], sizes: readonly number[]): void {
  expect(found.length).toBe(truth.length);
  let worst = 0;
  truth.forEach((value, k) => {
    worst = Math.max(worst, Math.abs(found[k] - value) / (sizes[k] || 1));
  });
  expect(worst).toBeLessThan(1e-13);
}

describe.each(SHAPES)("%d rows of %d numbers", (rows, columns) => {
  const random = new RandomNumbers(10 * rows + columns);
  const x = matrix(random, rows, columns);
  const before = x.data.slice();

  test("lengths", () => {
    const out = new Float64Array(rows);
    expect(rowLengths(x, out)).toBe(true);
    const truth = rowsOf(x).map((row) => Math.hypot(...row));
    expectClose(out, truth, truth);
  });

  test("divided by their lengths, also in place; rows that cannot be squared stay", () => {
    const scaled = new Matrix(x.data.slice(), rows, columns);
    const scales = Array.from({ length: rows }, (_, i) => [1, 0, 1e-200, 1, 1e200][i % 5]);
    for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) scaled.data[i * columns + j] *= scales[i];
    const own = new Matrix(scaled.data.slice(), rows, columns);
    const [out, lengths, inPlace] = [rows * columns, rows, rows].map((length) => new Float64Array(length));
    expect(unitRows(scaled, out, lengths)).toBe(rows === 1);
    expect(unitRows(own, own.data, inPlace)).toBe(rows === 1);
    expect([own.data, inPlace]).toEqual([out, lengths]);
    const sizes = rowsOf(scaled).map((row, i) => (scales[i] === 1 ? Math.hypot(...row) : -1));
    expectClose(lengths, sizes, sizes);
    const truth = rowsOf(scaled).flatMap((row, i) => row.map((value) => (scales[i] === 1 ? value / sizes[i] : value)));
    expectClose(out, truth, truth);
  });

  test("constant + factor ⊙ x", () => {
    const [constant, factor] = [matrix(random, 1, columns).data, matrix(random, 1, columns).data];
    const out = new Float64Array(rows * columns);
    affineRows(x, constant, factor, out);
    expect([...out]).toEqual(rowsOf(x).flatMap((row) => row.map((value, j) => constant[j] + factor[j] * value)));
  });

  test("extremes of |x|·b; columns with b = 0 have no least", () => {
    const budgets = Float64Array.from({ length: columns }, (_, j) => (j % 4 === 1 ? 0 : 0.5 + random.next() ** 2));
    const sizes = rowsOf(x).flatMap((row) => row.map((value, j) => ({ size: Math.abs(value) * budgets[j], j })));
    const found = extremesOf(x, budgets);
    expect(found.largest).toBe(sizes.reduce((most, { size }) => Math.max(most, size), 0));
    expect(found.least).toBe(
      sizes.reduce((least, { size, j }) => (budgets[j] > 0 ? Math.min(least, size) : least), Number.POSITIVE_INFINITY),
    );
  });

  test("Σ ω d and Σ ω d ⊙ x", () => {
    const directions = matrix(random, rows, columns);
    const omega = matrix(random, rows, 1).data;
    const found = pulledRows(directions, x, omega);
    const zeros = (): number[] => Array<number>(columns).fill(0);
    const [sums, products, sumSizes, productSizes] = [zeros(), zeros(), zeros(), zeros()];
    rowsOf(x).forEach((row, i) =>
      row.forEach((value, j) => {
        const term = omega[i] * directions.row(i)[j];
        sums[j] += term;
        sumSizes[j] += Math.abs(term);
        products[j] += term * value;
        productSizes[j] += Math.abs(term * value);
      }),
    );
    expectClose(found.sums, sums, sumSizes);
    expectClose(found.products, products, productSizes);
  });

  test("products of powers", () => {
    const last = columns - 1;
    const products: PowerProduct[] = [
      { coefficient: 3, factors: [] },
      { coefficient: -2, factors: [{ input: last, power: 1 }] },
      { coefficient: 0.25, factors: [{ input: 0, power: 2 }] },
      {
        coefficient: 1,
        factors: [
          { input: last, power: 1 },
          { input: Math.floor(last / 2), power: 3 },
        ],
      },
    ];
    const out = new Float64Array(rows * products.length + 1).fill(9);
    productRows(x, stepsOf(products), out);
    const truth = rowsOf(x).flatMap((row) =>
      products.map(({ coefficient, factors }) =>
        factors.reduce((value, { input, power }) => value * row[input] ** power, coefficient),
      ),
    );
    const sizes = truth.map(Math.abs);
    expectClose(out, [...truth, 9], [...sizes, 1]); // and nothing behind them
  });

  test("leave x as it is", () => expect(x.data).toEqual(before));
});

describe("by hand", () => {
  test("lengths of rows whose squares under- or overflow are not vouched for", () => {
    const out = new Float64Array(2);
    for (const width of [2, 50]) {
      const padded = (...values: number[]): number[] => [...values, ...Array<number>(width - 2).fill(0)];
      for (const tiny of [0, 1e-200, 1e200, Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(rowLengths(Matrix.fromRows([padded(3, 4), padded(tiny, 0)]), out)).toBe(false);
        expect(out[0]).toBe(5);
      }
    }
  });

  test("entries that are not numbers are passed over by extremes", () => {
    const x = Matrix.fromRows([
      [Number.NaN, -4],
      [2, Number.NaN],
      [Number.NaN, 8],
    ]);
    expect(extremesOf(x, Float64Array.of(1, 0.5))).toEqual({ largest: 4, least: 2 });
  });

  /** Whole numbers, whose products are exact. */
  const whole = Matrix.fromRows([
    [2, -3, 1],
    [-1, 2, 7],
    [3, 0, -2],
  ]);

  test.each(Array.from({ length: 20 }, (_, k) => k + 1))("x^%d, alone and behind another factor", (power) => {
    const out = new Float64Array(6);
    const alone = { coefficient: -3, factors: [{ input: 1, power }] };
    const behind = {
      coefficient: 0.5,
      factors: [
        { input: 2, power: 1 },
        { input: 0, power },
      ],
    };
    productRows(whole, stepsOf([alone, behind]), out);
    const powerOf = (x: number): number =>
      Array<number>(power)
        .fill(x)
        .reduce((product, value) => product * value, 1);
    expect([...out]).toEqual(
      [-3, 2, 0].flatMap((_, i) => [-3 * powerOf(whole.row(i)[1]), 0.5 * whole.row(i)[2] * powerOf(whole.row(i)[0])]),
    );
  });

  test("more room is another memory: growth would detach the old one's buffer, which slows all typed arrays down", () => {
    const few = kernelsWith(1000);
    const { buffer } = few.memory;
    expect(kernelsWith(buffer.byteLength, few)).toBe(few);
    const more = kernelsWith(buffer.byteLength + 1, few);
    expect(more.memory.buffer.byteLength).toBeGreaterThan(buffer.byteLength);
    expect(buffer.byteLength).toBeGreaterThanOrEqual(1000); // 0 where it is detached
  });

  test("no rows", () => {
    const none = Matrix.zeros(0, 3);
    expect(rowLengths(none, new Float64Array(0))).toBe(true);
    expect(pulledRows(none, none, new Float64Array(0))).toEqual({
      sums: new Float64Array(3),
      products: new Float64Array(3),
    });
  });
});
