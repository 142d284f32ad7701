import { describe, expect, test } from "vitest";
import { encode } from "../../src/data/encode-table.js";
import type { EncodeOptions } from "../../src/data/encoding.js";
import { readTable } from "../../src/data/read.js";
import { placeIn } from "../../src/data/row-place.js";
import { openStreamed } from "../../src/data/stream/open.node.js";
import { AifError } from "../../src/errors.js";
import { together } from "../parallel/together.js";
import { temporaryFolder } from "./helpers.js";

const folder = temporaryFolder();

test("a row is named by its place in its own of several files, files without rows aside", () => {
  expect(placeIn([], 4)).toBe("data row 5");
  expect(placeIn([{ name: "a.csv", rows: 9 }], 4)).toBe("data row 5");
  const files = [
    { name: "a.csv", rows: 2 },
    { name: "b.csv", rows: 3 },
  ];
  expect([0, 1, 2, 4].map((row) => placeIn(files, row))).toEqual([
    "data row 1 of a.csv",
    "data row 2 of a.csv",
    "data row 1 of b.csv",
    "data row 3 of b.csv",
  ]);
});

describe("several files read together", () => {
  /** Parts of 20, no and 15 rows; the 7th row of the last has these cells. */
  async function parts(name: string, cells: string): Promise<{ pattern: string; last: string }> {
    const rows = (from: number, count: number): string[] =>
      Array.from(
        { length: count },
        (_, i) => `${from + i},${((from + i) * 7) % 23},${(from + i) % 5},${(from + i) % 3}`,
      );
    const header = "x,z,y,w";
    await folder.write(`${name}-1.csv`, `${[header, ...rows(0, 20)].join("\n")}\n`);
    await folder.write(`${name}-2.csv`, `${header}\n`);
    const last = rows(20, 15);
    last[6] = cells;
    const path = await folder.write(`${name}-3.csv`, `${[header, ...last].join("\n")}\n`);
    return { pattern: folder.path(`${name}-*.csv`), last: path };
  }

  /** What is said of them in memory, and streamed on one process and on two. */
  async function said(pattern: string, options: EncodeOptions): Promise<string[]> {
    const streamed = async (size: number): Promise<string> => {
      const opened = await together(size, (ranks) =>
        openStreamed(pattern, { encode: options, split: { kind: "training" }, seed: 0, header: true, ranks }),
      );
      for (const { close } of opened) close();
      return opened[0].training.notes.map(({ message }) => message).join();
    };
    const inMemory = async (): Promise<string> =>
      encode(await readTable(pattern, { header: true }), options)
        .notes.map(({ message }) => message)
        .join();
    const words = (work: Promise<string>): Promise<string> =>
      work.catch((error: unknown) => (error instanceof AifError ? error.message : String(error)));
    return Promise.all([inMemory(), streamed(1), streamed(2)].map(words));
  }

  test.each<[name: string, cells: string, options: EncodeOptions, begin: string]>([
    ["missing", "1,,2,1", { target: "y" }, 'there are missing cells: 1 in "z" (the first in '],
    ["weight", "1,2,3,-4", { target: "y", weights: "w" }, 'weights column "w" is -4 in '],
    ["count", "1,2,-3,1", { target: "y", task: "count" }, 'target column "y" is -3 in '],
    ["cluster", "1,2,3,", { target: "y", cluster: "w" }, 'cluster column "w" is missing in 1 row ('],
  ])("an error names the file: %s", async (name, cells, options, begin) => {
    const { pattern, last } = await parts(name, cells);
    for (const sentence of await said(pattern, options)) {
      expect(sentence).toContain(`3 files (${pattern}): ${begin}data row 7 of ${last}`);
    }
  });

  test("a note on a column that is nearly one of numbers names the file", async () => {
    // Text in every file, or the column is refused as numbers in one and text in another.
    const { pattern, last } = await parts("nearly", "1,12kg,2,1");
    const first = await readTable(folder.path("nearly-1.csv"), { header: true });
    expect(first.columns[1].kind).toBe("numeric");
    const [inMemory] = await said(pattern, { target: "y" });
    expect(inMemory).toContain(`Column "z" is taken for text: "12kg" in data row 7 of ${last} is no number`);
    await folder.write("nearly-1.csv", "x,z,y,w\n1,2,3,1\n2,3%,1,1\n4,1,5,1\n");
    for (const sentence of await said(pattern, { target: "y" })) {
      expect(sentence).toContain(
        `Column "z" is taken for text: "3%" in data row 2 of ${folder.path("nearly-1.csv")} is no number`,
      );
    }
  });
});
