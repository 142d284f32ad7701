/** The test files that are asked, those that take least first. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Of Vitest, for one file at a time in one process. */
export const CONFIG = "vitest.shared.ts";

const TESTS = "packages/core/test";
/** Folders whose tests are asked. Whole analyses, which notice what nearer tests notice, would take hours. */
const ASKED = ["threats/", "solvers/", "influence/", "kernel/", "robust/"];
/** What the tests of each file took when they were last run for errors, on this machine. */
const TIMES = "node_modules/.cache/aif-mutation/times.json";

const timesKept = (root: string): Record<string, number> =>
  existsSync(join(root, TIMES)) ? JSON.parse(readFileSync(join(root, TIMES), "utf8")) : {};

export function keepTimes(root: string, times: Readonly<Record<string, number>>): void {
  mkdirSync(dirname(join(root, TIMES)), { recursive: true });
  writeFileSync(join(root, TIMES), JSON.stringify({ ...timesKept(root), ...times }));
}

/** @param root of the repository. @param asked how the places of the tests begin, in the folder of the library's tests */
export function testsInOrder(root: string, asked: readonly string[] = ASKED): string[] {
  const times = timesKept(root);
  // As yet unknown times go by the sizes of the files.
  const cost = (name: string): number => times[`${TESTS}/${name}`] ?? statSync(join(root, TESTS, name)).size;
  return readdirSync(join(root, TESTS), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts") && asked.some((place) => name.startsWith(place)))
    .toSorted((a, b) => cost(a) - cost(b))
    .map((name) => `${TESTS}/${name}`);
}
