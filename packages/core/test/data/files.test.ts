import { spawnSync } from "node:child_process";
import { chmod, mkdir, readdir, readFile, stat, symlink } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { assertWritable, writeFileAtomically } from "../../src/data/files.node.js";
import { filesMatching } from "../../src/data/glob.node.js";
import { readTable } from "../../src/data/read.js";
import { cells, expectFailure, temporaryFolder } from "./helpers.js";

const folder = temporaryFolder();
const asRoot = process.getuid?.() === 0;

describe("reading", () => {
  test("a missing file suggests a near one", async () => {
    await folder.write("houses.csv", "a,b\n1,2\n");
    await expectFailure(
      () => readTable(folder.path("house.csv")),
      "input",
      /There is no file .*house\.csv; did you mean .*houses\.csv\?/,
    );
    await expectFailure(
      () => readTable("/nowhere/at/all.csv"),
      "input",
      /no file \/nowhere\/at\/all\.csv; check the path/,
    );
    await expectFailure(() => readTable(folder.path("houses.csv/x.csv")), "input", /There is no file/);
  });

  test("a link to a file that is gone is no misspelt name", async () => {
    await symlink(folder.path("gone.csv"), folder.path("link.csv"));
    await expectFailure(
      () => readTable(folder.path("link.csv")),
      "input",
      /link\.csv is a link to .*gone\.csv, which is not there; restore that file, or remove the link\./,
    );
  });

  test("a folder", async () => {
    await mkdir(folder.path("parts"));
    await expectFailure(() => readTable(folder.path("parts")), "input", /is a folder; name a file in it/);
  });

  test("an empty file", async () => {
    await expectFailure(async () => readTable(await folder.write("empty.csv", "")), "input", /empty\.csv is empty/);
  });

  test("a binary file named .csv", async () => {
    const bytes = Uint8Array.from({ length: 5000 }, (_, i) => (i * 37) % 256);
    await expectFailure(
      async () => readTable(await folder.write("binary.csv", bytes)),
      "input",
      /binary\.csv is a binary file/,
    );
  });

  test.skipIf(asRoot)("no permission", async () => {
    const path = await folder.write("secret.csv", "a,b\n1,2\n");
    await chmod(path, 0);
    await expectFailure(() => readTable(path), "input", /secret\.csv cannot be read for lack of permission/);
  });

  test("several files of one pattern, in sorted order, columns by name", async () => {
    await folder.write("part-2.csv", "b,a\n4,3\n");
    await folder.write("part-1.csv", "a,b\n1,2\n");
    const table = await readTable(folder.path("part-*.csv"));
    expect(table.source).toMatch(/^2 files \(.*part-\*\.csv\)$/);
    expect([cells(table, "a"), cells(table, "b")]).toEqual([
      [1, 3],
      [2, 4],
    ]);
    await expectFailure(() => readTable(folder.path("none-*.csv")), "input", /No file matches/);
  });

  test("files whose columns differ are refused by file and column", async () => {
    await folder.write("mix-1.csv", "a,b\n1,2\n");
    await folder.write("mix-2.csv", "a,c\n1,2\n");
    await expectFailure(
      () => readTable(folder.path("mix-*.csv")),
      "input",
      /mix-2\.csv has no column "b", which .*mix-1\.csv has/,
    );
    await folder.write("more-1.csv", "a\n1\n");
    await folder.write("more-2.csv", "a,c\n1,2\n");
    await expectFailure(
      () => readTable(folder.path("more-*.csv")),
      "input",
      /more-2\.csv has a column "c" that .*more-1\.csv has not/,
    );
  });

  test("a fault in the second file is named by that file's own row and line", async () => {
    await folder.write("row-1.csv", "a,b\n1,2\n1,2\n");
    await folder.write("row-2.csv", "a,b\n1,2\n1,inf\n");
    await expectFailure(
      () => readTable(folder.path("row-*.csv")),
      "input",
      /row-2\.csv, data row 2 \(line 3\): column "b"/,
    );
  });

  test("a file whose name looks like a pattern", async () => {
    expect((await readTable(await folder.write("a[1].csv", "a,b\n1,2\n"))).rows).toBe(1);
  });

  test("patterns", async () => {
    await mkdir(folder.path("g/deep/er"), { recursive: true });
    await mkdir(folder.path("g/.hidden"), { recursive: true });
    for (const name of ["a.csv", "b.csv", "c.tsv", ".h.csv", "deep/d.csv", "deep/er/e.csv", ".hidden/f.csv"])
      await folder.write(`g/${name}`, "x");
    const found = async (pattern: string): Promise<string[]> =>
      (await filesMatching(folder.path(`g/${pattern}`))).files.map((path) => path.slice(folder.path("g/").length));
    expect(await found("*.csv")).toEqual(["a.csv", "b.csv"]);
    expect(await found("?.{csv,tsv}")).toEqual(["a.csv", "b.csv", "c.tsv"]);
    expect(await found("[!a].csv")).toEqual(["b.csv"]);
    expect(await found("**/*.csv")).toEqual(["a.csv", "b.csv", "deep/d.csv", "deep/er/e.csv"]);
    expect(await found("*/d.csv")).toEqual(["deep/d.csv"]);
  });

  test("standard input", async () => {
    const module = fileURLToPath(new URL("../../src/data/read.ts", import.meta.url));
    const script = `import { readTable } from ${JSON.stringify(module)};
      readTable("-").then((t) => console.log(t.source, t.rows, t.columns[0].levels.join("|")));`;
    const run = spawnSync(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      input: `a,b\n007,1\n${"010,2\n".repeat(10)}x,3\n`,
      encoding: "utf8",
    });
    expect(run.stderr + run.stdout).toBe("stdin 12 007|010|x\n");
  });
});

