import { fork } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeNpy } from "../../../bench/npy-file.js";
import { PROGRESS_VARIABLE, type ProgressMessage } from "../src/progress.js";
import { streamThreads } from "../src/threads/count.js";
import { aif, launcher } from "./launch.js";

/** A table whose cache is worth two threads: 64 MiB. */
const [ROWS, COLUMNS] = [170_000, 50];

let folder = "";
let words: readonly string[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aif-streamed-threads-"));
  const file = join(folder, "rows.npy");
  writeNpy(file, ROWS, COLUMNS, "linear");
  const cache = ["--cache", join(folder, "cache"), "--keep-cache"];
  words = ["analyze", file, "--target", `x${COLUMNS + 1}`, "--evaluation", "training", "--inference", "none", ...cache];
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("threads that share the rows of a cache", () => {
  test("print what one prints", async () => {
    const numbers = async (threads: number): Promise<readonly number[]> => {
      const { code, stdout } = await aif([...words, "--format", "json", "--quiet", "--threads", String(threads)]);
      expect(code).toBe(0);
      const { fit, threats } = JSON.parse(stdout);
      const [{ scale, influence, trustRadius, curve }] = threats;
      return [...fit.parameters, scale, ...influence, trustRadius, ...curve.map(({ cost }: { cost: number }) => cost)];
    };
    const [one, two] = [await numbers(1), await numbers(2)];
    expect(two.length).toBe(one.length);
    one.forEach((value, k) => {
      expect(Math.abs(two[k] - value) / Math.abs(value)).toBeLessThan(1e-9);
    });
  }, 120_000);

  test("Ctrl-C ends all of them, and nothing is written", async () => {
    const out = join(folder, "cut.json");
    const child = fork(launcher, [...words, "--threads", "2", "--out", out], {
      env: { ...process.env, [PROGRESS_VARIABLE]: "1" },
      silent: true,
    });
    const ended = new Promise<number | null>((resolve) => {
      child.on("close", resolve);
    });
    await new Promise<void>((resolve) => {
      child.on("message", ({ phase }: ProgressMessage) => phase.startsWith("fitting, pass") && resolve());
    });
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect(await readdir(folder)).not.toContain("cut.json");
  }, 120_000);

  test("what a thread beside the first one meets ends the run in one sentence", async () => {
    const cache = join(folder, "cache", "training.rows");
    const kept = await readFile(cache);
    const file = openSync(cache, "r+");
    writeSync(file, Buffer.from([255, 255]), 0, 2, (await stat(cache)).size - 100);
    closeSync(file);
    const { code, stdout, stderr } = await aif([...words, "--quiet", "--threads", "2"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(
      /^aif: Block \d+ of the cache [^\n]* \(data rows \d+ to 170000 of [^\n]*\) does not match its checksum: [^\n]*\n$/,
    );
    expect(kept.length).toBeGreaterThan(2 ** 26);
  }, 120_000);
});

describe("how many threads share a cache", () => {
  const [megabyte, many] = [2 ** 20, 2 ** 34];
  test.each([
    ["as many as wanted", 1000 * megabyte, 3, many, 3],
    ["one where there is little to read", 63 * megabyte, 8, many, 1],
    ["no more than 32 MB each", 100 * megabyte, 8, many, 3],
    ["as memory allows", 1000 * megabyte, 8, 500 * megabyte, 3],
    ["one where memory is short", 1000 * megabyte, 8, 10_000, 1],
  ])("%s", (_, bytes, wanted, memory, count) => {
    expect(streamThreads(bytes, wanted, memory)).toBe(count);
  });
});
