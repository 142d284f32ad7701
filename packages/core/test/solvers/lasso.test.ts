import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Fit,
  fit,
  LOSSES,
  type LossName,
  lasso,
  lassoPath,
  linear,
  logistic,
  Matrix,
  matrixDataset,
  poisson,
} from "../../src/index.js";
import { Random } from "../models/naive.js";

interface Case {
  readonly name: string;
  readonly loss: LossName;
  readonly l1: number;
  readonly l2: number;
  readonly intercept: boolean;
  readonly x: number[][];
  readonly y: number[];
  readonly weights: number[] | null;
  readonly coefficients: number[];
  readonly constant: number;
}

const CASES: readonly Case[] = JSON.parse(readFileSync(new URL("./fixtures/lasso.json", import.meta.url), "utf8"));

const describeModel = (loss: LossName, intercept: boolean) =>
  loss === "logistic"
    ? logistic({ intercept })
    : loss === "poisson"
      ? poisson({ intercept })
      : linear({ loss, intercept });

const dataOf = ({ x, y, weights }: Pick<Case, "x" | "y" | "weights">) =>
  matrixDataset(Matrix.fromRows(x), y, weights ? { weights } : {});

describe("the lasso", () => {
  it.each(CASES)("agrees with scikit-learn: $name", async (example) => {
    const { loss, intercept, l1, l2, constant, coefficients } = example;
    const found = await lasso(describeModel(loss, intercept), dataOf(example), { l1, l2 });
    const expected = intercept ? [constant, ...coefficients] : coefficients;
    expected.forEach((value, j) => expect(found.parameters[j]).toBeCloseTo(value, 8));
    expect(found.gradientNorm).toBeLessThan(1e-12);
    expect(found.sparse?.relativeGap).toBeLessThan(1e-12);
    expect(found.sparse?.selected).toEqual(
      expected.flatMap((value, j) => (value !== 0 && !(intercept && j === 0) ? [j] : [])),
    );
  });

  it("is the ordinary fit without a penalty, and all zeros from the largest λ on", async () => {
    const data = dataOf(CASES[0]);
    const plain = await fit(linear(), data, { l2: 0.1 });
    expect((await lasso(linear(), data, { l1: 0, l2: 0.1 })).parameters).toEqual(plain.parameters);
    const { largestL1, fits } = await lassoPath(linear(), data);
    expect(fits[0].sparse?.selected).toEqual([]);
    const under = await lasso(linear(), data, { l1: largestL1 * (1 - 1e-6) });
    expect(under.sparse?.selected).toHaveLength(1);
    const over = await lasso(linear(), data, { l1: 2 * largestL1 });
    expect(over.parameters.slice(1).every((value) => value === 0)).toBe(true);
    expect(over.parameters[0]).toBeCloseTo(CASES[0].y.reduce((sum, y) => sum + y, 0) / CASES[0].y.length, 12);
  });

  it("satisfies its optimality conditions, from any start and on any loss", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1e6 }),
        fc.constantFrom<LossName>("squared", "half-squared", "logistic", "poisson"),
        fc.integer({ min: 1, max: 30 }),
        fc.double({ min: 0.02, max: 1.2, noNaN: true }),
        fc.constantFrom(0, 0.05),
        async (seed, loss, d, share, l2) => {
          const random = new Random(seed);
          const n = 15;
          const x = Array.from({ length: n }, () => Array.from({ length: d }, () => random.normal()));
          const y = x.map((row, i) => {
            const f = 0.8 * row[0] + 0.3 * random.normal();
            if (loss === "logistic") return i < 2 ? (i === 0 ? 1 : -1) : f + random.normal() > 0 ? 1 : -1;
            return loss === "poisson" ? Math.floor(Math.exp(f)) + (i === 0 ? 1 : 0) : f;
          });
          const data = matrixDataset(Matrix.fromRows(x), y);
          const model = describeModel(loss, true);
          const { largestL1 } = await lassoPath(model, data, { l1: [1], l2 });
          const l1 = share * largestL1;
          const cold = await lasso(model, data, { l1, l2 });
          expect(conditions(cold, x, y, loss, l1, l2)).toBeLessThan(1e-10);
          const start = Float64Array.from({ length: d + 1 }, () => random.normal());
          const warm = await lasso(model, data, { l1, l2, start });
          expect(conditions(warm, x, y, loss, l1, l2)).toBeLessThan(1e-10);
          if (cold.sparse?.unique) {
            warm.parameters.forEach((value, j) => expect(value).toBeCloseTo(cold.parameters[j], 7));
          }
        },
      ),
      { numRuns: 60, seed: 5 },
    );
  });

  it("has a path whose every point is the fit by itself", async () => {
    const data = dataOf(CASES[4]);
    const { fits, largestL1 } = await lassoPath(linear(), data, { points: 6, ratio: 0.05 });
    expect(fits.map(({ sparse }) => sparse?.l1 ?? 0)).toEqual(
      fits.map(({ sparse }) => sparse?.l1 ?? 0).toSorted((a, b) => b - a),
    );
    for (const { sparse, parameters } of fits) {
      const alone = await lasso(linear(), data, { l1: sparse?.l1 ?? 0 });
      parameters.forEach((value, j) => expect(value).toBeCloseTo(alone.parameters[j], 9));
    }
    expect(fits[0].sparse?.l1).toBe(largestL1);
  });

  it("says when copies of a column share the coefficient in any proportion", async () => {
    const x = CASES[0].x.map((row) => [...row, row[0]]);
    const found = await lasso(linear(), dataOf({ ...CASES[0], x }), { l1: 0.1 });
    expect(found.sparse?.unique).toBe(false);
    expect(found.gradientNorm).toBeLessThan(1e-12);
    expect((await lasso(linear(), dataOf({ ...CASES[0], x }), { l1: 0.1, l2: 0.1 })).sparse?.unique).toBe(true);
    // From a start that has both, one is left, and nothing is lost by it.
    const start = Float64Array.from([0, 1, ...new Array(7).fill(0), 1]);
    const shared = await lasso(linear(), dataOf({ ...CASES[0], x }), { l1: 0.1, start });
    expect(shared.sparse?.selected.filter((j) => j === 1 || j === 9)).toHaveLength(1);
    expect(shared.inverse.method).toBe("cholesky");
    expect(conditions(shared, x, CASES[0].y, "squared", 0.1, 0)).toBeLessThan(1e-10);
  });

  it("refuses penalties that make no sense", async () => {
    const data = dataOf(CASES[0]);
    await expect(lasso(linear(), data, { l1: -1 })).rejects.toThrow("l1 must be a number ≥ 0");
    await expect(lassoPath(linear(), data, { l1: [0] })).rejects.toThrow("above 0");
    await expect(lassoPath(linear(), data, { ratio: 2 })).rejects.toThrow("between 0 and 1");
    const alike = matrixDataset(Matrix.fromRows(CASES[6].x), new Float64Array(CASES[6].y.length).fill(1));
    await expect(lasso(logistic(), alike, { l1: 0.1 })).rejects.toThrow("All targets are alike");
  });
});

/** The largest breach of 0 ∈ ∇L + λ∂|θ|, from the definition. */
function conditions({ parameters }: Fit, x: number[][], y: number[], loss: LossName, l1: number, l2: number): number {
  const v = x.map((row) => [1, ...row]);
  const slopes = v.map((row, i) =>
    LOSSES[loss].first(
      row.reduce((sum, value, j) => sum + value * parameters[j], 0),
      y[i],
    ),
  );
  return Math.max(
    ...[...parameters].map((value, j) => {
      const g = v.reduce((sum, row, i) => sum + (slopes[i] * row[j]) / v.length, 0) + (j > 0 ? l2 * value : 0);
      if (j === 0) return Math.abs(g);
      return value !== 0 ? Math.abs(g + l1 * Math.sign(value)) : Math.max(0, Math.abs(g) - l1);
    }),
  );
}
