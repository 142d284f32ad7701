/**
 * How time and memory of an analysis by passes grow with the rows, which are made as they pass by: nothing is on disk or in memory.
 * npx tsx bench/streaming.ts [rows …] [--model linear|logistic|poisson] [--columns m]
 */
import { parseArgs } from "node:util";
import { analyzeStreamed, DEFAULT_SETTINGS } from "../packages/core/src/index.js";
import { generatedRows } from "./generated-rows.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { model: { type: "string", default: "linear" }, columns: { type: "string", default: "50" } },
});
const columns = Number(values.columns);
const sizes = positionals.length > 0 ? positionals.map(Number) : [100_000, 1_000_000, 10_000_000];

let highest = 0;
const watch = setInterval(() => {
  highest = Math.max(highest, process.memoryUsage.rss());
}, 50);
console.log(
  `${values.model}, ${columns} columns, cv:10, p = 2: rows, seconds, CPU seconds, of which making rows, passes, MB`,
);
for (const rows of sizes) {
  highest = 0;
  const data = generatedRows(rows, columns, values.model, 10);
  const settings = { ...DEFAULT_SETTINGS, target: "y", model: values.model };
  const started = performance.now();
  const cpu = process.cpuUsage();
  const { result } = await analyzeStreamed({
    training: data,
    evaluation: null,
    settings,
    source: "made rows",
    readSeconds: 0,
  });
  const seconds = (performance.now() - started) / 1000;
  highest = Math.max(highest, process.memoryUsage.rss());
  const passes = result.timings.passes ?? 0;
  const made = data.madeSeconds();
  const { user, system } = process.cpuUsage(cpu);
  const { total: _, read: __, exact: ___, ...parts } = result.timings;
  console.log(
    `${rows}\t${seconds.toFixed(2)}\t${((user + system) / 1e6).toFixed(2)}\t${made.toFixed(2)}\t${passes}\t${Math.round(highest / 2 ** 20)}\t${JSON.stringify(parts)}`,
  );
}
clearInterval(watch);
