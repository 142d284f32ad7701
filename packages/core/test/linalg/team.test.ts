import { execFileSync } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { startHelper } from "../../src/linalg/helpers.node.js";
import { Arena } from "../../src/linalg/portable/arena.js";
import { multiplyInto, operand } from "../../src/linalg/portable/product.js";
import { cut, Team } from "../../src/linalg/portable/team.js";

const numbers = (count: number): Float64Array => Float64Array.from({ length: count }, (_, i) => Math.sin(1.3 * i + 1));

/** A team whose helpers are up. */
async function team(threads: number): Promise<Team> {
  const made = new Team(threads, startHelper);
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
    ] as const) {
      const expected = products(alone, lower, m, n, k, ta, tb);
      const found = products(arena, lower, m, n, k, ta, tb);
      expect(found.every((value, at) => value === expected[at])).toBe(true);
    }
  });

  it("are done without where none can be started", () => {
    let asked = 0;
    const refused = new Team(3, () => {
      asked++;
      throw new Error("no threads here");
    });
    for (let i = 0; i < 3; i++) expect(refused.takes(false, 1000, 1000, 1000)).toBe(false);
    expect(asked).toBe(1);
    const arena = new Arena(refused);
    expect(products(arena, false, 300, 301, 302, false, false)).toEqual(
      products(new Arena(), false, 300, 301, 302, false, false),
    );
  });

  it("cut a product into panels that cover every entry once", () => {
    const size = fc.integer({ min: 1, max: 90 });
    const first = fc.option(fc.double({ min: 0.01, max: 1, noNaN: true }), { nil: undefined });
    fc.assert(
      fc.property(
        fc.boolean(),
        size,
        size,
        fc.integer({ min: 1, max: 9 }),
        first,
        (lower, rows, columns, count, share) => {
          const n = lower ? rows : columns;
          const covered = new Uint8Array(rows * n);
          const shares = cut([lower, rows, n, 3, 1, 0, 80, 8, 0, 800, 8, 0, 8 * n], count, share);
          expect(shares.length).toBeLessThanOrEqual(count);
          for (const [low, m, width, , , a, , , b, , , c] of shares.flat()) {
            const [row, column] = [Math.floor(c / 8 / n), (c / 8) % n];
            expect([a, b]).toEqual([80 * row, 8 * column]);
            for (let i = 0; i < m; i++) {
              for (let j = 0; j < (low ? Math.min(width, i + 1) : width); j++) covered[(row + i) * n + column + j]++;
            }
          }
          const wanted = covered.map((_, at) => (lower && at % n > Math.floor(at / n) ? 0 : 1));
          expect(Buffer.from(covered).equals(Buffer.from(wanted))).toBe(true);
        },
      ),
    );
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
