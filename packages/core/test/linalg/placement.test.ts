/** Threads that are told to keep off the processor of the one that tells them. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import koffi from "koffi";
import { describe, expect, it } from "vitest";
import { placement } from "../../src/linalg/placement.node.js";

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

describe("on a system as it is told here", () => {
  /** The numbers in a set of processors as the C library has it: bit k of byte j is number 8j + k. */
  const numbersIn = (set: Uint8Array): number[] =>
    [...set.keys()].flatMap((byte) =>
      [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (set[byte] >> bit) & 1).map((bit) => 8 * byte + bit),
    );

  /** A C library of some processors, and what threads are told. */
  function system(processors: readonly number[], answer = 0) {
    const told: [thread: number, processors: number[]][] = [];
    const now = { here: processors[0] };
    const calls: Readonly<Record<string, (...values: never[]) => number>> = {
      sched_getcpu: () => now.here,
      sched_getaffinity: (_thread: number, _bytes: number, set: Uint8Array) => {
        for (const processor of processors) set[Math.floor(processor / 8)] |= 2 ** (processor % 8);
        return answer;
      },
      sched_setaffinity: (thread: number, bytes: number, set: Uint8Array) =>
        told.push([thread, numbersIn(set.subarray(0, bytes))]),
    };
    const library = { ...koffi, load: () => ({ func: (name: string) => calls[name] }) };
    return { keepAway: placement(library as unknown as typeof koffi), now, told };
  }

  it.skipIf(process.platform !== "linux")("threads are told once for each processor that the first one runs on", () => {
    const { keepAway, now, told } = system([1, 9, 23]);
    now.here = 9;
    keepAway?.(Int32Array.of(0, 50, 60));
    keepAway?.(Int32Array.of(50, 60, 0));
    expect(told).toEqual([
      [50, [1, 23]],
      [60, [1, 23]],
    ]);
    now.here = 23;
    keepAway?.(Int32Array.of(60));
    keepAway?.(Int32Array.of(60));
    now.here = -1;
    keepAway?.(Int32Array.of(50, 60));
    expect(told.slice(2)).toEqual([[60, [1, 9]]]);
  });

  it.skipIf(process.platform !== "linux")("one processor, or none that the system tells, is not kept free", () => {
    expect(system([6]).keepAway).toBeNull();
    expect(system([0, 1], -1).keepAway).toBeNull();
    expect(system([0, 1]).keepAway).not.toBeNull();
    expect(system([7, 8]).keepAway).not.toBeNull();
  });
});
