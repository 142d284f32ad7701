import { fork } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_SETTINGS, type StudySettings, type Table } from "@aif/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PROGRESS_VARIABLE, type ProgressMessage } from "../src/progress.js";
import { threadsFor } from "../src/threads/count.js";
import type { Task } from "../src/threads/task.js";
import { aif, houses, launcher } from "./launch.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aif-threads-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const withoutTimes = (text: string) => ({ ...JSON.parse(text), timings: null, command: null });

async function resultOf(words: readonly string[], threads: number): Promise<unknown> {
  const command = [...words, "--threads", String(threads), "--format", "json", "--quiet"];
  const { code, stdout, stderr } = await aif(command);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return withoutTimes(stdout);
}

const quadratic = [houses, "--target", "price_thousands", "--model", "quadratic"];
const family = ["compare", ...quadratic, "--l2", "0.1,1,10"];

describe("work that threads share", () => {
  test.each([
    ["the models of a comparison", [2, 3], family],
    [
      "the draws of a bootstrap",
      [3],
      ["analyze", ...quadratic, "--l2", "0.1", "--inference", "bootstrap", "--draws", "60"],
    ],
  ])("%s: the same digits from any number of threads", async (_, counts, words) => {
    const alone = await resultOf(words, 1);
    for (const threads of counts) expect(await resultOf(words, threads)).toEqual(alone);
  });

  test("what all threads meet is said once, with the usual exit code", async () => {
    const table = join(folder, "alike.csv");
    await writeFile(table, `a,b,y\n${"1,2,yes\n2,1,yes\n3,5,yes\n".repeat(5)}4,4,no\n`);
    const words = ["compare", table, "--target", "y", "--model", "logistic", "--model", "mlp:2", "--cluster", "nobody"];
    for (const threads of ["1", "2"]) {
      const { code, stdout, stderr } = await aif([...words, "--threads", threads]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toMatch(/^aif: [^\n]*nobody[^\n]*\n$/);
    }
  });

  test("Ctrl-C ends all of them, and nothing is written", async () => {
    const out = join(folder, "cut.json");
    const words = ["analyze", ...quadratic, "--l2", "0.1", "--inference", "bootstrap", "--draws", "100000"];
    const child = fork(launcher, [...words, "--threads", "3", "--out", out], {
      env: { ...process.env, [PROGRESS_VARIABLE]: "1" },
      silent: true,
    });
    let stderr = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const ended = new Promise<number | null>((resolve) => {
      child.on("close", resolve);
    });
    await new Promise<void>((resolve) => {
      child.on("message", ({ phase, done }: ProgressMessage) => phase === "bootstrap" && done > 0 && resolve());
    });
    const stopped = performance.now();
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect((performance.now() - stopped) / 1000).toBeLessThan(10);
    expect(stderr).toBe("aif: Interrupted; nothing was written.\n");
    expect(await readdir(folder)).not.toContain("cut.json");
  });
});

describe("how many threads share work", () => {
  const table = (rows: number, columns: number): Table => ({
    source: "here",
    rows,
    columns: Array.from({ length: columns }, (_, j) => ({
      kind: "numeric",
      name: `x${j}`,
      values: new Float64Array(1),
    })),
  });
  const settings: StudySettings = { ...DEFAULT_SETTINGS, target: "x0" };
  const compared = (rows: number, family: object): Task => ({
    kind: "compare",
    input: { table: table(rows, 11), settings, family },
  });
  const drawn = (rows: number, draws: number): Task => ({
    kind: "analyze",
    input: { table: table(rows, 11), settings: { ...settings, inference: "bootstrap", draws } },
  });
  const many = 2 ** 34;

  test.each([
    ["as many as wanted", compared(100_000, { l2: [1, 2, 3, 4, 5] }), 4, many, 4],
    ["no more than models", compared(100_000, { l2: [1, 2, 3] }), 8, many, 3],
    [
      "no more than choices of columns",
      compared(100_000, { features: [{ kind: "forward", from: null, to: 5 }] }),
      8,
      many,
      5,
    ],
    ["one for a single model", compared(1e7, {}), 8, many, 1],
    ["one where there is little to do", compared(1000, { l2: [1, 2, 3] }), 8, many, 1],
    ["networks are much to do", compared(1000, { models: ["mlp:4", "mlp:8"] }), 8, many, 2],
    ["draws", drawn(100_000, 50), 3, many, 3],
    ["few draws of few rows", drawn(1000, 50), 3, many, 1],
    ["as memory allows", compared(1e6, { l2: [1, 2, 3, 4, 5] }), 5, 5.2e9, 3],
    ["one where memory is short", compared(1e6, { l2: [1, 2, 3, 4, 5] }), 5, 1.5e9, 1],
  ])("%s", (_, task, wanted, memory, count) => {
    expect(threadsFor(task, wanted, memory)).toBe(count);
  });
});
