import { existsSync, readdirSync, readFileSync, statSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readTable } from "../../../src/data/read.js";
import { CacheWriter } from "../../../src/data/stream/cache-file.node.js";
import { type OpenedStream, openStreamed, type StreamOptions } from "../../../src/data/stream/open.node.js";
import { together } from "../../parallel/together.js";
import { expectFailure, temporaryFolder } from "../helpers.js";

const folder = temporaryFolder();

/** Two parts of equally many rows. */
async function parts(name: string, rowsEach = 300): Promise<{ pattern: string; paths: string[] }> {
  await mkdir(folder.path(name), { recursive: true });
  const paths = [1, 2].map((k) => join(folder.path(name), `part-${k}.csv`));
  for (const [k, path] of paths.entries()) {
    const rows = Array.from({ length: rowsEach }, (_, i) => {
      const x = Math.sin(1000 * k + i);
      return `${x},${["a", "b", "c"][i % 3]},${2 * x + (i % 7)}`;
    });
    await writeFile(path, `x,kind,y\n${rows.join("\n")}\n`);
  }
  return { pattern: join(folder.path(name), "part-*.csv"), paths };
}

const open = (pattern: string, options: Partial<StreamOptions> = {}): Promise<OpenedStream> =>
  openStreamed(pattern, { encode: { target: "y" }, split: { kind: "training" }, seed: 0, ...options });

/** Σ w·y of a pass over all rows. */
function pass({ training }: OpenedStream): number {
  let sum = 0;
  for (const { w, y } of training.blocks()) for (let i = 0; i < y.length; i++) sum += w[i] * y[i];
  return sum;
}

