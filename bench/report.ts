import type { Comparison, Contestant } from "./against-numpy.js";
import { CAUSES } from "./causes.js";
import type { HeldOutTime } from "./held-out-time.js";
import type { IntervalTime } from "./interval-time.js";
import type { KernelSpeed } from "./kernel-speed.js";
import { table } from "./markdown.js";
import type { PeakMemory } from "./memory.js";
import { atLeast, milliseconds, short, spread, verdict } from "./report-words.js";
import { robustSection } from "./robust-report.js";
import type { RobustTime } from "./robust-time.js";
import { type TableFindings, tableSections } from "./table-report.js";

export interface Findings {
  readonly threads: number;
  readonly comparisons: Comparison[];
  readonly heldOut: HeldOutTime[];
  readonly intervals: IntervalTime[];
  readonly robust: RobustTime[];
  readonly memory: PeakMemory[];
  readonly kernels: KernelSpeed[];
}

const MEGABYTE = 1e6;
const GOALS = { native: 1, portable: 5, heldOut: 2, sandwich: 1.5, bootstrap: 20, memory: 300 * MEGABYTE } as const;
const PORTABLE_KERNELS: readonly (readonly [start: string, goal: number])[] = [
  ["dgemm", 15],
  ["dsyrk", 15],
  ["dpotrf", 10],
];

/** The whole document. */
export function report(
  { threads, comparisons, heldOut, intervals, robust, memory, kernels }: Findings,
  head: TableFindings | null,
  machine: readonly string[],
): string {
  const sections = [
    "# Benchmarks",
    "Written by `npm run bench -- --write`. Times are medians of warm rounds with their quartiles in brackets; each side runs in a process of its own and the sides take turns, so that what else the machine does falls on all alike. Ratios are taken round by round. A goal that was not met says so.",
    machine.join("\n"),
  ];
  if (head) sections.push(...tableSections(head, threads));
  if (comparisons.length > 0) sections.push(...againstNumpy(comparisons, threads));
  if (heldOut.length > 0) sections.push(...heldOutSection(heldOut));
  if (intervals.length > 0) sections.push(...intervalSection(intervals));
  if (robust.length > 0) sections.push(...robustSection(robust));
  if (memory.length > 0) sections.push(...memorySection(memory));
  if (kernels.length > 0) sections.push(...kernelSection(kernels, threads));
  return `${sections.join("\n\n")}\n`;
}

function againstNumpy(comparisons: readonly Comparison[], threads: number): string[] {
  const noNumpy = comparisons.some(({ contestants }) => contestants.every(({ name }) => name !== "NumPy"));
  const rows = comparisons.flatMap(({ task, contestants, disagreement }) =>
    contestants.map((contestant) => [
      task.name,
      contestant.name,
      milliseconds(contestant.seconds),
      stageList(contestant),
      contestant.ratio ? spread(contestant.ratio) : "",
      ratioVerdict(contestant),
      disagreement.toExponential(0),
    ]),
  );
  return [
    "## Against NumPy",
    `Fit, adversarial influence function and in-sample sensitivity at p = 2 from a matrix in memory: \`matrixDataset\`, \`fit\`, \`influence\`, \`scoreShifts\`, \`localSensitivity\`, \`predictedChange\`, against \`bench/numpy_peer.py\`, which does the same without a needless pass over the data and fits to the same relative gradient of 1e-12. NumPy and the native back end use the same OpenBLAS; all have ${threads} ${threads === 1 ? "thread" : "threads"}. The library also checks that its input is finite, which NumPy's side does not. The last column is the largest relative difference between any two sides' numbers; beyond 1e-8 nothing is reported.`,
    ...(noNumpy ? ["NumPy: skipped, no Python that imports it was found (Debian: python3-numpy)."] : []),
    table(["job", "by", "time, ms", "stages, ms", "ratio to NumPy", "goal", "differ by"], rows),
    ...causeOf("native", missing(comparisons, "native")),
    ...causeOf("portable", missing(comparisons, "portable")),
  ];
}

function heldOutSection(heldOut: readonly HeldOutTime[]): string[] {
  const rows = heldOut.map(({ task, backend, fit, heldOut: time, multiple, folds }) => [
    task.name,
    backend,
    milliseconds(fit),
    milliseconds(time),
    spread(multiple),
    verdict(multiple.median, GOALS.heldOut),
    milliseconds(folds),
  ]);
  return [
    "## Held-out evaluation in ten folds",
    "`crossFit`, `localSensitivity` and `predictedChange` after a fit and its influence, as a multiple of that fit. Dealing the rows to folds (`assignFolds`, a hash of seed and row) is shown apart.",
    table(["job", "back end", "fit, ms", "ten folds, ms", "multiple of a fit", "goal", "dealing, ms"], rows),
    ...causeOf(
      "heldOut",
      heldOut.some(({ multiple }) => multiple.median > GOALS.heldOut),
    ),
  ];
}

