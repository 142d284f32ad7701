import { closeSync, openSync, writeSync } from "node:fs";
import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cacheStreamed, openShare, type StreamOptions } from "../../../src/data/stream/open.node.js";
import { together } from "../../parallel/together.js";
import { expectFailure, temporaryFolder } from "../helpers.js";

const folder = temporaryFolder();
/** Some blocks of the cache of each of two files. */
const ROWS = [20_000, 9000];

const targetOf = (row: number): number => 3 * row - 7;
const featureOf = (row: number): number => (row * row) % 1009;

async function files(name: string): Promise<string> {
  let row = 0;
  for (const [k, count] of ROWS.entries()) {
    const lines = Array.from({ length: count }, () => `${featureOf(row)},${"abc"[row % 3]},${targetOf(row++)}`);
    await writeFile(folder.path(`${name}-${k + 1}.csv`), `x,kind,y\n${lines.join("\n")}\n`);
  }
  return folder.path(`${name}-*.csv`);
}

const cached = (pattern: string, options: Partial<StreamOptions> = {}) =>
  cacheStreamed(pattern, {
    encode: { target: "y", standardize: false },
    split: { kind: "cv", folds: 4 },
    seed: 5,
    ...options,
  });

describe("one cache that threads read side by side", () => {
  test("gives every row once, in order, with its weight and its fold, for any number of them", async () => {
    const stream = await cached(await files("rows"));
    const total = ROWS[0] + ROWS[1];
    const foldsOf: number[][] = [];
    for (const size of [1, 2, 3, 7]) {
      const shares = await together(size, (ranks) => openShare(stream.share, ranks));
      const [rows, folds]: number[][] = [[], []];
      for (const { training } of shares) {
        expect(training.rows).toBe(total);
        expect(training.firstRow).toBe(rows.length);
        for (const { x, y, w, sourceRows, foldOf } of training.blocks()) {
          for (let i = 0; i < y.length; i++) {
            const row = sourceRows[i] - 1;
            const wrong =
              y[i] !== targetOf(row) || x.row(i)[0] !== featureOf(row) || Math.abs(w[i] * total - 1) > 1e-12;
            if (wrong) expect([row, y[i], x.row(i)[0], w[i]]).toBe("the row that was written");
            rows.push(row);
            folds.push(foldOf?.[i] ?? -1);
          }
        }
      }
      expect(rows.length).toBe(total);
      expect(rows.every((row, i) => row === i)).toBe(true);
      foldsOf.push(folds);
    }
    for (const folds of foldsOf) expect(folds).toEqual(foldsOf[0]);
    expect(new Set(foldsOf[0])).toEqual(new Set([0, 1, 2, 3]));
    stream.close();
  });

  test("a sample is the same blocks for any number of them, those around places that are evenly spread", async () => {
    const stream = await cached(await files("sample"));
    const total = ROWS[0] + ROWS[1];
    for (const places of [1, 2, 30]) {
      const found: number[][] = [];
      for (const size of [1, 2, 3]) {
        const shares = await together(size, (ranks) => openShare(stream.share, ranks));
        found.push(
          shares.flatMap(({ training }) => [...(training.sample?.(places) ?? [])].flatMap((b) => [...b.sourceRows])),
        );
      }
      for (const rows of found) expect(rows).toEqual(found[0]);
      const centres = Array.from({ length: places }, (_, k) => Math.ceil(((k + 0.5) / places) * total));
      for (const centre of centres) expect(found[0]).toContain(centre);
      expect(found[0].length < total).toBe(places < 30);
    }
    stream.close();
  });

  test("a bad cell is named with its file and its row there, wherever shares begin", async () => {
    const pattern = await files("holes");
    await appendFile(folder.path("holes-2.csv"), "1,a,\n");
    const stream = await cached(pattern);
    const missing = /\(the first in data row 9001 of .*holes-2\.csv\)/;
    for (const size of [1, 2, 5]) {
      await expectFailure(() => together(size, (ranks) => openShare(stream.share, ranks)), "input", missing);
    }
    stream.close();
  });

  test("a damaged block is named by its rows on the thread that meets it", async () => {
    const cache = folder.path("damaged");
    const stream = await cached(await files("damaged"), { cache, keepCache: true, split: { kind: "training" } });
    const shares = await together(2, (ranks) => openShare(stream.share, ranks));
    const file = openSync(join(cache, "training.rows"), "r+");
    writeSync(file, Buffer.from([255, 255]), 0, 2, stream.bytes - 100);
    closeSync(file);
    const pass = (k: number): number => [...shares[k].training.blocks()].length;
    expect(pass(0)).toBeGreaterThan(0);
    await expectFailure(() => pass(1), "resource", /data rows 8193 to 9000 of .*damaged-2\.csv\) does not match/);
    stream.close();
  });
});
