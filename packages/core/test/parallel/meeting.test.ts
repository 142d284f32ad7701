import fc from "fast-check";
import { expect, test } from "vitest";
import { Meeting } from "../../src/parallel/meeting.js";
import { together } from "./together.js";

test("numbers are added in rank order, whoever comes first, and all ranks get the same digits", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }).chain((size) =>
        fc.record({
          order: fc.shuffledSubarray([...Array(size).keys()], { minLength: size }),
          numbers: fc.array(fc.float64Array({ minLength: 3, maxLength: 3, noNaN: true }), {
            minLength: size,
            maxLength: size,
          }),
        }),
      ),
      async ({ order, numbers }) => {
        const meeting = new Meeting(order.length);
        const sums = numbers.map((own) => own.slice());
        await Promise.all(
          order.map((rank) => meeting.ranks(rank).add(sums[rank].subarray(0, 1), sums[rank].subarray(1))),
        );
        const expected = [0, 1, 2].map((k) => numbers.reduce((sum, own) => sum + own[k], 0));
        for (const sum of sums) expect([...sum]).toEqual(expected);
      },
    ),
  );
});

test("rounds that one rank runs ahead with wait for the others, in order", async () => {
  const meeting = new Meeting(2);
  const [one, two] = [meeting.ranks(0), meeting.ranks(1)];
  const ahead = [one.gather("a"), one.gather("b")];
  expect(await Promise.all([two.gather("c"), two.gather("d"), ...ahead])).toEqual([
    ["a", "c"],
    ["b", "d"],
    ["a", "c"],
    ["b", "d"],
  ]);
});

test("what ends a meeting is heard by all who wait, and by all who come later", async () => {
  const meeting = new Meeting(3);
  const waiting = meeting.ranks(0).add(Float64Array.of(1));
  meeting.end(new Error("part-7.csv is gone"));
  await expect(waiting).rejects.toThrow("part-7.csv is gone");
  await expect(meeting.ranks(2).gather("x")).rejects.toThrow("part-7.csv is gone");
});

test("ranks that ask for different things are told instead of being given nonsense", async () => {
  await expect(
    together(2, ({ rank, add, gather }) => (rank === 0 ? add(new Float64Array(2)) : gather("x").then(() => {}))),
  ).rejects.toThrow(/lost each other's step/);
  await expect(together(2, ({ rank, add }) => add(new Float64Array(2 + rank)))).rejects.toThrow(/step/);
});
