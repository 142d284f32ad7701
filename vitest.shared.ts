/** What all runs of the tests have in common; by itself, what tools need that choose files and processes on their own. */
import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

const source = (file: string): string => fileURLToPath(new URL(`./packages/core/src/${file}`, import.meta.url));

/** Tests see the sources of the library, not what is built of them. */
export const resolve = {
  alias: [
    { find: /^@aif\/core\/node$/, replacement: source("node.ts") },
    { find: /^@aif\/core$/, replacement: source("index.ts") },
  ],
};

export const test = {
  // By default one processor is left idle, which is half of a small machine; each file has one thread instead.
  maxWorkers: "100%",
  // What is built runs as it is, and so do the programs of the pages.
  server: { deps: { external: [/\/packages\/(?:core|cli)\/dist\//, /\/docs\/test\/\.example-/] } },
  env: { AIF_THREADS: "1", OPENBLAS_NUM_THREADS: "1" },
  // A loaded machine is no failure.
  testTimeout: 180_000,
  hookTimeout: 180_000,
};

/** The tests of the library. */
export const CORE = "packages/core/test";

/** Those that need a process to themselves: they choose a back end or its threads, measure memory, or start threads and processes. */
export const ALONE: readonly string[] = [
  "autodiff/scope.test.ts",
  "browser/**/*.test.ts",
  "data/{fuzz,hostile-files}.test.ts",
  "influence/laws.test.ts",
  "linalg/**/*.test.ts",
  "models/{fold-sums,quadratic-gram,shared-sums}.test.ts",
  "parallel/**/*.test.ts",
  "study/streamed/memory.test.ts",
].map((pattern) => `${CORE}/${pattern}`);

/**
 * Files with a process each, then files that share one with those before them, so that the library is loaded once a processor and not
 * once a file.
 */
export function projects(
  alone: string[],
  shared: string[],
  left: readonly string[] = [],
): TestProjectInlineConfiguration[] {
  const exclude = [...configDefaults.exclude, ...left];
  return [
    { extends: true, test: { name: "alone", include: alone, exclude } },
    {
      extends: true,
      test: {
        name: "shared",
        include: shared,
        exclude: [...exclude, ...ALONE],
        isolate: false,
        setupFiles: [fileURLToPath(new URL("./packages/core/test/back-end.ts", import.meta.url))],
      },
    },
  ];
}

export default defineConfig({ resolve, test });
