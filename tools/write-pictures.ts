/**
 * Draws the pictures that README.md and docs/*.md show, from the examples that come along.
 *
 *   npm run build && npx tsx tools/write-pictures.ts
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { aif } from "./write-docs-output.js";

const folder = fileURLToPath(new URL("../docs/pictures", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "aif-pictures-"));
const houses = ["examples/house-prices.csv", "--target", "price_thousands"];

/** What is analysed, and which of its charts go where. */
const pictures: readonly {
  readonly command: readonly string[];
  readonly charts: Readonly<Record<string, readonly string[]>>;
}[] = [
  {
    command: ["analyze", ...houses],
    charts: { sensitivity: ["sensitivity"], losses: ["losses"], parameters: ["parameters"] },
  },
  { command: ["path", ...houses, "--norm", "inf"], charts: { "path-parameters": ["parameters"] } },
  { command: ["verify", ...houses, "--norm", "inf"], charts: { verification: ["errors"] } },
];

try {
  for (const [k, { command, charts }] of pictures.entries()) {
    const result = join(scratch, `${k}.json`);
    await aif([...command, "--out", result]);
    for (const [name, words] of Object.entries(charts)) {
      await aif(["chart", result, ...words, "--out", join(folder, `${name}.svg`)]);
      console.log(`docs/pictures/${name}.svg`);
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
