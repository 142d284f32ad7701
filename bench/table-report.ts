/** The table at the head of the page, and what belongs to it. */
import { type Comparison, type Contestant, isOurs } from "./against-numpy.js";
import { COMPILED } from "./cases.js";
import { CAUSES } from "./causes.js";
import type { Growth } from "./growth.js";
import { table } from "./markdown.js";
import type { Rate, Scaling } from "./rates.js";
import { atLeast, milliseconds, short, spread, verdict } from "./report-words.js";

export interface TableFindings {
  readonly comparisons: readonly Comparison[];
  readonly rates: readonly Rate[];
  readonly scaling: Scaling | null;
  readonly growth: readonly Growth[];
}

const GOALS = { plain: 1, portable: 4, scaling: 0.85, growth: 0.1 } as const;

const time = ({ median, low, high }: Contestant["seconds"]): string =>
  median >= 1 ? `${spread({ median, low, high })} s` : `${milliseconds({ median, low, high })} ms`;

const megabytes = (bytes: number | null): string => (bytes === null ? "" : (bytes / 1e6).toFixed(0));

export function tableSections({ comparisons, rates, scaling, growth }: TableFindings, threads: number): string[] {
  return [
    ...(comparisons.length > 0 ? workSection(comparisons, threads) : []),
    ...(rates.length > 0 ? rateSection(rates, threads) : []),
    ...(scaling ? scalingSection(scaling) : []),
    ...(growth.length > 0 ? growthSection(growth) : []),
  ];
}

function workSection(comparisons: readonly Comparison[], threads: number): string[] {
  const rows: string[][] = [];
  const missed: string[] = [];
  const lacking = new Set<string>();
  for (const { task, contestants } of comparisons) {
    const native = contestants.find(({ name }) => name === "native");
    const portable = contestants.find(({ name }) => name === "portable");
    if (!native || !portable) continue;
    const peers = contestants.filter(({ name }) => !isOurs(name));
    for (const peer of task.peers ?? ["NumPy"]) if (!peers.some(({ name }) => name === peer)) lacking.add(peer);
    const goal = task.ratioGoal ?? GOALS.plain;
    const slower = portable.seconds.median / native.seconds.median;
    const ours = [time(native.seconds), time(portable.seconds), verdict(slower, GOALS.portable, short)];
    if (native.ratio && native.ratio.median > goal) missed.push(`${task.name} (${short(native.ratio.median)})`);
    if (slower > GOALS.portable) missed.push(`portable on ${task.name} (${short(slower)} times native)`);
    const memory = [native.peak, ...peers.map(({ peak }) => peak)].map(megabytes).filter((text) => text !== "");
    if (peers.length === 0)
      rows.push([task.name, ...ours.slice(0, 2), short(slower), "none", "", "", "", "", memory.join(" / ")]);
    peers.forEach((peer, k) => {
      const ratio = k === 0 && native.ratio ? spread(native.ratio) : short(native.seconds.median / peer.seconds.median);
      const residual = peer.residual === null ? "" : `, residual ${peer.residual.toExponential(0)}`;
      const judged = k === 0 && native.ratio ? verdict(native.ratio.median, goal) : "";
      rows.push([
        k === 0 ? task.name : "",
        ...(k === 0 ? [ours[0], ours[1], short(slower)] : ["", "", ""]),
        `${peer.name}${residual}`,
        time(peer.seconds),
        ratio,
        judged,
        native.cpu && peer.cpu ? short(native.cpu / peer.cpu) : "",
        k === 0 ? memory.join(" / ") : "",
      ]);
    });
  }
  return [
    "## The same work by us and by others",
    `All in one run, in turns, each in a warm process of its own (what takes a few milliseconds was done ${COMPILED} times before it counts), with ${threads} threads; every side's numbers agree to 1e-8 (but for LiSSA's, whose residual stands beside it). A ratio below 1 is in our favour. Goals: at most 1 time the best other version, 0.5 times where the model's structure can be used; portable at most 4 times native. Processor time: that of all threads, native / other, which other work on the machine disturbs less. Memory: the most that a process had, data and runtime included, ours / theirs.`,
    ...(lacking.size > 0 ? [`Skipped, since it is not installed here: ${[...lacking].join(", ")}.`] : []),
    table(
      [
        "work",
        "native",
        "portable",
        "portable / native",
        "other",
        "its time",
        "native / other",
        "goal",
        "processor time",
        "memory, MB",
      ],
      rows,
    ),
    missed.length === 0 ? "Every goal of this table is met." : `Missed: ${missed.join("; ")}. ${CAUSES.table}`,
  ];
}

function rateSection(rates: readonly Rate[], threads: number): string[] {
  const rows = rates.map(({ task, backend, rate, product, share, goal }) => [
    task.name,
    backend,
    spread(rate),
    spread(product),
    spread(share),
    goal === null ? "" : atLeast(share.median, goal),
  ]);
  return [
    "## Share of the machine's own matrix product",
    `One pass over the rows for loss, gradient and Hessian (\`fitAt\`), counting n·m², as a share of a product of two 1000×1000 matrices by the same back end in the same process, ${threads} threads, in GFLOP/s.`,
    table(["pass", "back end", "its rate", "product", "share", "goal"], rows),
    ...(rates.some(({ share, goal }) => goal !== null && share.median < goal) ? [CAUSES.rates] : []),
  ];
}

/** Where two processes are hardly faster than one, other work holds the processors, and nothing is learned. */
const FREE_PROCESSORS = 1.5;

const scalingVerdict = (processes: number, share: number): string =>
  processes < FREE_PROCESSORS ? "not judged: no second processor was free" : atLeast(share, GOALS.scaling);

function scalingSection({ threads, processes, share }: Scaling): string[] {
  return [
    "## Threads of the portable back end",
    "Symmetric products of 10,000×200 numbers: two threads of one process against one, and two processes of one thread against one, in turns, started five times. What memory and other work take from two processors falls on both.",
    table(
      ["two threads", "two processes", "share reached", "goal"],
      [[spread(threads), spread(processes), spread(share), scalingVerdict(processes.median, share.median)]],
    ),
    ...(share.median < GOALS.scaling && processes.median >= FREE_PROCESSORS ? [CAUSES.scaling] : []),
  ];
}

function growthSection(growth: readonly Growth[]): string[] {
  const byRows = growth.filter(({ task }) => task.columns === 50);
  const perRow = ({ task, seconds }: Growth): number => (1e9 * seconds.median) / task.rows;
  const first = byRows[0] && perRow(byRows[0]);
  const rows = growth.map((one) => [
    one.task.name,
    time(one.seconds),
    short(perRow(one)),
    one.task.columns === 50 && first ? `${((100 * perRow(one)) / first - 100).toFixed(0)} %` : "",
    megabytes(one.peak),
  ]);
  const worst = Math.max(...byRows.map((one) => perRow(one) / (first ?? 1) - 1), 0);
  return [
    "## Growth",
    `Fit, AIF and in-sample sensitivity of a linear model in memory, native. Goal: no more time a row at a million rows than at 100,000, to within 10 %: ${worst <= GOALS.growth ? "met" : "missed"}.`,
    table(["size", "time", "ns a row", "more than the first", "memory, MB"], rows),
  ];
}
