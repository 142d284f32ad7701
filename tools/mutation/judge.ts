/** Runs tests against sources with one deliberate error, which is put in as the file is loaded: nothing on disk changes. */
import { resolve } from "node:path";
import { createVitest, type TestModule, type Vitest } from "vitest/node";
import { type Mutant, withMutant } from "./mutant.js";
import { CONFIG } from "./tests.js";

export interface Verdict {
  /** The test that failed, or what else happened; null: the mutant survived. */
  readonly killedBy: string | null;
}

export interface Judge {
  /** Runs test files one after the other until one fails. @param mutant null: the sources as they are. */
  judge(mutant: Mutant | null, tests: readonly string[]): Promise<Verdict>;
  close(): Promise<void>;
}

/** A test file that takes longer than this hangs. */
const MOST_MILLISECONDS = 90_000;

/** @param root of the repository. */
export function mutationJudge(root: string): Judge {
  let mutant: Mutant | null = null;
  let applied = false;
  let ran = 0;
  let running: Promise<Vitest> | null = null;
  const path = (file: string): string => resolve(root, file);
  const start = (): Promise<Vitest> =>
    createVitest(
      "test",
      {
        root,
        config: path(CONFIG),
        watch: false,
        bail: 1,
        pool: "threads",
        maxWorkers: 1,
        reporters: [{}],
        printConsoleTrace: false,
      },
      {
        plugins: [
          {
            name: "mutant",
            enforce: "pre",
            transform(code, id) {
              if (!mutant || id.split("?")[0] !== path(mutant.file)) return null;
              applied = true;
              return withMutant(code, mutant);
            },
          },
        ],
      },
    );
  const runOne = async (vitest: Vitest, test: string): Promise<string | null> => {
    const found = await vitest.globTestSpecifications([path(test)]);
    if (found.length === 0) throw new Error(`There is no test file ${test}.`);
    // Modules of earlier runs would be among those of this one.
    vitest.state.filesMap.clear();
    vitest.state.idMap.clear();
    const { testModules, unhandledErrors } = await vitest.runTestSpecifications(found);
    const module = testModules.find(({ moduleId }) => moduleId === path(test));
    if (!module) throw new Error(`${test} did not run.`);
    if (!module.ok()) return `${test}: ${failureOf(module)}`;
    ran += [...module.children.allTests("passed")].length;
    return unhandledErrors.length > 0 ? `${test}: an error outside its tests` : null;
  };
  return {
    async judge(next, tests) {
      const vitest = await (running ??= start());
      for (const one of [mutant, next]) if (one) vitest.invalidateFile(path(one.file));
      mutant = next;
      applied = false;
      ran = 0;
      for (const test of tests) {
        const ended = await withinTime(runOne(vitest, test));
        if (ended === HANGS) {
          running = null;
          void vitest.close();
          return { killedBy: `${test}: does not end` };
        }
        if (ended !== null) return { killedBy: ended };
      }
      // Whole files are skipped where their data are not there.
      if (ran === 0) throw new Error(`No test of ${tests.join(", ")} ran.`);
      if (next && !applied) throw new Error(`No test of ${tests.join(", ")} loads ${next.file}.`);
      return { killedBy: null };
    },
    async close() {
      await (await running)?.close();
    },
  };
}

const failureOf = (module: TestModule): string => {
  for (const test of module.children.allTests("failed")) return JSON.stringify(test.fullName);
  return "does not load";
};

const HANGS = Symbol("hangs");

async function withinTime<T>(work: Promise<T>): Promise<T | typeof HANGS> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<typeof HANGS>((done) => {
    timer = setTimeout(() => done(HANGS), MOST_MILLISECONDS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
