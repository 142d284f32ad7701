import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const source = (file: string): string => fileURLToPath(new URL(`./packages/core/src/${file}`, import.meta.url));

/** Files that start whole programs and browsers take longest: they begin first, so that none is left alone at the end. */
class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const slow = ({ moduleId }: TestSpecification): number => Number(/\/(?:docs|web|cli)\/test\//.test(moduleId));
    return sorted.toSorted((a, b) => slow(b) - slow(a));
  }
}

export default defineConfig({
  resolve: {
    alias: [
      { find: /^@aif\/core\/node$/, replacement: source("node.ts") },
      { find: /^@aif\/core$/, replacement: source("index.ts") },
    ],
  },
  test: {
    include: ["packages/*/test/**/*.test.ts", "docs/test/**/*.test.ts"],
    sequence: { sequencer: SlowFirst },
    // By default one processor is left idle, which is half of a small machine; each file has one thread instead.
    maxWorkers: "100%",
    env: { AIF_THREADS: "1", OPENBLAS_NUM_THREADS: "1" },
    // A loaded machine is no failure.
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
