/** The AUC and its placements over ranks against counting pairs. */
import { describe, expect, test } from "vitest";
import { ascending, rankedScores } from "../../src/influence/ranked-scores.js";
import { Random } from "../models/naive.js";
import { together } from "../parallel/together.js";

/** P(f of a positive > f of a negative), ties by half, pair by pair; and each row's share of the other class. */
function byPairs(y: readonly number[], w: readonly number[], f: readonly number[]) {
  const right = (i: number, j: number): number => {
    const [up, down] = y[i] > 0 ? [f[i], f[j]] : [f[j], f[i]];
    return up > down ? 1 : up === down ? 0.5 : 0;
  };
  const others = (i: number): number[] => [...y.keys()].filter((j) => y[j] > 0 !== y[i] > 0);
  const mean = (rows: readonly number[], value: (j: number) => number): number =>
    rows.reduce((sum, j) => sum + w[j] * value(j), 0) / rows.reduce((sum, j) => sum + w[j], 0);
  const placements = y.map((_, i) => mean(others(i), (j) => right(i, j)));
  const positives = [...y.keys()].filter((i) => y[i] > 0);
  return { area: mean(positives, (i) => placements[i]), placements };
}

/** Cut at some places, a rank each. */
async function ranked(y: readonly number[], w: readonly number[], f: readonly number[], cuts: readonly number[]) {
  const bounds = [0, ...cuts, y.length];
  const own = <T>(values: readonly T[], rank: number): T[] => values.slice(bounds[rank], bounds[rank + 1]);
  const shares = await together(cuts.length + 1, (ranks) =>
    rankedScores(
      own(y, ranks.rank),
      Float64Array.from(own(w, ranks.rank)),
      Float64Array.from(own(f, ranks.rank)),
      ranks,
    ),
  );
  return { areas: shares.map(({ area }) => area), placements: shares.flatMap(({ placements }) => [...placements]) };
}

describe("ranked scores", () => {
  test.each([
    ["all different", 1000],
    ["many ties", 6],
  ])("%s, weighted, on one rank and on four", async (_, values) => {
    const random = new Random(values);
    const n = 120;
    const y = Array.from({ length: n }, () => (random.uniform() < 0.3 ? 1 : -1));
    const w = y.map(() => 0.1 + random.uniform());
    const f = y.map((label) => Math.floor(values * (random.uniform() + 0.1 * label)) / values);
    const truth = byPairs(y, w, f);
    for (const cuts of [[], [17, 17, 80]]) {
      const { areas, placements } = await ranked(y, w, f, cuts);
      for (const area of areas) expect(area).toBeCloseTo(truth.area, 13);
      placements.forEach((value, i) => expect(value).toBeCloseTo(truth.placements[i], 13));
    }
  });

  test("lists that travel in several pieces, with ties across their ends: from the counts of each score", async () => {
    const [n, values] = [600_000, 7];
    const y = Array.from({ length: n }, (_, i) => (i % 3 === 0 ? 1 : -1));
    const f = y.map((label, i) => ((i * 5) % values) + (label > 0 && i % 2 === 0 ? 1 : 0));
    const counts = [1, -1].map((label) =>
      Array.from({ length: values + 1 }, (_, score) => y.filter((own, i) => own === label && f[i] === score).length),
    );
    let [area, below] = [0, 0];
    for (let score = 0; score <= values; score++) {
      area += counts[0][score] * (below + 0.5 * counts[1][score]);
      below += counts[1][score];
    }
    area /= (n / 3) * ((2 * n) / 3);
    const { areas } = await ranked(y, new Array<number>(n).fill(1 / n), f, [50_000]);
    for (const found of areas) expect(found).toBeCloseTo(area, 10);
  });

  test("one class alone has no area", async () => {
    expect((await ranked([1, 1], [0.5, 0.5], [1, 2], [])).areas).toEqual([Number.NaN]);
  });
});

test("numbers of every size and sign are put in ascending order, ties by place", () => {
  const random = new Random(3);
  const kinds: ((i: number) => number)[] = [
    (i) =>
      i % 9 === 0 ? Math.round(3 * random.normal()) : random.normal() * 10 ** Math.floor(600 * random.uniform() - 300),
    () => 1 + 1e-9 * random.uniform(),
    () => Math.round(3 * random.normal()),
  ];
  for (const kind of kinds) {
    for (const n of [0, 1, 90, 70_000]) {
      const f = Float64Array.from({ length: n }, (_, i) => kind(i));
      if (n > 0) f.set([0, -0, 0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, -5e-324].slice(0, n));
      const { order, keys } = ascending(f);
      expect(new Set(order).size).toBe(n);
      for (let k = 1; k < n; k++) {
        const [a, b] = [f[order[k - 1]], f[order[k]]];
        const sorted = a < b ? keys[k - 1] <= keys[k] : a === b && keys[k - 1] === keys[k] && order[k - 1] < order[k];
        if (!sorted) throw new Error(`${a} and ${b} at ${k}`);
      }
    }
  }
});
