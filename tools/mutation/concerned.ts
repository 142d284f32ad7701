/** Which test files are concerned by a source file: those that use it, or a file that uses it. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const IMPORT = /^(?:import|export)\s+(?:type\s+)?(?:\{([^}]*)\}|[^;'"]*?)\s*(?:from\s+)?["']([^"']+)["']/gm;

interface Imported {
  readonly names: readonly string[];
  readonly file: string;
}

const importsOf = (path: string): Imported[] =>
  [...readFileSync(path, "utf8").matchAll(IMPORT)]
    .filter(([, , from]) => from.startsWith("."))
    .map(([, names = "", from]) => ({
      names: names
        .split(",")
        .map(
          (name) =>
            name
              .trim()
              .replace(/^type /, "")
              .split(" as ")[0],
        )
        .filter(Boolean),
      file: resolve(dirname(path), from.replace(/\.js$/, ".ts")),
    }));

const filesBelow = (folder: string, ending: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .toSorted()
    .map((name) => join(folder, name));

/** Whole runs of the program: slow, and they notice what nearer tests notice. */
const WHOLE_RUNS = /\/test\/(?:experiments|study)\//;
/** More than so many test files are not asked about one file: the last would cost most and say least. */
const MOST_TESTS = 10;
/** From a test to a file over so many others at most. */
const MOST_STEPS = 3;

/**
 * The test files that are concerned by a source file, the likeliest to notice first: those that use it themselves, then those
 * that use what uses it; of the same folder before others, and of these the ones that use least beside it.
 * @param root of the repository
 */
export function concernedTests(root: string): (file: string) => string[] {
  const src = join(root, "packages/core/src");
  const index = join(src, "index.ts");
  const users = new Map<string, string[]>();
  for (const path of filesBelow(src, ".ts")) {
    if (path === index) continue;
    for (const { file } of importsOf(path)) users.set(file, [...(users.get(file) ?? []), path]);
  }
  const home = new Map(importsOf(index).flatMap(({ names, file }) => names.map((name) => [name, file] as const)));
  const nearer = filesBelow(join(root, "packages/core/test"), ".test.ts").filter((path) => !WHOLE_RUNS.test(path));
  const tests = nearer.map((path) => {
    const used = importsOf(path).flatMap(({ names, file }) =>
      file === index ? names.map((name) => home.get(name)) : [file],
    );
    return { test: relative(root, path), used: new Set(used) };
  });
  return (file) => {
    const found: string[] = [];
    const folder = `/${file.split("/")[3]}/`;
    const near = ({ test }: { test: string }): number => Number(!test.includes(folder));
    let reached = new Set([join(root, file)]);
    for (let steps = 0; steps < MOST_STEPS && found.length < MOST_TESTS; steps++) {
      const using = tests.filter(
        ({ test, used }) => !found.includes(test) && [...reached].some((path) => used.has(path)),
      );
      found.push(...using.toSorted((a, b) => near(a) - near(b) || a.used.size - b.used.size).map(({ test }) => test));
      reached = new Set([...reached].flatMap((path) => users.get(path) ?? []));
    }
    return found.slice(0, MOST_TESTS);
  };
}
