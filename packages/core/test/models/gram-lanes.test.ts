import { afterAll, describe, expect, it } from "vitest";
import { matrixDataset } from "../../src/data/matrix-dataset.js";
import { blas, useBlas } from "../../src/linalg/backend.js";
import type { Blas } from "../../src/linalg/blas.js";
import { Matrix } from "../../src/linalg/matrix.js";
import { RowScaler } from "../../src/linalg/row-scaler.js";
import { LinearMap } from "../../src/models/linear-map.js";
import { asColumn, sweep } from "../../src/models/sweep.js";
import { backends, required } from "../linalg/backends.js";

const before = blas();
afterAll(() => useBlas(before));

/** Numbers that repeat nowhere soon, of mixed signs. */
const numbers = (count: number): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => Math.sin(1.7 * i + 0.3));

const [n, m] = [9001, 70];
const x = new Matrix(numbers(n * m), n, m);
const y = numbers(n);

/** Two Gram matrices and two pullbacks, weights alike or not, of rows that last or are standardised block by block. */
async function sums(backend: Blas, alike: boolean, standardize: boolean, intercept: boolean): Promise<Float64Array[]> {
  useBlas(backend);
  const data = matrixDataset(x, y, { standardize });
  const map = new LinearMap(m, intercept);
  const theta = asColumn(numbers(map.count));
  const found = await sweep(
    map,
    data,
    { theta, pull: 2, grams: 2, phase: "test" },
    ({ scores, block, pull, grams }) => {
      for (let i = 0; i < block.y.length; i++) {
        pull.data[2 * i] = scores.data[i] - block.y[i];
        pull.data[2 * i + 1] = block.y[i];
        grams[0][i] = alike ? 0.5 : (block.firstRow + i + 1) / n;
        grams[1][i] = alike ? 2 : scores.data[i] ** 2;
      }
    },
  );
  return [found.pull.data, ...found.grams.map(({ data: sum }) => sum)];
}

const native = backends[1];

describe.skipIf(native.blas === undefined)("Gram matrices on a thread beside this one", () => {
  for (const [alike, standardize, intercept] of [
    [true, true, true],
    [true, false, false],
    [false, true, false],
    [false, false, true],
  ] as const) {
    it(`sum the same with weights ${alike ? "alike" : "apart"}, rows ${standardize ? "in a buffer" : "in place"}, intercept ${intercept}`, async () => {
      const beside = required(native);
      expect(beside.syrkBeside).toBeDefined();
      const found = await sums(beside, alike, standardize, intercept);
      const again = await sums(beside, alike, standardize, intercept);
      const truth = await sums(required(backends[0]), alike, standardize, intercept);
      found.forEach((sum, k) => {
        expect(again[k]).toEqual(sum); // to the last digit, whoever was faster
        const size = truth[k].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        sum.forEach((value, at) => {
          if (Math.abs(value - truth[k][at]) > 1e-12 * size) throw new Error(`entry ${at} of sum ${k}: ${value}`);
        });
      });
    });
  }

  it("refuses what the product itself refuses, and does what is no product", async () => {
    const { syrkBeside } = required(native);
    const c = Float64Array.of(1, 2, 3, 4);
    await expect(syrkBeside?.(2, 2, 1, new Float64Array(3), 2, 0, c, 2)).rejects.toThrow(/A needs 4 numbers/);
    await syrkBeside?.(2, 0, 1, new Float64Array(0), 2, 2, c, 2);
    expect([...c]).toEqual([2, 2, 6, 8]);
    await syrkBeside?.(2, 1, 1, Float64Array.of(3, 5), 2, 0, c, 2);
    expect([...c]).toEqual([9, 2, 15, 25]);
  });

  it("outlives the caller's arrays", async () => {
    const { syrkBeside } = required(native);
    const c = new Float64Array(100 * 100);
    const all: Promise<void>[] = [];
    for (let i = 0; i < 200; i++) {
      all.push(
        syrkBeside?.(
          100,
          500,
          1,
          new Float64Array(50_000).fill(1),
          100,
          0,
          new Float64Array(10_000),
          100,
        ) as Promise<void>,
      );
    }
    await syrkBeside?.(100, 500, 1, new Float64Array(50_000).fill(1), 100, 0, c, 100);
    await Promise.all(all);
    expect(c[9999]).toBe(500);
  });
});

it("rows are scaled by the roots of their weights, and copied, whatever their number", () => {
  const scaler = new RowScaler();
  for (const [r, k] of [
    [1, 1],
    [3, 5],
    [7, 4],
    [301, 33],
    [2, 3],
  ]) {
    const a = new Matrix(numbers(r * k), r, k);
    const omega = Float64Array.from({ length: r }, (_, i) => i % 5);
    const scaled = scaler.scaled(a, omega);
    expect(scaled.length).toBe(r * k);
    scaled.forEach((value, at) => expect(value).toBe(Math.sqrt(omega[Math.floor(at / k)]) * a.data[at]));
    expect(scaler.copied(a)).toEqual(a.data);
  }
});
