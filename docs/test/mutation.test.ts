/** The named mutations still fit the sources, and what makes mutants makes what it says. The runs themselves: npm run mutate:named. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { concernedTests } from "../../tools/mutation/concerned.js";
import { mutantOf, withMutant } from "../../tools/mutation/mutant.js";
import { NAMED } from "../../tools/mutation/named.js";
import { mutantsOf } from "../../tools/mutation/operators.js";

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

const changed = (source: string): string[] =>
  mutantsOf("a.ts", source).map((mutant) => withMutant(source, mutant).trim());

test("operators, constants, conditions and statements", () => {
  expect(changed("  const a = 0.5 * b;")).toEqual(["const a = 0.5 / b;", "const a = 1 * b;"]);
  expect(changed("  if (f(a) < b) return;")).toEqual([
    "if (f(a) >= b) return;",
    "if (true) return;",
    "if (false) return;",
  ]);
  expect(changed("  sum += w[i];")).toEqual(["sum -= w[i];", ";"]);
  expect(changed("  visit(a);")).toEqual([";"]);
  expect(changed("  else visit(a);")).toEqual([]);
  expect(changed("  while ((at += step) < end) visit(at);")).toEqual(["while ((at += step) >= end) visit(at);", ";"]);
});

test("not comments, types, imports, nor messages to people", () => {
  for (const line of [
    " * a + b",
    "// a - b",
    'import { a } from "b - 1";',
    "  readonly a: 1 | 2;",
    '  throw usageError("1 - 2");',
  ])
    expect(changed(line), line).toEqual([]);
  expect(changed('  const a = "1 + 2" + b; // 1 - 2')).toEqual(['const a = "1 + 2" - b; // 1 - 2']);
});

test("concerned are the tests that use a file, or use what uses it", () => {
  const concerned = concernedTests(root);
  expect(concerned("packages/core/src/threats/norms.ts")[0]).toBe("packages/core/test/threats/pointwise.test.ts");
  expect(concerned("packages/core/src/influence/cross-fit.ts")).toContain(
    "packages/core/test/influence/cross-fit.test.ts",
  );
  // Used by no test itself, but by what tests use.
  expect(concerned("packages/core/src/influence/tied-rows.ts").length).toBeGreaterThan(0);
});
