/**
 * One table of the same work by us and by others, then held-out evaluation, intervals, peak memory, kernels, rows that pass by, threads;
 * `--help` says how it is asked.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { compare } from "./against-numpy.js";
import { CASES, type Case, INTERVAL_CASES } from "./cases.js";
import { measureTable, quickly } from "./head-table.js";
import { timeHeldOut } from "./held-out-time.js";
import { timeIntervals } from "./interval-time.js";
import { compareKernels } from "./kernel-speed.js";
import { machineLines } from "./machine.js";
import { measurePeak } from "./memory.js";
import { networkSection } from "./network-time.js";
import { type Findings, report } from "./report.js";
import { ridgeSection } from "./ridge-time.js";
import { ROBUST_CASES, timeRobust } from "./robust-time.js";
import { sectionsBeside, withSections } from "./sections.js";
import { timeStreaming } from "./streaming.js";
import { streamingSection } from "./streaming-report.js";
import { threadSection } from "./thread-time.js";

const SECTIONS = [
  "table",
  "numpy",
  "held-out",
  "intervals",
  "robust",
  "memory",
  "kernels",
  "networks",
  "streaming",
  "threads",
  "ridges",
];
/** Those that take seconds. */
const QUICK = ["table", "numpy", "held-out"];
const USAGE = `npm run bench [-- [filter] [--quick] [--full] [--write] [--threads N]]

  filter       only sections and sizes whose names contain it: table, numpy, held-out, intervals, robust, memory,
               kernels, networks, streaming, threads, ridges
  --quick      a few minutes: fewer rows and rounds, and of the sections ${QUICK.join(", ")} alone
  --full       ten million rows pass by too, which takes the better part of an hour; its section stays until it is run again
  --write      puts the result into docs/benchmarks.md: all of it, or the sections that the filter kept
  --threads N  of our side and of the others' (default: all processors, up to 8)
`;

/** What was typed; nothing else is taken. */
function read() {
  const known = {
    write: { type: "boolean", default: false },
    threads: { type: "string" },
    quick: { type: "boolean", default: false },
    full: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  } as const;
  try {
    return parseArgs({ allowPositionals: true, options: known });
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

function refuse(why: string): never {
  process.stderr.write(`${why}\n\n${USAGE}`);
  process.exit(2);
}

const { values, positionals } = read();
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const filter = positionals.join(" ").toLowerCase();
const threads = Number(values.threads ?? Math.min(8, availableParallelism()));
if (!(Number.isInteger(threads) && threads >= 1))
  refuse(`--threads takes a whole number from 1 on, not ${values.threads}.`);
const wanted = (section: string, task?: Case): boolean =>
  `${section} ${task?.name ?? ""}`.toLowerCase().includes(filter);

const named = SECTIONS.filter((section) =>
  [undefined, ...CASES, ...INTERVAL_CASES].some((task) => wanted(section, task)),
);
if (named.length === 0) refuse(`No section and no size has ${filter} in its name.`);
if (values.quick && !named.some((section) => QUICK.includes(section)))
  refuse(`--quick leaves out ${named.join(", ")}: measure it without.`);

const found: Findings = { threads, comparisons: [], heldOut: [], intervals: [], robust: [], memory: [], kernels: [] };
const tell = (what: string): boolean => process.stderr.write(`measuring ${what} …\n`);

if (wanted("kernels") && !values.quick) {
  tell("kernels");
  found.kernels.push(...(await compareKernels(threads)));
}
for (const task of values.quick ? quickly(CASES) : CASES) {
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
for (const task of values.quick ? [] : INTERVAL_CASES) {
  if (wanted("intervals", task)) {
    tell(`${task.name} intervals`);
    found.intervals.push(await timeIntervals(task, threads));
  }
}
for (const chosen of values.quick ? [] : ROBUST_CASES) {
  if (wanted("robust", chosen.task)) {
    tell(`${chosen.task.name} robust training, p = ${chosen.p}`);
    found.robust.push(await timeRobust(chosen, threads));
  }
}

const head = wanted("table") ? await measureTable(threads, values.quick, found.comparisons, tell) : null;
const networks = wanted("networks") && !values.quick ? (tell("networks"), await networkSection()) : null;
const streamed =
  wanted("streaming") && !values.quick ? await timeStreaming(threads, values.full, (what) => void tell(what)) : null;
const shared = wanted("threads") && !values.quick ? await threadSection(threads, (what) => void tell(what)) : [];
const ridges = wanted("ridges") && !values.quick ? await ridgeSection((what) => void tell(what)) : [];

const command = `npm run bench${process.argv.length > 2 ? ` -- ${process.argv.slice(2).join(" ")}` : ""}`;
const compared = [...found.comparisons, ...(head?.comparisons ?? [])];
const libraries = [...new Set(compared.flatMap(({ contestants }) => contestants.map((c) => c.library)))];
const beside = [...(streamed ? streamingSection(streamed, threads) : []), ...shared, ...ridges].join("\n\n");
const text = `${report(found, head, machineLines(command, [...libraries, ...(networks?.libraries ?? [])])).trimEnd()}\n${networks?.text ?? ""}${beside && `\n${beside}\n`}`;
process.stdout.write(text);
if (values.write) {
  const file = new URL("../docs/benchmarks.md", import.meta.url);
  const [machine] = machineLines(command, []);
  const note = `Measured apart from the rest of this page, by \`${command}\` on ${new Date().toISOString().slice(0, 10)}. ${machine.replace(/^\* /, "")} Load average at the end ${loadavg()[0].toFixed(1)}: other work shared the machine where it exceeds the benchmark's own 1 to 2.`;
  const old = readFileSync(file, "utf8");
  writeFileSync(file, filter ? withSections(old, text, note) : withSections(text, sectionsBeside(old, text), null));
}
