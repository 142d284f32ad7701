/**
 * npx tsx bench/kernel-regression.ts [--rows 2000] [--write]: kernel regression with the NTK on drawn digits, 784 pixels and ten
 * outputs: fit, influence and the memory at their peak. --write puts the section into docs/benchmarks.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import {
  drawnDigits,
  ensureBlas,
  kernel,
  kernelFit,
  kernelInfluence,
  kernelTargets,
  lp,
} from "../packages/core/src/index.js";
import { randomStream } from "../packages/core/src/stats/random.js";
import { machineLines } from "./machine.js";
import { table } from "./markdown.js";
import { withSections } from "./sections.js";

const { values } = parseArgs({
  options: { rows: { type: "string", default: "2000" }, write: { type: "boolean", default: false } },
});
const page = new URL("../docs/benchmarks.md", import.meta.url);

const { description, threads } = await ensureBlas();
const n = Number(values.rows);
const { pixels, labels } = drawnDigits(n, randomStream(1));
const rows = { x: pixels, y: kernelTargets(labels, 10), weights: new Float64Array(n).fill(1 / n) };
const started = performance.now();
const fit = await kernelFit(rows, { kernel: kernel("ntk"), ridge: 0.01, centres: "move", penalty: "coefficients" });
const fitted = performance.now();
const { relativeResidual } = await kernelInfluence(fit, lp(2));
const done = performance.now();
const seconds = (from: number, to: number): string => ((to - from) / 1000).toFixed(2);
const peak = (process.resourceUsage().maxRSS / 2 ** 10).toFixed(0);
const text = `
## Kernel regression

${table(
  ["NTK, 784 pixels, 10 outputs", "fit [s]", "influence [s]", "peak memory [MiB]", "residual"],
  [[`${n} pictures`, seconds(started, fitted), seconds(fitted, done), peak, relativeResidual.toExponential(1)]],
)}
`;
process.stdout.write(`${text.trimStart()}\n${description}, ${threads} threads\n`);
if (values.write) {
  const note = machineLines("npx tsx bench/kernel-regression.ts --write", [description]).join("\n");
  writeFileSync(page, withSections(readFileSync(page, "utf8"), text, note));
}