describe("writing", () => {
  test("writes and overwrites, leaving nothing else behind", async () => {
    await mkdir(folder.path("out"));
    const path = folder.path("out/result.json");
    await writeFileAtomically(path, "one");
    await writeFileAtomically(path, new TextEncoder().encode("two"));
    expect(await readFile(path, "utf8")).toBe("two");
    expect(await readdir(folder.path("out"))).toEqual(["result.json"]);
  });

  test.skipIf(process.platform === "win32")(
    "who may read a file may read what takes its place, and nobody else",
    async () => {
      for (const mode of [0o600, 0o666]) {
        const path = await folder.write(`secret-${mode}`, "old");
        await chmod(path, mode);
        await writeFileAtomically(path, "new");
        expect([await readFile(path, "utf8"), (await stat(path)).mode & 0o777]).toEqual(["new", mode]);
      }
    },
  );

  test("faults name the path and are found beforehand", async () => {
    await mkdir(folder.path("there"));
    const file = await folder.write("file", "x");
    const faults: readonly (readonly [string, RegExp])[] = [
      [folder.path("absent/result.json"), /absent\/result\.json cannot be written: its folder does not exist/],
      [folder.path("there"), /there cannot be written: it is a folder/],
      [`${file}/result.json`, /cannot be written: a part of its path is a file/],
    ];
    for (const [path, message] of faults) {
      await expectFailure(() => assertWritable(path), "resource", message);
      await expectFailure(() => writeFileAtomically(path, "x"), "resource", message);
    }
  });

  test.skipIf(asRoot)("no permission", async () => {
    await mkdir(folder.path("locked"), { mode: 0o500 });
    await expectFailure(() => assertWritable(folder.path("locked/x")), "resource", /no permission/);
  });

  test("a link is written through to its file's name", async () => {
    const target = await folder.write("target.txt", "old");
    await symlink(target, folder.path("link.txt"));
    await writeFileAtomically(folder.path("link.txt"), "new");
    expect(await readFile(target, "utf8")).toBe("new");
    expect((await stat(target)).isFile()).toBe(true);
  });
});