describe("a cache", () => {
  test("that was changed is reported with its file and rows", async () => {
    const { pattern } = await parts("changed");
    const cache = folder.path("changed-cache");
    const stream = await open(pattern, { cache, keepCache: true });
    const file = join(cache, "training.rows");
    const bytes = readFileSync(file);
    bytes[bytes.length - 100] ^= 1; // in the second part's block
    writeFileSync(file, bytes);
    await expectFailure(
      () => pass(stream),
      "resource",
      /data rows 1 to 300 of .*part-2\.csv\) does not match its checksum/,
    );
    writeFileSync(file, bytes.subarray(0, bytes.length - 8));
    await expectFailure(() => pass(stream), "resource", /part-2\.csv\) is cut off/);
    stream.close();
  });

  test("that was changed is reported by its rank", async () => {
    const { pattern } = await parts("ranks");
    const cache = folder.path("ranks-cache");
    const streams = await together(2, (ranks) => open(pattern, { cache, keepCache: true, ranks }));
    const file = join(cache, "training-2of2.rows");
    const bytes = readFileSync(file);
    bytes[bytes.length - 100] ^= 1;
    writeFileSync(file, bytes);
    expect(Number.isFinite(pass(streams[0]))).toBe(true);
    await expectFailure(() => pass(streams[1]), "resource", /part-2\.csv, on rank 1\) does not match/);
    for (const { close } of streams) close();
  });

  test("is removed at the end, but for what others put there", async () => {
    const { pattern } = await parts("removed");
    const cache = folder.path("removed-cache");
    const stream = await open(pattern, { cache });
    expect(statSync(cache).mode & 0o777).toBe(0o700);
    await writeFile(join(cache, "notes.txt"), "mine");
    stream.close();
    expect(await readdir(cache)).toEqual(["notes.txt"]);
    const other = folder.path("other-cache");
    (await open(pattern, { cache: other })).close();
    expect(existsSync(other)).toBe(false);
    await expectFailure(
      () => open(pattern, { cache: other, encode: { target: "z" } }),
      "input",
      /no target column "z"/,
    );
    expect(existsSync(other)).toBe(false);
  });

  test("is not begun, nor another one touched, where the columns show what is wrong", async () => {
    const { pattern } = await parts("unbegun");
    const cache = folder.path("unbegun-cache");
    let begun = 0;
    const wrong: Partial<StreamOptions> = {
      cache,
      keepCache: true,
      encode: { target: "z" },
      onStart: async () => {
        begun++;
      },
    };
    await expectFailure(() => open(pattern, wrong), "input", /no target column "z"/);
    expect([begun, existsSync(cache)]).toEqual([0, false]);
    const evaluation = folder.path("unbegun-evaluation.csv");
    await writeFile(evaluation, "x,kind,yy\n1,a,2\n");
    const judged: Partial<StreamOptions> = {
      ...wrong,
      encode: { target: "#3" },
      split: { kind: "file", path: evaluation },
    };
    await expectFailure(
      () => open(pattern, judged),
      "input",
      /unbegun-evaluation\.csv has no target column "y"\. Its columns/,
    );
    expect([begun, existsSync(cache)]).toEqual([0, false]);
    (await open(pattern, { cache, keepCache: true })).close();
    const kept = readFileSync(join(cache, "training.json"), "utf8");
    const others = await parts("unbegun-others", 20);
    await expectFailure(() => open(others.pattern, wrong), "input", /no target column "z"/);
    expect([begun, readFileSync(join(cache, "training.json"), "utf8")]).toEqual([0, kept]);
  });

  test("that does not stay has no name while it is read, so that a kill leaves none of it", async () => {
    const { pattern } = await parts("unnamed");
    const other = await parts("unnamed-evaluation");
    const cache = folder.path("unnamed-cache");
    const begun: string[][] = [];
    const onStart = async (): Promise<void> => {
      begun.push(await readdir(cache));
    };
    const stream = await open(pattern, { cache, onStart, split: { kind: "file", path: other.pattern } });
    expect(begun).toEqual([[], []]);
    expect(await readdir(cache)).toEqual([]);
    expect(pass(stream)).toBeCloseTo(pass(await open(pattern, { cache: folder.path("named"), keepCache: true })), 12);
    stream.close();
    expect(existsSync(cache)).toBe(false);
  });

  test("that stays is used again while its files are the same, and written anew when they are not", async () => {
    const { pattern, paths } = await parts("kept");
    const cache = folder.path("kept-cache");
    const seen: boolean[] = [];
    const again = async (options: Partial<StreamOptions> = {}): Promise<number> => {
      const stream = await open(pattern, {
        cache,
        keepCache: true,
        onCache: (_, __, before) => seen.push(before),
        ...options,
      });
      const sum = pass(stream);
      stream.close();
      return sum;
    };
    const first = await again();
    expect(await again()).toBe(first);
    await again({ precision: "mixed" });
    utimesSync(paths[0], new Date(), new Date(1e9));
    await again({ precision: "mixed" });
    writeFileSync(join(cache, "training.json"), "{ half");
    expect(await again()).toBe(first);
    expect(seen).toEqual([false, true, false, false, false]);
  });

  test.each([true, false])("is not that of another run in its folder (both kept: %s)", async (keepCache) => {
    const [one, two] = [await parts(`one-${keepCache}`, 300), await parts(`two-${keepCache}`, 200)];
    const cache = folder.path(`shared-${keepCache}`);
    const first = await open(one.pattern, { cache, keepCache });
    const before = pass(first);
    const second = await open(two.pattern, { cache, keepCache });
    expect(pass(first)).toBe(before);
    expect(pass(second)).not.toBe(before);
    for (const { close } of [second, first]) close();
    expect(existsSync(cache)).toBe(keepCache);
  });

  test("that was to stay is gone where its rows could not all be read", async () => {
    const { pattern, paths } = await parts("half");
    const cache = folder.path("half-cache");
    writeFileSync(paths[1], "x,kind,y\n1,a,3\n4,5\n");
    await expectFailure(() => open(pattern, { cache, keepCache: true }), "input", /part-2\.csv: line 3 has 2 cells/);
    expect(readdirSync(cache)).toEqual([]);
  });

  test("on a full disk, or in a place that is none, is one sentence", async () => {
    const { pattern, paths } = await parts("full");
    const full = /cannot be written: the disk is full/;
    await expectFailure(() => new CacheWriter("/dev/full"), "resource", full);
    await expectFailure(() => open(pattern, { cache: paths[0] }), "resource", /cannot hold the cache: it is a file/);
    await expectFailure(() => open(pattern, { cache: join(paths[0], "x") }), "resource", /it is a file, not a folder/);
    if (process.platform === "linux") {
      await expectFailure(() => open(pattern, { cache: "/proc/x/y" }), "resource", /no folder can be made there/);
    }
  });
});

