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