function intervalSection(intervals: readonly IntervalTime[]): string[] {
  const rows = intervals.map(({ task, point, sandwich, bias, intervals: ends, total, multiple, bootstrap }) => [
    task.name,
    milliseconds(point),
    milliseconds(sandwich),
    milliseconds(bias),
    milliseconds(ends),
    spread(multiple),
    verdict(multiple.median, GOALS.sandwich),
    milliseconds(total),
    task.goal === null ? "" : verdict(total.median, task.goal, (seconds) => `${1000 * seconds} ms`),
    bootstrap ? spread(bootstrap) : "",
    bootstrap ? verdict(bootstrap.median, GOALS.bootstrap) : "",
  ]);
  return [
    "## Intervals",
    "What intervals for the population add to fit, influence and sensitivity, native: the sandwich with its density terms (`sandwich`), the bias of order d/n (`leverageBias`), the interval for S and the factor for all parameters at once (`sensitivityInterval`, `supremumFactor`); and 200 draws of the bootstrap as a multiple of one fit.",
    table(
      [
        "job",
        "fit and influence, ms",
        "sandwich, ms",
        "bias, ms",
        "ends, ms",
        "sandwich / before",
        "goal",
        "all, ms",
        "goal",
        "bootstrap, fits",
        "goal",
      ],
      rows,
    ),
    ...causeOf(
      "intervals",
      intervals.some(
        ({ task, total, multiple }) => multiple.median > GOALS.sandwich || (task.goal ?? Infinity) < total.median,
      ),
    ),
    ...causeOf(
      "bootstrap",
      intervals.some(({ bootstrap }) => bootstrap !== null && bootstrap.median > GOALS.bootstrap),
    ),
  ];
}

function memorySection(memory: readonly PeakMemory[]): string[] {
  const rows = memory.map(({ task, backend, data, peak }) => [
    task.name,
    backend,
    megabytes(data),
    megabytes(peak),
    megabytes(peak - data),
    verdict(peak - data, GOALS.memory, megabytes),
  ]);
  return [
    "## Peak memory",
    "The largest resident set of a process that reads the data into one array and does the job above once; Node itself is part of it.",
    table(["job", "back end", "data, MB", "peak, MB", "beyond the data, MB", "goal"], rows),
  ];
}

function kernelSection(kernels: readonly KernelSpeed[], threads: number): string[] {
  const goalOf = (kernel: string): number => PORTABLE_KERNELS.find(([start]) => kernel.startsWith(start))?.[1] ?? 0;
  const rows = kernels.map(({ name, native, nativeOneThread, portable }) => [
    name,
    ...(threads > 1 ? [spread(native)] : []),
    spread(nativeOneThread),
    spread(portable),
    atLeast(portable.median, goalOf(name)),
  ]);
  const withThreads = threads > 1 ? [`native, ${threads} threads`] : [];
  return [
    "## Kernels",
    "GFLOP/s through the library's own interface, argument checks and copies included.",
    table(["kernel", ...withThreads, "native, 1 thread", "portable", "goal, portable"], rows),
    ...causeOf(
      "kernels",
      kernels.some(({ name, portable }) => portable.median < goalOf(name)),
    ),
  ];
}

const causeOf = (miss: keyof typeof CAUSES, missed: boolean): string[] => (missed ? [CAUSES[miss]] : []);

function missing(comparisons: readonly Comparison[], backend: "native" | "portable"): boolean {
  return comparisons.some(({ contestants }) =>
    contestants.some(({ name, ratio }) => name === backend && ratio !== null && ratio.median > GOALS[backend]),
  );
}

function ratioVerdict({ name, ratio }: Contestant): string {
  return ratio && (name === "native" || name === "portable") ? verdict(ratio.median, GOALS[name]) : "";
}

const megabytes = (bytes: number): string => (bytes / MEGABYTE).toFixed(0);

function stageList({ stages }: Contestant): string {
  const names = Object.keys(stages);
  return names.length < 2 ? "" : names.map((name) => `${name} ${short(1000 * stages[name])}`).join(", ");
}
