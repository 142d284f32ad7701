/** docs/large-data.md says how many passes over the rows some runs take. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { aif, wordsOf } from "../../tools/write-docs-output.js";

const page = readFileSync(fileURLToPath(new URL("../large-data.md", import.meta.url)), "utf8");
const said = [...page.matchAll(/^\| `aif (analyze [^`]+)` \| (\d+) \|$/gm)].map(
  ([, command, passes]) => [command, Number(passes)] as const,
);
const cache = mkdtempSync(join(tmpdir(), "aif-passes-"));
afterAll(() => rmSync(cache, { recursive: true, force: true }));

/** The last step of a fit that has converged is taken or not as sums round, which another back end does otherwise. */
const SHARE = 0.1;

test("the page tells of runs of several models", () => expect(said.length).toBeGreaterThan(5));

test.each(said)("%s: %i passes", async (command, passes) => {
  const { timings } = JSON.parse(await aif([...wordsOf(command), "--cache", cache, "--quiet", "--format", "json"]));
  expect(Math.abs(timings.passes - passes), `${timings.passes} passes`).toBeLessThanOrEqual(SHARE * passes);
});
