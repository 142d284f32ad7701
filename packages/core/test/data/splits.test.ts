import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hasher, hashOrder } from "../../src/data/hash.js";
import { assignFolds, holdOut } from "../../src/data/splits.js";
import { expectFailure } from "./helpers.js";

const counts = (folds: Iterable<number>, k: number): number[] => {
  const out = new Array<number>(k).fill(0);
  for (const fold of folds) out[fold]++;
  return out;
};
const spread = (sizes: readonly number[]): number => Math.max(...sizes) - Math.min(...sizes);

describe("the hash", () => {
  test("is the same everywhere", () => {
    expect([0, 1, 2].map(hasher(0))).toMatchInlineSnapshot(`
      [
        0.32892676891622874,
        0.8204243365027776,
        0.3859787582255312,
      ]
    `);
    expect([0, 1, 2].map(hasher(2 ** 40 + 7))).toMatchInlineSnapshot(`
      [
        0.8515587627604672,
        0.47869454850524396,
        0.7466794643873044,
      ]
    `);
  });

  test("fills [0, 1) evenly, without collisions, whatever the seed", () => {
    for (const seed of [0, 1, -1, 42, 2 ** 33]) {
      const hash = hasher(seed);
      const keys = Array.from({ length: 100_000 }, (_, i) => hash(i));
      expect(new Set(keys).size).toBe(keys.length);
      const bins = counts(
        keys.map((key) => Math.floor(key * 100)),
        100,
      );
      const chi = bins.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
      expect(chi).toBeGreaterThan(50); // 99 degrees of freedom: 50 to 160 but for one in ten thousand
      expect(chi).toBeLessThan(160);
    }
  });

  test("neighbouring rows and neighbouring seeds are unrelated", () => {
    const n = 50_000;
    const correlation = (a: (i: number) => number, b: (i: number) => number): number => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += (a(i) - 0.5) * (b(i) - 0.5);
      return (12 * sum) / n;
    };
    const hash = hasher(3);
    const next = hasher(4);
    for (const lag of [1, 2, 64, 1024]) expect(Math.abs(correlation(hash, (i) => hash(i + lag)))).toBeLessThan(0.025);
    expect(Math.abs(correlation(hash, next))).toBeLessThan(0.025);
  });

  test("its order is the order of the keys", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 300 }), fc.integer(), (ids, seed) => {
        const hash = hasher(seed);
        const wanted = [...ids.keys()].toSorted((a, b) => hash(ids[a]) - hash(ids[b]) || a - b);
        expect([...hashOrder(ids, seed)]).toEqual(wanted);
      }),
    );
  });
});

describe("folds", () => {
  test("sizes differ by at most one, in all and in every stratum", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(-1, 1, 3), { minLength: 10, maxLength: 200 }),
        fc.integer({ min: 2, max: 10 }),
        fc.integer(),
        (labels, k, seed) => {
          const folds = assignFolds(labels.length, k, seed, { strata: Float64Array.from(labels) });
          expect(spread(counts(folds, k))).toBeLessThanOrEqual(1);
          for (const label of [-1, 1, 3])
            expect(
              spread(
                counts(
                  folds.filter((_, i) => labels[i] === label),
                  k,
                ),
              ),
            ).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  test("follow the rows' ids when rows change places", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(), { minLength: 10, maxLength: 100 }), fc.integer(), (ids, seed) => {
        const straight = assignFolds(Int32Array.from(ids), 5, seed);
        const turned = assignFolds(Int32Array.from(ids).toReversed(), 5, seed);
        expect([...turned].toReversed()).toEqual([...straight]);
      }),
    );
  });

  test("the seed decides", () => {
    expect(assignFolds(100, 10, 1)).toEqual(assignFolds(100, 10, 1));
    expect(assignFolds(100, 10, 1)).not.toEqual(assignFolds(100, 10, 2));
    expect(assignFolds(4, 2, 7)).toEqual(assignFolds(Int32Array.of(0, 1, 2, 3), 2, 7));
  });

  test("groups stay whole and folds get about as many rows", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1, max: 30 }), { minLength: 50, maxLength: 300 }),
        fc.integer(),
        (codes, seed) => {
          fc.pre(new Set(codes).size >= 3);
          const groups = Int32Array.from(codes);
          const folds = assignFolds(codes.length, 3, seed, { groups });
          const foldOf = new Map<number, number>();
          groups.forEach((group, i) =>
            expect(foldOf.get(group) ?? folds[i]).toBe(foldOf.set(group, folds[i]).get(group)),
          );
          const largest = Math.max(
            ...counts(
              codes.map((code) => code + 1),
              32,
            ),
          );
          expect(spread(counts(folds, 3))).toBeLessThanOrEqual(largest);
        },
      ),
    );
  });

  test("refuses what cannot be", async () => {
    await expectFailure(() => assignFolds(3, 5, 1), "input", /5 folds need at least 5 rows, there are 3/);
    await expectFailure(
      () => assignFolds(9, 3, 1, { groups: new Int32Array(9) }),
      "input",
      /3 folds need at least 3 groups, there are 1/,
    );
    await expectFailure(() => assignFolds(9, 1, 1), "usage", /number of folds is 1/);
    await expectFailure(() => assignFolds(9, 3, 0.5), "usage", /seed is 0\.5/);
    await expectFailure(() => assignFolds(9, 3, 1, { strata: new Float64Array(8) }), "usage", /9 rows, but 8 strata/);
  });
});

describe("hold-out", () => {
  test("takes its share of all rows and of every stratum", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(-1, 1), { minLength: 20, maxLength: 200 }),
        fc.double({ min: 0.1, max: 0.9, noNaN: true }),
        fc.integer(),
        (labels, share, seed) => {
          const { training, evaluation } = holdOut(labels.length, share, seed, { strata: Float64Array.from(labels) });
          expect([...training, ...evaluation].toSorted((a, b) => a - b)).toEqual([...labels.keys()]);
          expect(evaluation.length).toBe(Math.round(labels.length * share));
          const positive = labels.filter((label) => label === 1).length;
          expect(Math.abs(evaluation.filter((i) => labels[i] === 1).length - positive * share)).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  test("keeps groups whole, and leaves both sides some", () => {
    const groups = Int32Array.from({ length: 100 }, (_, i) => i % 20);
    const { training, evaluation } = holdOut(100, 0.2, 5, { groups });
    expect(evaluation.length).toBe(20);
    const held = new Set([...evaluation].map((i) => groups[i]));
    expect([...training].some((i) => held.has(groups[i]))).toBe(false);
    const two = holdOut(10, 0.9, 1, { groups: Int32Array.from({ length: 10 }, (_, i) => i % 2) });
    expect([two.training.length, two.evaluation.length]).toEqual([5, 5]);
  });

  test("refuses what cannot be", async () => {
    await expectFailure(() => holdOut(10, 1, 1), "usage", /share of rows to hold out is 1/);
    await expectFailure(() => holdOut(2, 0.1, 1), "input", /leaves no evaluation rows/);
    await expectFailure(() => holdOut(4, 0.5, 1, { groups: new Int32Array(4) }), "input", /at least 2 groups/);
  });
});
