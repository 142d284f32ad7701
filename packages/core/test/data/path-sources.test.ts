import { mkdir, symlink } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { filesMatching } from "../../src/data/glob.node.js";
import { readTable } from "../../src/data/read.js";
import { openStreamed } from "../../src/data/stream/open.node.js";
import { expectFailure, temporaryFolder } from "./helpers.js";

const folder = temporaryFolder();

/** Rows of x and y, from `first` on. */
const csv = (first: number, rows = 6): string =>
  `x,y\n${Array.from({ length: rows }, (_, i) => `${first + i},${(3 * (first + i)) % 7}`).join("\n")}\n`;

/** What is read of a path in memory and streamed: rows and notes, which are the same. */
async function readBothWays(path: string): Promise<{ rows: number; notes: readonly string[] }> {
  const { rows, notes = [] } = await readTable(path);
  const { training, close } = await openStreamed(path, {
    encode: { target: "y" },
    split: { kind: "training" },
    seed: 0,
  });
  close();
  expect([training.rows, training.notes]).toEqual([rows, notes]);
  return { rows, notes: notes.map(({ code, message }) => `${code}: ${message}`) };
}

describe("a folder that a pattern matches", () => {
  test("is told of, and links to folders too", async () => {
    await mkdir(folder.path("data/old"), { recursive: true });
    await folder.write("data/1.csv", csv(0));
    await folder.write("data/2.csv", csv(10));
    await folder.write("data/old/0.csv", csv(20));
    const pattern = folder.path("data/*");
    const [old, inside] = [folder.path("data/old"), folder.path("data/*/*")].map((path) => JSON.stringify(path));
    expect(await readBothWays(pattern)).toEqual({
      rows: 12,
      notes: [
        `folder-skipped: ${old} is a folder: ${JSON.stringify(pattern)} reads no file inside (${inside} names them).`,
      ],
    });
    await symlink(folder.path("data/old"), folder.path("data/also"));
    const { notes } = await readBothWays(pattern);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(/data\/also", ".*data\/old" are folders: /);
    // Where the pattern goes down into every folder, or speaks of files only, nothing is passed over.
    expect(await filesMatching(folder.path("data/**/*"))).toMatchObject({ folders: [] });
    expect((await readTable(folder.path("data/**"))).notes).toEqual([]);
    expect((await readTable(folder.path("data/*.csv"))).notes).toEqual([]);
  });

  test("with nothing else is refused", async () => {
    await mkdir(folder.path("years/2024"), { recursive: true });
    await folder.write("years/2024/1.csv", csv(0));
    await expectFailure(
      () => readTable(folder.path("years/*")),
      "input",
      /years\/\*" matches folders only \(".*years\/2024"\); name the files in them, such as ".*years\/\*\/\*"\./,
    );
  });
});

describe("a file that is named twice", () => {
  /** The sentence that refuses a path in memory and streamed. */
  async function expectRefusal(path: string, message: RegExp): Promise<void> {
    const options = { encode: { target: "y" }, split: { kind: "training" as const }, seed: 0 };
    await expectFailure(() => readTable(path), "input", message);
    await expectFailure(() => openStreamed(path, options), "input", message);
  }

  test("in a list is refused with both lines, however it is written", async () => {
    await mkdir(folder.path("lists/sub"), { recursive: true });
    const file = await folder.write("lists/a.csv", csv(0));
    await folder.write("lists/b.csv", csv(10));
    await symlink(file, folder.path("lists/link.csv"));
    const listed = async (...lines: string[]) => `@${await folder.write("lists/parts.txt", lines.join("\n"))}`;
    for (const again of ["a.csv", "./sub/../a.csv", file]) {
      await expectRefusal(
        await listed("# parts", "a.csv", "", "b.csv", again),
        /parts\.txt names \/.*lists\/a\.csv in line 2 and again in line 5: its rows would count twice; name it once\.$/,
      );
    }
    await expectRefusal(
      await listed("link.csv", "a.csv"),
      /names \/.*link\.csv in line 1 and the same file again in line 2, as \/.*lists\/a\.csv: its rows/,
    );
    expect((await readTable(await listed("b.csv", "a.csv"))).rows).toBe(12);
  });

  test("by a pattern, through a link, is refused", async () => {
    await mkdir(folder.path("linked"));
    const file = await folder.write("linked/part-2.csv", csv(0));
    await folder.write("linked/part-1.csv", csv(10));
    await symlink(file, folder.path("linked/latest.csv"));
    await expectRefusal(
      folder.path("linked/*.csv"),
      /"\/.*\*\.csv" names \/.*latest\.csv and the same file again, as \/.*part-2\.csv: its rows would count/,
    );
    expect((await readTable(folder.path("linked/part-*.csv"))).rows).toBe(12);
  });
});
