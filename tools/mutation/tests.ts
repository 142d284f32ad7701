/** The order in which test files are asked: those that take least and notice most come first. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const TESTS = "packages/core/test";
/** Folders whose tests are asked first, and those whose tests run whole analyses: these come before what is far away. */
const NEAR = /^(?:threats|solvers|influence|kernel|robust)\//;
const WHOLE = /^(?:study|experiments)\//;
/** A file whose tests take longer waits for all that take less. */
const LONG_MILLISECONDS = 20_000;
/** What the tests of each file took when they were last run for errors, on this machine. */
const TIMES = "node_modules/.cache/aif-mutation/times.json";

const timesKept = (root: string): Record<string, number> =>
  existsSync(join(root, TIMES)) ? JSON.parse(readFileSync(join(root, TIMES), "utf8")) : {};

export function keepTimes(root: string, times: Readonly<Record<string, number>>): void {
  mkdirSync(dirname(join(root, TIMES)), { recursive: true });
  writeFileSync(join(root, TIMES), JSON.stringify({ ...timesKept(root), ...times }));
}

/** @param root of the repository. */
export function testsInOrder(root: string): string[] {
  const times = timesKept(root);
  const turn = (name: string): number => {
    if ((times[`${TESTS}/${name}`] ?? 0) > LONG_MILLISECONDS) return 3;
    return NEAR.test(name) ? 0 : WHOLE.test(name) ? 1 : 2;
  };
  const cost = (name: string): number => times[`${TESTS}/${name}`] ?? statSync(join(root, TESTS, name)).size;
  return readdirSync(join(root, TESTS), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .toSorted((a, b) => turn(a) - turn(b) || cost(a) - cost(b))
    .map((name) => `${TESTS}/${name}`);
}
