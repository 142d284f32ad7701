import fc from "fast-check";
import { expect, test } from "vitest";
import { agree } from "../../src/parallel/agreement.js";
import { deal } from "../../src/parallel/deal.js";
import { packText, unpackText } from "../../src/parallel/packed-text.js";
import { pack, unpack } from "../../src/parallel/parcel.js";
import { together } from "./together.js";

test("any text comes back from numbers, and adding zeros to them changes nothing", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(unpackText(packText(text).map((value) => value + 0))).toBe(text);
    }),
  );
});

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.double({ noNaN: false }).map((value) => (value === 0 ? 0 : value)),
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.float64Array().map((array) => array.map((value) => (value === 0 ? 0 : value))),
    fc.int32Array(),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(
      fc.string({ minLength: 1 }).filter((key) => !key.startsWith("$") && key !== "__proto__"),
      tie("value"),
      {
        maxKeys: 4,
        noNullPrototype: true,
      },
    ),
  ),
})).value;

test("plain data with arrays come back with their digits", () => {
  fc.assert(
    fc.property(plain, (value) => {
      const { text, numbers } = pack(value);
      expect(unpack(text, Float64Array.from(numbers.flatMap((array) => [...array])))).toEqual(value);
    }),
  );
});

test("tasks give the same in the same order, whoever does them", async () => {
  const task = async (k: number) => ({ k, numbers: Float64Array.of(k, 1 / k), none: k % 3 === 0 ? null : Number.NaN });
  for (const [size, count] of [
    [1, 4],
    [2, 5],
    [3, 3],
    [5, 2],
    [4, 0],
  ]) {
    const expected = await Promise.all(Array.from({ length: count }, (_, k) => task(k)));
    for (const hands of await together(size, (ranks) => deal(ranks, count, task))) expect(hands).toEqual(expected);
  }
});

test("each task is done once", async () => {
  const done: number[] = [];
  await together(3, (ranks) => deal(ranks, 8, async (k) => done.push(k)));
  expect(done.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

const facts = (l2: number, size = "10 bytes") => ({
  "the version of aif": "1.0.0",
  "--l2": l2,
  "--norm": "2,1",
  "the file part-1.csv": size,
});

test("ranks that agree go on", async () => {
  await together(3, (ranks) => agree(ranks, facts(0.1), "here"));
});

test.each([
  [{ ...facts(0), "the version of aif": "1.1.0" }, ": the version of aif is 1.1.0 there and 1.0.0 here;"],
  [facts(0.1), ": --l2 is 0.1 there and 0 here;"],
  [{ ...facts(0), "--l2": null }, ": --l2 is not given there and 0 here;"],
  [facts(0, "9 bytes"), ": the file part-1.csv is 9 bytes there and 10 bytes here;"],
  [{ ...facts(0), "--by": "town" }, ": --by is town there and not given here;"],
])("a rank that would do other work is refused by all of them (%#)", async (odd, difference) => {
  const outcomes = await together(3, (ranks) =>
    agree(ranks, ranks.rank === 2 ? odd : facts(0), `host${ranks.rank}`).catch((error: Error) => error.message),
  );
  expect(new Set(outcomes).size).toBe(1);
  expect(outcomes[0]).toContain("Rank 2 (host2) and rank 0 (host0) would not do the same work: ");
  expect(outcomes[0]).toContain(difference);
});
