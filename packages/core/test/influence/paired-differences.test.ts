/** Simultaneous intervals of differences against the definition: multiplier draws of the rows themselves. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, independentRows, meanStandardError, type Sampling } from "../../src/index.js";
import { drawnDifferences, pairedDifferences } from "../../src/influence/paired-differences.js";
import { Random } from "../models/naive.js";

beforeAll(() => ensureBlas());

const n = 300;

/** Losses of K models that share most of their noise. */
function losses(K: number, seed: number): { columns: Float64Array[]; w: Float64Array } {
  const random = new Random(seed);
  const common = Array.from({ length: n }, () => random.normal());
  const columns = Array.from({ length: K }, (_, k) =>
    Float64Array.from(common, (value) => (value + 0.3 * (k + 1) * random.normal()) ** 2),
  );
  const raw = Array.from({ length: n }, () => 0.5 + random.uniform());
  const total = raw.reduce((sum, value) => sum + value, 0);
  return { columns, w: Float64Array.from(raw, (value) => value / total) };
}

const mean = (values: Float64Array, w: Float64Array): number => values.reduce((sum, value, i) => sum + w[i] * value, 0);

/** The level quantile of max |Σ e_i w_i (z_i − z̄)| / se over pairs, drawn with normal multipliers (of clusters: one each). */
function drawnFactor(columns: Float64Array[], w: Float64Array, sampling: Sampling, draws: number): number {
  const random = new Random(99);
  const K = columns.length;
  const codes = sampling.clusters ?? Int32Array.from({ length: n }, (_, i) => i);
  const size = 1 + Math.max(...codes);
  const factors = sampling.clusters ? Math.sqrt(new Set(codes).size / (new Set(codes).size - 1)) : 1;
  const centred = columns.map((values) => values.map((value) => value - mean(values, w)));
  const pairs: { difference: Float64Array; error: number }[] = [];
  for (let i = 0; i < K; i++) {
    for (let j = 0; j < i; j++) {
      const raw = columns[i].map((value, row) => value - columns[j][row]);
      const error = meanStandardError(raw, w, sampling);
      if (error > 0) pairs.push({ difference: centred[i].map((value, row) => value - centred[j][row]), error });
    }
  }
  const largest = Array.from({ length: draws }, () => {
    const e = Array.from({ length: size }, () => random.normal());
    return Math.max(
      ...pairs.map(
        ({ difference, error }) =>
          (factors * Math.abs(difference.reduce((sum, value, row) => sum + e[codes[row]] * w[row] * value, 0))) / error,
      ),
    );
  });
  return largest.toSorted((a, b) => a - b)[Math.ceil(0.95 * draws) - 1];
}

describe("pairedDifferences", () => {
  const { columns, w } = losses(5, 3);
  const clusters = Int32Array.from({ length: n }, (_, i) => Math.floor(i / 6));

  test.each<[string, Sampling]>([
    ["independent rows", independentRows(n)],
    ["clusters", { ...independentRows(n), clusters }],
    ["frequency weights", { weightsKind: "frequency", totalWeight: 900 }],
  ])("%s: errors of differences, and the factor of multiplier draws", (_, sampling) => {
    const found = pairedDifferences(columns, w, sampling, 0.95, 1);
    for (let i = 0; i < 5; i++) {
      for (let j = 0; j < 5; j++) {
        const difference = columns[i].map((value, row) => value - columns[j][row]);
        expect(found.errors.row(i)[j]).toBeCloseTo(i === j ? 0 : meanStandardError(difference, w, sampling), 12);
      }
    }
    if (sampling.weightsKind === "sampling") {
      // The quantile of 4,000 draws is known to about 2 %.
      expect(found.factor / drawnFactor(columns, w, sampling, 4000)).toBeGreaterThan(0.95);
      expect(found.factor / drawnFactor(columns, w, sampling, 4000)).toBeLessThan(1.05);
    }
    expect(found.factor).toBeGreaterThan(1.96);
    expect(found.factor).toBeLessThan(3);
  });

  test("two models: the normal quantile", () => {
    expect(pairedDifferences(columns.slice(0, 2), w, independentRows(n), 0.95, 1).factor).toBeCloseTo(1.96, 2);
  });

  test("identical models: no difference, no error; a copy changes no other interval", () => {
    const twins = pairedDifferences([columns[0], columns[0].slice()], w, independentRows(n), 0.95, 1);
    expect(twins.factor).toBe(0);
    expect([...twins.errors.data]).toEqual([0, 0, 0, 0]);
    const five = pairedDifferences(columns, w, independentRows(n), 0.95, 1);
    const six = pairedDifferences([...columns, columns[2].slice()], w, independentRows(n), 0.95, 1);
    expect(six.errors.row(5)[2]).toBe(0);
    expect(six.factor / five.factor).toBeCloseTo(1, 1);
  });

  test("the order of rows and models does not matter", () => {
    const whole = pairedDifferences(columns, w, independentRows(n), 0.95, 1);
    fc.assert(
      fc.property(fc.shuffledSubarray([...Array(n).keys()], { minLength: n }), (order) => {
        const moved = pairedDifferences(
          columns.map((values) => Float64Array.from(order, (i) => values[i])),
          Float64Array.from(order, (i) => w[i]),
          independentRows(n),
          0.95,
          1,
        );
        expect(moved.factor).toBeCloseTo(whole.factor, 9);
        moved.errors.data.forEach((error, at) => expect(error).toBeCloseTo(whole.errors.data[at], 12));
      }),
      { numRuns: 10 },
    );
    const reversed = pairedDifferences(columns.toReversed(), w, independentRows(n), 0.95, 1);
    expect(Math.abs(reversed.factor / whole.factor - 1)).toBeLessThan(0.02);
  });

  test("no common shift of the rows matters", () => {
    const random = new Random(8);
    const shift = Array.from({ length: n }, () => 50 * random.normal());
    const whole = pairedDifferences(columns, w, independentRows(n), 0.95, 1);
    const shifted = pairedDifferences(
      columns.map((values) => values.map((value, i) => value + shift[i])),
      w,
      independentRows(n),
      0.95,
      1,
    );
    expect(shifted.factor).toBeCloseTo(whole.factor, 6);
  });
});

test("drawn differences: standard deviations of the draws' differences, and their largest", () => {
  const random = new Random(4);
  const common = Array.from({ length: 999 }, () => random.normal());
  const draws = [1, 2, 3].map((size) => Float64Array.from(common, (value) => 5 + value + 0.1 * size * random.normal()));
  const { factor, errors } = drawnDifferences(draws, 0.95);
  expect(errors.row(0)[1]).toBeGreaterThan(0.2);
  expect(errors.row(0)[1]).toBeLessThan(0.25);
  const covered = common.filter((_, b) =>
    [
      [0, 1],
      [0, 2],
      [1, 2],
    ].every(([i, j]) => {
      const differences = draws[i].map((value, k) => value - draws[j][k]);
      const centre = differences.reduce((sum, value) => sum + value / 999, 0);
      return Math.abs(differences[b] - centre) <= factor * errors.row(i)[j] * (1 + 1e-12);
    }),
  ).length;
  expect(covered).toBe(950);
});
