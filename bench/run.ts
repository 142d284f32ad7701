/**
 * npm run bench [-- [filter] [--write] [--threads N]]: speed against NumPy, held-out evaluation, peak memory, kernels.
 * A filter keeps the sections and sizes whose names contain it; --write puts the result into docs/benchmarks.md: all of it, or the
 * sections that the filter kept.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { compare } from "./against-numpy.js";
import { CASES, type Case, INTERVAL_CASES } from "./cases.js";
import { timeHeldOut } from "./held-out-time.js";
import { timeIntervals } from "./interval-time.js";
import { compareKernels } from "./kernel-speed.js";
import { machineLines } from "./machine.js";
import { measurePeak } from "./memory.js";
import { networkSection } from "./network-time.js";
import { type Findings, report } from "./report.js";
import { ROBUST_CASES, timeRobust } from "./robust-time.js";
import { sectionsBeside, withSections } from "./sections.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: "boolean", default: false }, threads: { type: "string" } },
});
const filter = positionals.join(" ").toLowerCase();
const threads = Number(values.threads ?? Math.min(8, availableParallelism()));
const wanted = (section: string, task?: Case): boolean =>
  `${section} ${task?.name ?? ""}`.toLowerCase().includes(filter);

const found: Findings = { threads, comparisons: [], heldOut: [], intervals: [], robust: [], memory: [], kernels: [] };
const tell = (what: string): boolean => process.stderr.write(`measuring ${what} …\n`);

if (wanted("kernels")) {
  tell("kernels");
  found.kernels.push(...(await compareKernels(threads)));
}
for (const task of CASES) {
  if (wanted("numpy", task)) {
    tell(`${task.name} against NumPy`);
    found.comparisons.push(await compare(task, threads));
  }
  if (wanted("held-out", task)) {
    tell(`${task.name} held out`);
    found.heldOut.push(...(await timeHeldOut(task, threads)));
  }
  if (task.rows >= 1_000_000 && wanted("memory", task)) {
    tell(`${task.name} memory`);
    found.memory.push(...(await measurePeak(task, threads)));
  }
}
for (const task of INTERVAL_CASES) {
  if (wanted("intervals", task)) {
    tell(`${task.name} intervals`);
    found.intervals.push(await timeIntervals(task, threads));
  }
}
for (const chosen of ROBUST_CASES) {
  if (wanted("robust", chosen.task)) {
    tell(`${chosen.task.name} robust training, p = ${chosen.p}`);
    found.robust.push(await timeRobust(chosen, threads));
  }
}

const networks = wanted("networks") ? (tell("networks"), await networkSection()) : null;

const command = `npm run bench${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(" ")}` : ""}`;
const libraries = [...new Set(found.comparisons.flatMap(({ contestants }) => contestants.map((c) => c.library)))];
const text = `${report(found, machineLines(command, [...libraries, ...(networks?.libraries ?? [])])).trimEnd()}\n${networks?.text ?? ""}`;
process.stdout.write(text);
if (values.write) {
  const file = new URL("../docs/benchmarks.md", import.meta.url);
  const [machine] = machineLines(command, []);
  const note = `Measured apart from the rest of this page, by \`${command}\` on ${new Date().toISOString().slice(0, 10)}. ${machine.replace(/^\* /, "")}`;
  const old = readFileSync(file, "utf8");
  writeFileSync(file, filter ? withSections(old, text, note) : withSections(text, sectionsBeside(old, text), null));
}
