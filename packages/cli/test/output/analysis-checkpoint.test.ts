import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Facts } from "../../../core/src/parallel/agreement.js";
import { ALONE } from "../../../core/src/parallel/ranks.js";
import { together } from "../../../core/test/parallel/together.js";
import { AnalysisCheckpoint } from "../../src/output/analysis-checkpoint.js";

let folder = "";
let path = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "aif-checkpoint-"));
  path = join(folder, "work.checkpoint");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const facts: Facts = { "the version of aif": "1", "--l2": 0.1, "--threshold": Number.POSITIVE_INFINITY };
const open = (resume: boolean, about: Facts = facts) =>
  AnalysisCheckpoint.open({ checkpoint: path, resume }, about, ALONE);

async function kept(): Promise<void> {
  const checkpoint = await open(false);
  await checkpoint?.save("pass 1", ["AAAA", "é"]);
}

test("what was saved is there when the work goes on, and gone when it is done", async () => {
  await kept();
  const resumed = await open(true);
  expect(resumed?.load("pass 1")).toEqual(["AAAA", "é"]);
  expect(resumed?.load("pass 2")).toBeNull();
  expect(await readdir(folder)).toEqual(["work.checkpoint"]);
  await resumed?.remove();
  expect(await readdir(folder)).toEqual([]);
});

test("one rank reads and writes, and all know what was saved", async () => {
  await kept();
  const loaded = await together(3, async (ranks) => {
    // Other ranks need not see the file.
    const own = ranks.rank === 0 ? path : join(folder, "not", "there");
    const resumed = await AnalysisCheckpoint.open({ checkpoint: own, resume: true }, facts, ranks);
    await resumed?.save("pass 2", ["BBBB"]);
    return resumed?.load("pass 1");
  });
  expect(loaded).toEqual([1, 2, 3].map(() => ["AAAA", "é"]));
  expect(await readdir(folder)).toEqual(["work.checkpoint"]);
});

test("a file that is cut off at any place, or changed, is refused", async () => {
  await kept();
  const whole = await readFile(path, "utf8");
  for (const end of [0, 1, 40, whole.indexOf("\n") + 1, whole.length - 3]) {
    await writeFile(path, whole.slice(0, end));
    await expect(open(true)).rejects.toThrow(/is no checkpoint of an analysis|is cut off or damaged/);
  }
  await writeFile(path, whole.replace("AAAA", "AAAB"));
  await expect(open(true)).rejects.toThrow(`The checkpoint ${path} is cut off or damaged: delete it`);
  await writeFile(path, whole.replace("aif.checkpoint/1", "aif.checkpoint/2"));
  await expect(open(true)).rejects.toThrow("another version of aif (aif.checkpoint/2)");
});

test("a checkpoint of other options is refused, and says of which", async () => {
  await kept();
  await expect(open(true, { ...facts, "--l2": 0 })).rejects.toThrow(
    "is the checkpoint of another analysis (--l2 was 0.1 there and is 0 here)",
  );
  await expect(open(true, { ...facts, "--threshold": 2 })).rejects.toThrow(
    "--threshold was Infinity there and is 2 here",
  );
});

test("the options fit together", async () => {
  await expect(AnalysisCheckpoint.open({ checkpoint: null, resume: true }, facts, ALONE)).rejects.toThrow("--resume");
  expect(await AnalysisCheckpoint.open({ checkpoint: null, resume: false }, facts, ALONE)).toBeNull();
  await expect(open(true)).rejects.toThrow("There is no checkpoint");
  await kept();
  await expect(open(false)).rejects.toThrow("exists already");
});
