/** Tasks that share passes get the same answers as alone, from as few passes as the longest of them needs. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeNumbers, encodeNumbers } from "../../src/parallel/checkpoint.js";
import { EachRank, type Pass, sideBySide } from "../../src/parallel/passes.js";

const ROWS = [1, 2, 3, 4, 5];

/** A pass over five numbers, counted. */
function counted(): { pass: Pass<number>; passes: () => number } {
  let passes = 0;
  const pass: Pass<number> = async ({ visit }) => {
    passes++;
    for (const row of ROWS) await visit(row);
  };
  return { pass, passes: () => passes };
}

/** Σ (row + last)^k after each of `steps` passes, each from what the one before gave. */
const task =
  (steps: number) =>
  async (pass: Pass<number>): Promise<number> => {
    let last = 0;
    for (let step = 0; step < steps; step++) {
      const sum = new Float64Array(1);
      const from = last;
      await pass({ sums: [sum], visit: (row) => void (sum[0] += row * (1 + 0.1 * step) + from / ROWS.length) });
      [last] = sum;
    }
    return last;
  };

test("side by side, also within each other, as alone", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(fc.nat(4), { maxLength: 4 }), { maxLength: 4 }), async (groups) => {
      const { pass, passes } = counted();
      const found = await sideBySide(
        pass,
        groups.map((group) => (own: Pass<number>) => sideBySide(own, group.map(task))),
      );
      const alone = await Promise.all(
        groups.map((group) => Promise.all(group.map((steps) => task(steps)(counted().pass)))),
      );
      expect(found).toEqual(alone);
      expect(passes()).toBe(Math.max(0, ...groups.flat()));
    }),
    { numRuns: 50 },
  );
});

test("what one task throws ends them all, and no further pass is made", async () => {
  const { pass, passes } = counted();
  const failing = async (own: Pass<number>): Promise<number> => {
    await task(2)(own);
    throw new Error("no answer");
  };
  await expect(sideBySide(pass, [task(9), failing, task(1)])).rejects.toThrow("no answer");
  expect(passes()).toBe(2);
  const broken: Pass<number> = async () => {
    throw new Error("a bad row");
  };
  await expect(sideBySide(broken, [task(1), task(2)])).rejects.toThrow("a bad row");
});

test("numbers of every rank, brought to each by a sum", () => {
  const ranks = [0, 1, 2].map((rank) => ({ rank, size: 3, add: async () => {}, gather: async () => [] }));
  const each = ranks.map((of) => new EachRank(of, 2));
  each.forEach(({ own }, rank) => own.set([rank === 1 ? Number.POSITIVE_INFINITY : rank - 1, 10 * rank]));
  const sum = each[0].all.map((_, k) => each.reduce((total, { all }) => total + all[k], 0));
  each[0].all.set(sum);
  expect([...each[0].ofAll(1)]).toEqual([0, 10, 20]);
  expect(each[0].smallest(0)).toBe(-1);
  expect(each[0].largest(0)).toBe(Number.POSITIVE_INFINITY);
});

test("numbers as text come back to the last bit, and only into as many", () => {
  fc.assert(
    fc.property(fc.float64Array({ maxLength: 3000 }), (values) => {
      const back = new Float64Array(values.length);
      expect(decodeNumbers(encodeNumbers(values), back)).toBe(true);
      expect(new BigUint64Array(back.buffer)).toEqual(new BigUint64Array(values.slice().buffer));
      expect(decodeNumbers(encodeNumbers(values), new Float64Array(values.length + 1))).toBe(false);
    }),
    { numRuns: 30 },
  );
});
