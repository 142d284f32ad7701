/** Threads that are told to keep off the processor of the one that tells them. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import koffi from "koffi";
import { describe, expect, it } from "vitest";
import { placement } from "../../src/linalg/parts/placement.node.js";

const PROGRAM = `
  const { parentPort } = require("node:worker_threads");
  const { readlinkSync } = require("node:fs");
  parentPort.on("message", () => {});
  parentPort.postMessage(Number(readlinkSync("/proc/thread-self").split("/").pop()));
`;

/** Processors that a thread may run on, from "0-3,7". */
function allowed(thread: string): Set<number> {
  const status = readFileSync(`/proc/self/task/${thread}/status`, "utf8");
  const [, list] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status) ?? [];
  const ranges = (list ?? "").split(",").map((range) => range.split("-").map(Number));
  return new Set(ranges.flatMap(([from, to = from]) => Array.from({ length: to - from + 1 }, (_, i) => from + i)));
}

describe.skipIf(process.platform !== "linux" || availableParallelism() < 2)("where threads run", () => {
  it("is not where the first one does, and threads without a number are left alone", async () => {
    const worker = new Worker(PROGRAM, { eval: true });
    try {
      const thread = await new Promise<number>((resolve) => worker.once("message", resolve));
      const mine = allowed(String(process.pid));
      expect(allowed(String(thread))).toEqual(mine);
      const keepAway = placement(koffi);
      keepAway?.(Int32Array.of(0, thread));
      const others = allowed(String(thread));
      expect(others.size).toBe(mine.size - 1);
      expect([...others].every((processor) => mine.has(processor))).toBe(true);
      expect(allowed(String(process.pid))).toEqual(mine);
    } finally {
      await worker.terminate();
    }
  });
});

it("is left to the system where it has no such calls", () => {
  const without = {
    ...koffi,
    load: () => ({
      func: () => {
        throw new Error("no such function");
      },
    }),
  };
  // What is missing of a library is all that is asked of it.
  expect(placement(without as unknown as typeof koffi)).toBeNull();
});
