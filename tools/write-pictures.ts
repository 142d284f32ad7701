/**
 * Draws the pictures that README.md and docs/*.md show, from the examples that come along; the coverage from the tables of its page.
 *
 *   npm run build && npx tsx tools/write-pictures.ts
 */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Coverage, coverageChart } from "@aif/core";
import { aif } from "./write-docs-output.js";

const folder = fileURLToPath(new URL("../docs/pictures", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "aif-pictures-"));
const houses = ["examples/house-prices.csv", "--target", "price_thousands"];
const loans = ["examples/credit-default.csv", "--target", "defaulted"];
const network = ["--import", "examples/credit-network.onnx", "--scaler", "examples/credit-network-scaler.json"];

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
  {
    command: ["analyze", ...loans, ...network, "--l2", "0.01", "--curvature", "hessian"],
    charts: { network: ["sensitivity"] },
  },
];

/** Its designs are there to show what the method cannot do. */
const LIMITS = "Where no interval of this kind can hold";

/** The column "Î covered, %" of the page's tables: "94.3 – 96.3", "94.8 (93.4 – 95.8)" or "100.0". */
function coverageOf(page: string): Coverage[] {
  const cells: Coverage[] = [];
  let [section, column] = ["", -1];
  for (const line of page.split("\n")) {
    const parts = line.split("|").map((part) => part.trim());
    if (line.startsWith("## ")) section = line.slice(3);
    if (parts[1] === "cell") column = parts.indexOf("Î covered, %");
    const shares = [...(parts[column] ?? "").matchAll(/\d+\.\d/g)].map(Number);
    if (column > 0 && shares.length > 0 && section !== LIMITS)
      cells.push({ name: parts[1], lowest: Math.min(...shares), highest: Math.max(...shares) });
  }
  return cells;
}

try {
  const { toSvg } = await import("../packages/cli/src/output/svg.js");
  const cells = coverageOf(readFileSync(join(folder, "../coverage.md"), "utf8"));
  const chart = coverageChart(cells, {
    title: "Do the 95 % intervals of the influence hold the truth?",
    subtitle:
      "simulated data sets; from the least to the best covered parameter; grey: counts as kept, red: some parameter missed",
    nominal: 95,
    accepted: [92.5, 97],
  });
  writeFileSync(join(folder, "coverage.svg"), await toSvg(chart));
  console.log("docs/pictures/coverage.svg");
  for (const [k, { command, charts }] of pictures.entries()) {
    const result = join(scratch, `${k}.json`);
    await aif([...command, "--out", result]);
    for (const [name, words] of Object.entries(charts)) {
      await aif(["chart", result, ...words, "--out", join(folder, `${name}.svg`)]);
      console.log(`docs/pictures/${name}.svg`);
    }
  }
  await aif(["reproduce", "figure1", "--repetitions", "1", "--out", join(scratch, "figure1")]);
  copyFileSync(join(scratch, "figure1/figure1.svg"), join(folder, "figure1.svg"));
  console.log("docs/pictures/figure1.svg");
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
