/**
 * Runs test files, one after the other, in one warm process, on sources with switches at the errors. Arguments: the folder of the
 * journal, the root of the repository; standard input: the list of runs.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createVitest } from "vitest/node";
import { digestOf, Journal, killedIn, type Run } from "./journal.js";
import { CONFIG } from "./tests.js";

async function main(folder: string, root: string): Promise<void> {
  const runs: Run[] = JSON.parse(readFileSync(0, "utf8"));
  process.env.AIF_MUTATION_FOLDER = folder;
  const journal = new Journal(folder);
  const sources = new Map(Object.entries(journal.sources).map(([file, code]) => [join(root, file), code]));
  const vitest = await createVitest(
    "test",
    {
      root,
      config: join(root, CONFIG),
      watch: false,
      pool: "threads",
      maxWorkers: 1,
      reporters: [{}],
      silent: true,
      bail: 0,
      runner: fileURLToPath(new URL("runner.ts", import.meta.url)),
      dangerouslyIgnoreUnhandledErrors: true,
    },
    {
      plugins: [{ name: "switches", enforce: "pre", transform: (_, id) => sources.get(id.split("?")[0]) ?? null }],
    },
  );
  for (const run of runs) {
    const { file, active } = run;
    const killed = killedIn(journal.read());
    if (active !== null && killed.has(active)) continue;
    journal.running = run;
    const digest = digestOf(readFileSync(file, "utf8"));
    journal.write({ kind: "begin", digest, ...run });
    const began = performance.now();
    vitest.state.filesMap.clear();
    vitest.state.idMap.clear();
    vitest.config.bail = active === null ? 0 : 1;
    const { testModules } = await vitest.runTestSpecifications(await vitest.globTestSpecifications([file]));
    if (active !== null && testModules.some((module) => !module.ok())) {
      journal.write({ kind: "killed", file, test: "", id: active });
    }
    journal.write({ kind: "end", digest, ms: performance.now() - began, ...run });
  }
  await vitest.close();
}

main(process.argv[2], process.argv[3]).then(
  () => process.exit(0),
  (error: Error) => {
    console.error(error);
    process.exit(1);
  },
);
