/** docs/errata.md is what tools/write-errata.ts makes of the runs that are kept, and these are runs of the program as it is. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { EXPERIMENTS } from "@aif/core";
import { describe, expect, test } from "vitest";
import { ERRATA, type KeptRun, RUNS } from "../../tools/errata.js";
import { errataPage, pageFile, runsFile } from "../../tools/write-errata.js";

const runs = JSON.parse(readFileSync(runsFile, "utf8")) as KeptRun[];

test("the page is what the script writes (else: npx tsx tools/write-errata.ts --from-runs)", () => {
  expect(readFileSync(pageFile, "utf8")).toBe(errataPage(runs));
});

describe.each(RUNS)("$name, p = $norm", ({ name, repetitions, norm }) => {
  const run = runs.find((one) => one.name === name && one.settings.norm === norm);

  test("is kept, with the set-up of the program (else: npx tsx tools/write-errata.ts)", () => {
    const experiment = EXPERIMENTS.find((one) => one.name === name);
    const exponent = norm === "inf" ? Number.POSITIVE_INFINITY : Number(norm);
    expect(run?.setup).toBe(experiment?.setup({ repetitions, seed: 0, norm: exponent }));
    expect(run?.settings).toEqual({ repetitions, seed: 0, norm });
  });
});

test("every result is quoted, and every test that is named exists", () => {
  const quoted = new Set<string>();
  for (const one of ERRATA.flatMap(({ evidence }) => evidence)) {
    if ("run" in one) quoted.add(one.run);
    else expect(existsSync(fileURLToPath(new URL(`../../${one.test}`, import.meta.url))), one.test).toBe(true);
  }
  expect([...quoted].toSorted()).toEqual([...new Set(RUNS.map(({ name }) => name))].toSorted());
});

test("a run that is not kept is an error", () => {
  expect(() => errataPage([])).toThrow(/No run of/);
});