describe("files", () => {
  test("that vanish or change while they are read are named", async () => {
    const { pattern, paths } = await parts("vanish");
    const vanishing = { onRead: () => existsSync(paths[1]) && unlinkSync(paths[1]) };
    await expectFailure(
      () => open(pattern, vanishing),
      "input",
      /part-2\.csv is gone: it was there when the run began/,
    );
    const { paths: others, pattern: growing } = await parts("grow");
    const grow = { onRead: () => writeFileSync(others[1], "x,kind,y\n1,a,1\n2,b,2\n") };
    await expectFailure(() => open(growing, grow), "input", /part-2\.csv changed while it was read/);
  });

  test("that do not go together are both named, on every number of ranks", async () => {
    const { pattern, paths } = await parts("mixture");
    const mixture = /Column "x" holds numbers in .*part-1\.csv and text in .*part-2\.csv \("few" in its data row 3\); /;
    writeFileSync(paths[1], `x,kind,y\n1,c,1\n,c,1\n${"few,a,1\nmany,b,2\n".repeat(9)}`);
    for (const size of [1, 2, 3]) {
      await expectFailure(() => together(size, (ranks) => open(pattern, { ranks })), "input", mixture);
    }
    const order = /Column "x" holds numbers in .*part-2\.csv and text in .*part-1\.csv \("few" in its data row 2\); /;
    writeFileSync(paths[0], `x,kind,y\n1,c,1\n${"few,a,1\nmany,b,2\n".repeat(9)}`);
    writeFileSync(paths[1], `x,kind,y\n${"1,a,1\n2,b,2\n".repeat(9)}`);
    for (const size of [1, 2, 3]) {
      await expectFailure(() => together(size, (ranks) => open(pattern, { ranks })), "input", order);
    }
    writeFileSync(paths[1], "x,sort,y\n1,a,1\n2,b,2\n");
    for (const size of [1, 2]) {
      await expectFailure(
        () => together(size, (ranks) => open(pattern, { ranks })),
        "input",
        /part-2\.csv has no column "kind", which .*part-1\.csv has/,
      );
    }
  });

  test("with missing cells: the first is named with its file and row, on every number of ranks", async () => {
    const { pattern, paths } = await parts("holes");
    writeFileSync(paths[1], `x,kind,y\n${"1,a,1\n2,b,2\n".repeat(9)}3,a,\n,a,4\n`);
    const holes =
      /2 files \(.*part-\*\.csv\): there are missing cells: 1 in "y", 1 in "x" \(the first in data row 19 of .*part-2\.csv\); leave/;
    for (const size of [1, 2, 3]) {
      await expectFailure(() => together(size, (ranks) => open(pattern, { ranks })), "input", holes);
    }
  });

  test("that are empty add no rows, first or last, packed or not, on every number of ranks; all of them empty are refused", async () => {
    const whole = await parts("filled");
    const alone = await open(whole.pattern);
    const sum = pass(alone);
    alone.close();
    const { pattern, paths } = await parts("hollow");
    const [first, last] = ["part-0.csv", "part-9.csv"].map((name) => join(folder.path("hollow"), name));
    for (const nothing of ["", "\n\n", gzipSync("")]) {
      for (const path of [first, last]) writeFileSync(path, nothing);
      for (const size of [1, 3]) {
        const streams = await together(size, (ranks) => open(pattern, { ranks }));
        expect(streams.reduce((total, stream) => total + pass(stream), 0)).toBeCloseTo(sum, 12);
        for (const { close } of streams) close();
      }
      expect((await readTable(pattern)).rows).toBe(600);
    }
    for (const path of paths) writeFileSync(path, "");
    await expectFailure(() => open(pattern), "input", /^4 files \(.*\) is empty; give a file with a header/);
    await expectFailure(() => readTable(pattern), "input", /^4 files \(.*\) is empty; give a file with a header/);
  });

  test("that cannot be read twice, and labels too many to be told apart, are refused", async () => {
    await expectFailure(() => open("-"), "input", /Standard input cannot be read in pieces/);
    await expectFailure(() => open("/dev/null"), "input", /is a pipe or a device/);
    const path = folder.path("labels.csv");
    const lines = Array.from({ length: 100_001 }, (_, i) => `n${i},${i % 7},${(i * i) % 11}`);
    writeFileSync(path, `${["name,x,y", ...lines].join("\n")}\n`);
    for (const role of ["splitBy", "cluster"]) {
      await expectFailure(
        () => open(path, { encode: { target: "y", [role]: "name" } }),
        "input",
        /labels\.csv: .*column.* "name" holds more than 100,000 different texts, too many to stream; write whole numbers/,
      );
    }
  });

  test("may be fewer than the ranks", async () => {
    const { pattern } = await parts("few");
    const alone = await open(pattern);
    const streams = await together(5, (ranks) => open(pattern, { ranks }));
    expect(streams.map(({ training }) => training.ownRows).toSorted((a, b) => b - a)).toEqual([300, 300, 0, 0, 0]);
    expect(streams.reduce((sum, stream) => sum + pass(stream), 0)).toBeCloseTo(pass(alone), 12);
    for (const { close } of [alone, ...streams]) close();
  });
});
