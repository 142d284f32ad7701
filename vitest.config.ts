import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { ALONE, CORE, projects, resolve, test } from "./vitest.shared.js";

/** Files that start whole programs and browsers take longest: they begin first, so that none is left alone at the end. */
class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId, project }: TestSpecification): number =>
      /\/(?:docs|web|cli)\/test\//.test(moduleId) ? 2 : Number(project.name === "alone");
    return sorted.toSorted((a, b) => rank(b) - rank(a));
  }
}

export default defineConfig({
  resolve,
  test: {
    ...test,
    sequence: { sequencer: SlowFirst },
    globalSetup: "./vitest.temporary.ts",
    projects: projects(
      [...ALONE, "packages/{cli,web}/test/**/*.test.ts", "docs/test/**/*.test.ts"],
      [`${CORE}/**/*.test.ts`],
    ),
  },
});
