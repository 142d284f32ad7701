import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { applyEncoding } from "../../src/data/apply-encoding.js";
import { fitEncoding } from "../../src/data/encode.js";
import { readTable } from "../../src/data/read.js";

const example = (name: string): string => fileURLToPath(new URL(`../../../../examples/${name}`, import.meta.url));

const tables: readonly (readonly [string, string, number, string])[] = [
  ["house-prices", "price_thousands", 800, "regression"],
  ["credit-default", "defaulted", 1000, "binary"],
];

test.each(tables)(
  "%s is read, encoded without missing cells, and made by its script",
  async (name, target, rows, task) => {
    const path = example(`${name}.csv`);
    const table = await readTable(path);
    const data = applyEncoding(table, fitEncoding(table, { target }), { role: "training" });
    expect([data.rows, data.encoding.target.task, data.notes]).toEqual([rows, task, []]);
    const before = await readFile(path, "utf8");
    expect(before.length).toBeLessThan(100_000);
    const script = await readFile(example(`make-${name}.mjs`), "utf8");
    const printing = script
      .replace(/writeFileSync\([^`]*`/, "process.stdout.write(`")
      .replace('"./random.mjs"', JSON.stringify(new URL("../../../../examples/random.mjs", import.meta.url).href));
    const run = spawnSync(process.execPath, ["--input-type=module", "-e", printing], { encoding: "utf8" });
    expect(run.stdout).toBe(before);
  },
);
