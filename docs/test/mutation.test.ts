/** The named mutations still fit the sources, and what makes mutants makes what it says. The runs themselves: npm run mutate:named. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runInThisContext } from "node:vm";
import { transformSync } from "esbuild";
import { describe, expect, test } from "vitest";
import { compiling, withError } from "../../tools/mutation/compiles.js";
import { triedIn } from "../../tools/mutation/journal.js";
import { mutantOf, withMutant } from "../../tools/mutation/mutant.js";
import { NAMED } from "../../tools/mutation/named.js";
import { shareInterval } from "../../tools/mutation/report.js";
import { type Switchboard, smallErrors, withSwitches } from "../../tools/mutation/switches.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(`${root}/docs/mutation.md`, "utf8");

describe.each(NAMED)("$name", (mutation) => {
  test("its text stands once in its file, and changes it; its tests exist; the page has it", () => {
    const source = readFileSync(`${root}/${mutation.file}`, "utf8");
    expect(withMutant(source, mutantOf(mutation, source))).not.toBe(source);
    expect(mutation.tests.filter((file) => !existsSync(`${root}/${file}`))).toEqual([]);
    expect(page).toContain(`| ${mutation.name} |`);
  });
});

test("a text that is gone, or stands twice, is an error that names the file", () => {
  const mutation = { file: "a.ts", text: "x + y", replacement: "x" };
  expect(() => mutantOf(mutation, "x - y")).toThrow('a.ts no longer holds "x + y".');
  expect(() => mutantOf(mutation, "x + y; x + y")).toThrow("more than once");
  expect(() => withMutant("x - y", { ...mutation, at: 0 })).toThrow("does not hold");
});

const SOURCE = `/** a + b */
export function f(a: number, b: number): number {
  if (a < 0) throw new Error("less than 0");
  return a * b;
}
`;
const file = "packages/core/src/f.ts";
const sources = new Map([[file, SOURCE]]);

describe("small errors", () => {
  test("are those of Stryker but for texts; each, put in, is another program", async () => {
    const errors = await smallErrors(sources);
    const count = (rule: string): number => errors.filter((error) => error.rule === rule).length;
    expect(count("ArithmeticOperator")).toBe(1);
    expect(count("StringLiteral")).toBe(0);
    expect(count("EqualityOperator")).toBe(2);
    const texts = errors.map((error) => withError(SOURCE, error));
    expect(new Set([...texts, SOURCE]).size).toBe(errors.length + 1);
    expect(texts).toContain(SOURCE.replace("a * b;", "a / b;"));
    expect(texts).toContain(SOURCE.replace("a < 0", "a <= 0"));
  });

  test("a switch at each that is wanted turns it on and off while the program runs", async () => {
    const wanted = (await smallErrors(sources)).filter(({ rule }) => rule === "ArithmeticOperator");
    const { sources: switched, ids } = await withSwitches(sources, wanted);
    expect([...ids.values()]).toEqual(wanted);
    const code = transformSync(switched.get(file) ?? "", { loader: "ts", format: "cjs" }).code;
    const module = { exports: {} as { f(a: number, b: number): number } };
    runInThisContext(`(module) => {${code}\n}`)(module);
    const shared = globalThis as { __stryker__?: Switchboard };
    const { f } = module.exports;
    try {
      expect(f(6, 2)).toBe(12);
      const board = shared.__stryker__;
      if (!board) throw new Error("no switchboard");
      expect(board.mutantCoverage?.static).toEqual({ [[...ids.keys()][0]]: 1 });
      board.activeMutant = [...ids.keys()][0];
      expect(f(6, 2)).toBe(3);
      board.activeMutant = undefined;
      expect(f(6, 2)).toBe(12);
    } finally {
      delete shared.__stryker__;
    }
  });

  test("that are no programs by the types are left out", () => {
    const path = "packages/core/src/threats/norms.ts";
    const text = readFileSync(`${root}/${path}`, "utf8");
    const place = text.indexOf("Math.abs(");
    const line = text.slice(0, place).split("\n").length - 1;
    const column = place - text.lastIndexOf("\n", place - 1) - 1;
    const error = { file: path, start: { line, column }, end: { line, column: column + 8 }, rule: "by hand" };
    const good = { ...error, replacement: "Math.exp" };
    const bad = { ...error, replacement: "Math.atan3" };
    expect([...compiling(root, new Map([[path, text]]), [bad, good])]).toEqual([good]);
  });
});

test("a test that was run for an error is not run again, unless its file is another", () => {
  const begin = { kind: "begin", file: "a", active: null } as const;
  const tried = { kind: "try", file: "a", test: "t", id: "1", ms: 1 } as const;
  const entries = [{ ...begin, digest: "old" }, tried] as const;
  expect(triedIn(entries, "a", "old")).toEqual(new Set(["1 t"]));
  expect(triedIn([...entries, { ...begin, digest: "new" }], "a", "new")).toEqual(new Set());
  expect(triedIn(entries, "b", "old")).toEqual(new Set());
});

test("the interval ends where the share that was seen is 1.96 standard errors away", () => {
  for (const [k, n] of [
    [8, 10],
    [133, 150],
    [0, 10],
    [10, 10],
  ]) {
    const ends = shareInterval(k, n);
    expect(ends[0]).toBeLessThanOrEqual(k / n);
    expect(ends[1]).toBeGreaterThanOrEqual(k / n);
    for (const end of ends) expect(Math.abs(end - k / n)).toBeCloseTo(1.959964 * Math.sqrt((end * (1 - end)) / n), 6);
  }
});
