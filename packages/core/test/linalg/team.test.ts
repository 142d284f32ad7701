import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { helpers } from "../../src/linalg/helpers.node.js";
import { Arena } from "../../src/linalg/portable/arena.js";
import { operand } from "../../src/linalg/portable/operand.js";
import { multiplyInto } from "../../src/linalg/portable/product.js";
import { HELPER_SOURCE, Team } from "../../src/linalg/portable/team.js";

const numbers = (count: number): Float64Array => Float64Array.from({ length: count }, (_, i) => Math.sin(1.3 * i + 1));

/** A team whose helpers are up. */
async function team(threads: number): Promise<Team> {
  const made = new Team(threads, helpers);
  while (!made.takes(false, 1000, 1000, 1000)) await setTimeout(5);
  await setTimeout(50); // the others
  return made;
}

/** A'A (lower triangle) and op(A)·op(B), as one thread or as several sum them. */
function products(
  arena: Arena,
  lower: boolean,
  m: number,
  n: number,
  k: number,
  ta: boolean,
  tb: boolean,
): Float64Array {
  const a = numbers(m * k);
  const b = numbers(k * n);
  const c = numbers(m * n);
  const left = operand(ta, a, ta ? m : k);
  multiplyInto(arena, lower, m, n, k, 0.7, left, lower ? undefined : operand(tb, b, tb ? k : n), 0.3, c, 0, n);
  return c;
}

describe("threads of the portable back end", () => {
  it("give the digits of one thread", async () => {
    const alone = new Arena();
    const arena = new Arena(await team(3));
    for (const [lower, m, n, k, ta, tb] of [
      [true, 100, 100, 1500, true, false],
      [true, 1030, 1030, 10, true, false],
      [true, 203, 203, 700, true, false],
      [true, 200, 200, 6000, true, false],
      [false, 300, 200, 5000, true, false],
      [false, 300, 301, 302, false, false],
      [false, 5, 2000, 900, true, true],
      [false, 2001, 7, 600, false, true],
      [false, 1100, 90, 60, true, false],
      [false, 1030, 10, 784, false, false],
      [false, 784, 10, 1500, true, false],
      [false, 10, 784, 1500, true, true],
      [false, 9, 1100, 700, false, false],
    ] as const) {
      const expected = products(alone, lower, m, n, k, ta, tb);
      const found = products(arena, lower, m, n, k, ta, tb);
      expect(found.every((value, at) => value === expected[at])).toBe(true);
    }
  });

  it("are done without where none can be started", () => {
    let asked = 0;
    const refused = new Team(3, {
      start() {
        asked++;
        throw new Error("no threads here");
      },
    });
    for (let i = 0; i < 3; i++) expect(refused.takes(false, 1000, 1000, 1000)).toBe(false);
    expect(asked).toBe(1);
    const arena = new Arena(refused);
    expect(products(arena, false, 300, 301, 302, false, false)).toEqual(
      products(new Arena(), false, 300, 301, 302, false, false),
    );
  });

  it("give the digits of one thread whatever the shape", async () => {
    const alone = new Arena();
    const arena = new Arena(await team(4));
    const size = fc.integer({ min: 1, max: 150 });
    const long = fc.integer({ min: 1, max: 2000 });
    const shapes = fc.oneof(fc.tuple(size, size, long), fc.tuple(size, long, size), fc.tuple(long, size, size));
    let shared = 0;
    const { together } = Team.prototype;
    const counted = vi.spyOn(Team.prototype, "together").mockImplementation(function (this: Team, work) {
      shared++;
      together.call(this, work);
    });
    try {
      fc.assert(
        fc.property(fc.boolean(), shapes, fc.boolean(), fc.boolean(), (lower, [m, columns, k], ta, tb) => {
          const n = lower ? m : columns;
          const expected = products(alone, lower, m, n, k, ta, tb);
          const found = products(arena, lower, m, n, k, ta, tb);
          expect(found.every((value, at) => value === expected[at])).toBe(true);
        }),
        { numRuns: 40 },
      );
    } finally {
      counted.mockRestore();
    }
    expect(shared).toBeGreaterThan(5);
  });

  it("are let go when an operand cannot be read, and take part in the next product", async () => {
    const arena = new Arena(await team(3));
    let reads = 0;
    const data = new Proxy(numbers(300 * 9000), {
      get(target, name) {
        if (name === "subarray" && ++reads > 3) throw new Error("gone");
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const c = new Float64Array(300 * 300);
    const bad = operand(true, data, 300);
    expect(() => multiplyInto(arena, true, 300, 300, 9000, 1, bad, undefined, 0, c, 0, 300)).toThrow("gone");
    expect(products(arena, false, 300, 301, 302, false, false)).toEqual(
      products(new Arena(), false, 300, 301, 302, false, false),
    );
  });

  it("end a product in one sentence where one of them fails", async () => {
    const broken = HELPER_SOURCE.replace("assist();", 'throw new Error("broken");');
    const workers: Worker[] = [];
    const failing = new Team(2, {
      start(workerData) {
        workers.push(
          new Worker(`(${broken})(require("node:worker_threads").workerData)`, {
            eval: true,
            workerData,
            execArgv: [],
          }),
        );
      },
    });
    try {
      while (!failing.takes(false, 1000, 1000, 1000)) await setTimeout(5);
      const arena = new Arena(failing);
      expect(() => products(arena, false, 1000, 1000, 1000, false, false)).toThrow(
        "A thread of the portable linear algebra has failed: run with AIF_THREADS=1.",
      );
    } finally {
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
  });

  it.skipIf(process.platform !== "linux")("are kept off the processor of the first one, by their numbers", async () => {
    const told: number[][] = [];
    const made = new Team(3, { start: helpers.start, keepAway: (numbers) => told.push([...numbers]) });
    while (!made.takes(false, 1000, 1000, 1000)) await setTimeout(5);
    await setTimeout(100);
    products(new Arena(made), false, 300, 301, 302, false, false);
    const [numbers] = told;
    const threads = readdirSync("/proc/self/task").map(Number);
    expect(new Set(numbers).size).toBe(2);
    for (const number of numbers) expect(threads).toContain(number);
    expect(numbers).not.toContain(process.pid);
  });

  it("let the process end, and hold no more of them than were asked for", () => {
    const core = fileURLToPath(new URL("../../dist/index.js", import.meta.url));
    const script = `
      import { ensureBlas } from ${JSON.stringify(core)};
      const blas = await ensureBlas();
      const a = new Float64Array(500 * 400).fill(1), c = new Float64Array(400 * 400);
      for (let i = 0; i < 20; i++) blas.syrk(400, 500, 1, a, 400, 0, c, 400);
      await new Promise((resolve) => setTimeout(resolve, 200));
      for (let i = 0; i < 5; i++) blas.syrk(400, 500, 1, a, 400, 0, c, 400);
      console.log(blas.name, blas.threads, c[400 * 399 + 7]);`;
    const run = (threads: string): string =>
      execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
        env: { ...process.env, AIF_BLAS: "off", AIF_THREADS: threads },
        encoding: "utf8",
        timeout: 20_000,
      }).trim();
    expect(run("3")).toBe("portable 3 500");
    expect(run("1")).toBe("portable 1 500");
  });
});
