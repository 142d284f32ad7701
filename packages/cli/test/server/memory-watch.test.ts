import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { watchMemory } from "../../src/server/memory-watch.js";

const megabyte = 2 ** 20;

test("a process that takes too much, beside its heap and without a pause, is ended; another is not", async () => {
  // It never returns to its event loop.
  const greedy = spawn(process.execPath, [
    "-e",
    "const kept = []; for (;;) { kept.push(new Float64Array(1e6).fill(1)); const end = Date.now() + 20; while (Date.now() < end); }",
  ]);
  const modest = spawn(process.execPath, ["-e", "setTimeout(() => {}, 1500)"]);
  const over: string[] = [];
  watchMemory(greedy, 400 * megabyte, () => over.push("greedy"));
  watchMemory(modest, 400 * megabyte, () => over.push("modest"));
  const [[, signal], [code]] = await Promise.all([once(greedy, "close"), once(modest, "close")]);
  expect([signal, code, over]).toEqual(["SIGKILL", 0, ["greedy"]]);
});
