import { afterAll, describe, expect, it } from "vitest";
import { matrixDataset } from "../../src/data/matrix-dataset.js";
import { blas, useBlas } from "../../src/linalg/backend.js";
import { Matrix } from "../../src/linalg/matrix.js";
import { momentCut } from "../../src/linalg/parts/moment-blocks.js";
import { QuadraticMap } from "../../src/models/quadratic-map.js";
import { sweep } from "../../src/models/sweep.js";
import { backends, required } from "../linalg/backends.js";
import { quadraticTerms, Random } from "./naive.js";

const before = blas();
afterAll(() => useBlas(before));

const m = 25;
const random = new Random(8);
const rowsOf = (rows: number): Matrix => new Matrix(Float64Array.from(random.normals(rows * m)), rows, m);
const some = (j: number, k: number): boolean => (j === k && j % 3 === 0) || (j === 2 && k === 20);

type Omitted = (j: number, k: number) => boolean;

/** Σ ω v_a v_b from the features' definition. */
function truth(x: Matrix, omega: Float64Array, intercept: boolean, omitted: Omitted): Float64Array {
  const terms = quadraticTerms(m, intercept, omitted);
  const factors = terms.map(({ powers }) => powers.flatMap((power, k) => Array<number>(power).fill(k)));
  const d = terms.length;
  const out = new Float64Array(d * d);
  for (let i = 0; i < x.rows; i++) {
    const row = factors.map((of, a) => of.reduce((value, k) => value * x.data[i * m + k], terms[a].coefficient));
    for (let a = 0; a < d; a++) for (let b = 0; b <= a; b++) out[a * d + b] += omega[i] * row[a] * row[b];
  }
  return out;
}

/** Entries of the lower triangle against the size that their terms could add up to; the upper one is as it was. */
function expectGram(found: Matrix, expected: Float64Array, times: number, start: number): void {
  const d = found.rows;
  for (let a = 0; a < d; a++) {
    for (let b = 0; b < d; b++) {
      const wanted = b <= a ? start + times * expected[a * d + b] : start;
      const size = start + times * Math.sqrt(expected[a * (d + 1)] * expected[b * (d + 1)]);
      if (!(Math.abs(found.data[a * d + b] - wanted) <= 1e-12 * size)) throw new Error(`entry (${a}, ${b})`);
    }
  }
}

/** Rows of several blocks and stretches, under two sets of weights, with every expected sum. */
const many = rowsOf(2 * momentCut(m + 1).stretch + 301);
const sets = [3, 4].map((values) => Float64Array.from({ length: many.rows }, () => random.below(values)));
const expectedSums = sets.map((omega) => truth(many, omega, true, some));

for (const backend of backends) {
  describe.skipIf(backend.blas === undefined)(`the Gram matrix of many quadratic features, ${backend.name}`, () => {
    for (const [intercept, name, omitted] of [
      [true, "all products", () => false],
      [false, "some left out", some],
    ] as const) {
      it(`is summed from distinct moments: intercept ${intercept}, ${name}`, () => {
        useBlas(required(backend));
        const x = rowsOf(301);
        const omega = Float64Array.from({ length: x.rows }, () => random.uniform());
        const map = new QuadraticMap(m, intercept, omitted);
        const out = Matrix.zeros(map.count, map.count);
        out.data.fill(3);
        map.addGram(x, omega, out);
        map.addGram(x, omega, out); // what the first call left behind does not count
        expectGram(out, truth(x, omega, intercept, omitted), 2, 3);
      });
    }

    it("is summed over blocks and stretches, for several weights at once, and spread at the end", async () => {
      useBlas(required(backend));
      const map = new QuadraticMap(m, true, some);
      const data = matrixDataset(many, new Float64Array(many.rows));
      const blocks: number[] = [];
      const sums = () =>
        sweep(map, data, { grams: 2, phase: "test" }, ({ block: { firstRow, y }, grams }) => {
          blocks.push(firstRow);
          grams.forEach((gram, set) => {
            gram.set(sets[set].subarray(firstRow, firstRow + y.length));
          });
        });
      const { grams } = await sums();
      expect(new Set(blocks).size).toBeGreaterThan(1);
      grams.forEach((gram, set) => {
        expectGram(gram, expectedSums[set], 1, 0);
      });
      const again = await sums();
      again.grams.forEach((gram, set) => {
        expect(gram).toEqual(grams[set]); // to the last digit, whoever was faster
      });
    });
  });
}

describe("the cut of distinct moments into products", () => {
  it.each([1, 2, 3, 26, 101, 130])("covers every second variable of %i once, from its own square on", (variables) => {
    const { blocks, pairs, pieces } = momentCut(variables);
    let [next, columns] = [0, 0];
    for (const { from, to, before, width, first, length } of blocks) {
      expect(from).toBe(next);
      expect(before).toBe(columns);
      for (let j = from; j < to; j++) columns += j + 1;
      expect(width).toBe(columns - before);
      let place = 0;
      for (let k = 0; k < from; k++) place += variables - k;
      expect([first, first + length]).toEqual([place, pairs]);
      next = to;
    }
    expect(next).toBe(variables);
    expect(columns).toBe(pairs);
    expect(pieces.toSorted((a, b) => a - b)).toEqual([...blocks.keys()]);
  });

  it("sums hardly more than the distinct moments where variables are many", () => {
    const { work, blocks } = momentCut(101);
    const distinct = (101 * 102 * 103 * 104) / 24;
    expect(work).toBeGreaterThanOrEqual(distinct);
    expect(work).toBeLessThan(1.1 * distinct);
    expect(blocks.length).toBeLessThan(45); // products of a hundred columns and more
  });
});
