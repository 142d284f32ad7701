import { afterAll, describe, expect, it } from "vitest";
import { matrixDataset } from "../../src/data/matrix-dataset.js";
import { blas, useBlas } from "../../src/linalg/backend.js";
import { Matrix } from "../../src/linalg/matrix.js";
import { RowScaler } from "../../src/linalg/row-scaler.js";
import { LinearMap } from "../../src/models/linear-map.js";
import { SharedSums } from "../../src/models/shared-sums.js";
import { asColumn, sweep } from "../../src/models/sweep.js";
import { backends, required } from "../linalg/backends.js";

const before = blas();
afterAll(() => useBlas(before));

/** Numbers that repeat nowhere soon, of mixed signs. */
const numbers = (count: number): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => Math.sin(1.7 * i + 0.3));

/** Three blocks for two threads, the last one short. */
const [n, m] = [32_001, 70];
const x = new Matrix(numbers(n * m), n, m);
const y = numbers(n);

interface Asked {
  readonly scores: boolean;
  readonly grams: 0 | 2;
  /** Whether all rows weigh the same. */
  readonly alike: boolean;
  /** Whether rows are standardised block by block; else they are read where they lie. */
  readonly standardize: boolean;
  readonly intercept: boolean;
}

/** Scores, two pullbacks and two Gram matrices of one pass. */
async function sums({ scores, grams, alike, standardize, intercept }: Asked): Promise<Float64Array[]> {
  const data = matrixDataset(x, y, { standardize });
  const map = new LinearMap(m, intercept);
  const theta = scores ? asColumn(numbers(map.count)) : null;
  const all = new Float64Array(n);
  const found = await sweep(map, data, { theta, pull: 2, grams, phase: "test" }, (rows) => {
    const { block, pull } = rows;
    if (scores) all.set(rows.scores.data, block.firstRow);
    for (let i = 0; i < block.y.length; i++) {
      pull.data[2 * i] = (scores ? rows.scores.data[i] : 0) - block.y[i];
      pull.data[2 * i + 1] = block.y[i];
      rows.grams.forEach((omega, g) => {
        omega[i] = alike ? 0.5 + g : (block.firstRow + i + 1) / n + g;
      });
    }
  });
  return [all, found.pull.data, ...found.grams.map(({ data: sum }) => sum)];
}

const native = backends[1];

describe.skipIf(native.blas === undefined)("sums over rows on several threads", () => {
  for (const asked of [
    { scores: true, grams: 2, alike: true, standardize: true, intercept: true },
    { scores: true, grams: 2, alike: true, standardize: false, intercept: false },
    { scores: false, grams: 2, alike: false, standardize: true, intercept: false },
    { scores: true, grams: 2, alike: false, standardize: false, intercept: true },
    { scores: true, grams: 0, alike: true, standardize: true, intercept: true },
    { scores: false, grams: 0, alike: true, standardize: false, intercept: false },
  ] as const) {
    it(`are those of one thread: ${JSON.stringify(asked)}`, async () => {
      useBlas(required(native));
      const { grams, intercept } = asked;
      expect(SharedSums.for(new LinearMap(m, intercept), n, { pull: 2, grams })).not.toBeNull();
      const found = await sums(asked);
      const again = await sums(asked);
      useBlas(required(backends[0]));
      const truth = await sums(asked);
      expect(found.length).toBe(truth.length);
      found.forEach((sum, k) => {
        expect(again[k].every((value, at) => value === sum[at])).toBe(true); // to the last digit, whoever was faster
        const size = truth[k].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        sum.forEach((value, at) => {
          if (!(Math.abs(value - truth[k][at]) <= 1e-12 * size)) throw new Error(`entry ${at} of sum ${k}: ${value}`);
        });
      });
    });
  }

  it("begin where rows are worth it", () => {
    useBlas(required(native));
    const map = new LinearMap(m, true);
    expect(SharedSums.for(map, 3000, { pull: 1 })).toBeNull();
    expect(SharedSums.for(map, 3000, { pull: 1, grams: 1 })).toBeNull();
    expect(SharedSums.for(map, 6000, { pull: 1, grams: 1 })).not.toBeNull();
    expect(SharedSums.for(map, n, {})).toBeNull();
    const wide = new LinearMap(2100, true);
    expect(SharedSums.for(wide, n, { pull: 1 })).not.toBeNull();
    expect(SharedSums.for(wide, n, { pull: 1, grams: 1 })).toBeNull();
    expect(SharedSums.forFolds(wide, new Uint16Array(n), 10)).toBeNull();
    expect(SharedSums.for(map, n, { theta: Matrix.zeros(m + 1, 1) })).not.toBeNull();
    useBlas(required(backends[0]));
    expect(SharedSums.for(map, n, { pull: 1 })).toBeNull();
  });

  it("end with the pass that fails, and the next pass has its own", async () => {
    useBlas(required(native));
    const asked = { scores: false, grams: 2, alike: false, standardize: false, intercept: true } as const;
    const truth = await sums(asked);
    let blocks = 0;
    const failing = sweep(
      new LinearMap(m, true),
      matrixDataset(x, y, { standardize: false }),
      { pull: 1, grams: 1, phase: "test" },
      ({ grams: [omega] }) => {
        omega.fill(7);
        if (blocks++ === 2) throw new Error("a loss that fails");
      },
    );
    await expect(failing).rejects.toThrow("a loss that fails");
    expect(await sums(asked)).toEqual(truth);
  });
});

it("rows are scaled by the roots of their weights, whatever their number", () => {
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
  }
});
