import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assignFolds, holdOut } from "../../../src/data/splits.js";
import { NO_STRATUM, rankByHash } from "../../../src/data/stream/hash-rank.js";
import { together } from "../../parallel/together.js";

/** The ranks that several processes find, by row; NaN where a row does not take part. */
async function ranked(strata: Uint8Array, cuts: readonly number[], seed: number): Promise<Float64Array> {
  const n = strata.length;
  const ends = [...cuts.map((cut) => Math.min(cut, n)).toSorted((a, b) => a - b), n];
  const sizes = [0, 1].map((s) => strata.filter((stratum) => stratum === s).length);
  const out = new Float64Array(n).fill(Number.NaN);
  await together(ends.length, (ranks) => {
    const first = ranks.rank === 0 ? 0 : ends[ranks.rank - 1];
    const own = strata.slice(first, ends[ranks.rank]);
    const rows = { count: own.length, strata: own, firstId: first + 1 };
    return rankByHash(rows, sizes, seed, ranks, (place, _stratum, rank) => {
      out[first + place] = rank;
    });
  });
  return out;
}

describe("ranks of hashes", () => {
  test("give the folds and the held-out rows of splits in memory, for any number of ranks", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(0, 1, NO_STRATUM), { minLength: 4, maxLength: 400 }),
        fc.array(fc.nat(400), { maxLength: 3 }),
        fc.integer(),
        async (list, cuts, seed) => {
          const strata = Uint8Array.from([0, 0, 1, 1, ...list]);
          const rows = Int32Array.from([...strata.keys()].filter((i) => strata[i] !== NO_STRATUM));
          const labels = Float64Array.from(rows, (i) => strata[i]);
          const found = await ranked(strata, cuts, seed);
          const before = [0, labels.filter((label) => label === 0).length];
          const ids = rows.map((i) => i + 1);
          const folds = assignFolds(ids, 3, seed, { strata: labels });
          expect(Array.from(rows, (i) => (before[strata[i]] + found[i]) % 3)).toEqual(Array.from(folds));
          const { evaluation } = holdOut(ids, 0.3, seed, { strata: labels });
          const quota = [0, 1].map((s) => evaluation.filter((k) => labels[k] === s).length);
          const held = [...rows.keys()].filter((k) => found[rows[k]] < quota[strata[rows[k]]]);
          expect(held).toEqual(Array.from(evaluation));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("more rows than are ranked at a time", async () => {
    const n = 600_000;
    const found = await ranked(new Uint8Array(n), [200_000], 7);
    const folds = assignFolds(
      Int32Array.from({ length: n }, (_, i) => i + 1),
      10,
      7,
    );
    expect(found.every((rank, i) => rank % 10 === folds[i])).toBe(true);
  });
});
