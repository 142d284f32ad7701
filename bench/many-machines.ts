/**
 * npx tsx bench/many-machines.ts [--rows N] [--write]: what ranks cost. Rounds of sums over Open MPI and an analysis of streamed
 * rows are measured here; from their rates follows on paper what up to 1,000 ranks take for 10⁹ rows. --write puts the section into
 * docs/many-machines.md. Needs mpirun and a build.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { StudyResult } from "@aif/core";
import { machineLines } from "./machine.js";
import { table } from "./markdown.js";
import { withSections } from "./sections.js";
import { type Spread, spreadOf } from "./statistics.js";

const { values } = parseArgs({ options: { write: { type: "boolean", default: false }, rows: { type: "string" } } });
const ROWS = Number(values.rows ?? 400_000);
const COLUMNS = 50;
const PARTS = 4;
const COUNTS = [1000, 1_000_000] as const;

const environment = {
  ...process.env,
  OMPI_ALLOW_RUN_AS_ROOT: "1",
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
  AIF_THREADS: "1",
};

function run(program: string, words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, words, {
    env: environment,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`${program} ${words.join(" ")} failed: ${stderr}`);
  return stdout;
}

const mpirun = (ranks: number, words: readonly string[]): string =>
  run("mpirun", ["--oversubscribe", "--bind-to", "none", "-n", String(ranks), process.execPath, ...words]);

interface Round extends Spread {
  readonly least: number;
}

/** Milliseconds of rounds, by how many numbers are added. */
function timeRounds(ranks: number): Round[] {
  const taken = JSON.parse(mpirun(ranks, ["bench/ranks.mjs"])) as Record<string, number[]>;
  return COUNTS.map((count) => ({ ...spreadOf(taken[count]), least: Math.min(...taken[count]) }));
}

/** Rows of normal numbers in a few CSV files. */
function writeParts(folder: string): void {
  let state = 1;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  const names = Array.from({ length: COLUMNS }, (_, j) => `x${j + 1}`);
  for (let part = 0; part < PARTS; part++) {
    const lines = [[...names, "y"].join(",")];
    for (let i = 0; i < ROWS / PARTS; i++) {
      const x = names.map(() => uniform() + uniform() + uniform() + uniform() - 2);
      const y = x.reduce((sum, value, j) => sum + value / (j + 1), uniform() - 0.5);
      lines.push([...x, y].map((value) => value.toFixed(5)).join(","));
    }
    writeFileSync(join(folder, `part-${part}.csv`), `${lines.join("\n")}\n`);
  }
}

/** Of one rank with one thread, in seconds of its processor, so that other work on the machine does not count. */
interface Analysis {
  readonly read: number;
  readonly passes: number;
  /** All passes together. */
  readonly working: number;
}

function timeAnalysis(folder: string): Analysis {
  const result = join(folder, "result.json");
  const words = ["analyze", join(folder, "part-*.csv"), "--target", "y", "--out", result, "--quiet"];
  const command = [process.execPath, "packages/cli/bin/aif.js", ...words, "--cache", join(folder, "cache")];
  const { status, stderr } = spawnSync("bash", ["-c", 'TIMEFORMAT="%U %S"; time "$@"', "bash", ...command], {
    env: environment,
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`aif failed: ${stderr}`);
  const spent = stderr
    .trim()
    .split(" ")
    .reduce((sum, text) => sum + Number(text), 0);
  const { timings } = JSON.parse(readFileSync(result, "utf8")) as StudyResult;
  const { read, total, passes } = timings as typeof timings & { passes: number };
  return { read: (spent * read) / total, passes, working: spent * (1 - read / total) };
}

/** What is taken for granted of a cluster. */
const ASSUMED = {
  rows: 1e9,
  /** Of a message between two machines, each way. */
  latency: 5e-6,
  /** Bytes a second into one machine: 25 Gbit/s, of which 80 % arrive. */
  bandwidth: 2.5e9,
  /** Numbers that a pass adds up: H of ten folds, d = 51. */
  numbers: 10 * 51 ** 2,
  /** Until all ranks run: a second, and so much for each of them. */
  start: 0.005,
} as const;

/** Seconds of the whole analysis on paper, and those of its sums. */
function onPaper(ranks: number, [short, long]: readonly Spread[]): { total: number; sums: number } {
  const { rows, latency, bandwidth, numbers, start } = ASSUMED;
  const levels = Math.ceil(Math.log2(ranks));
  // A level of the tree takes the round that two ranks were measured with, and the network up and down.
  const level = short.median / 1e3 + (long.median / 1e3) * (numbers / 1e6) + 2 * (latency + (8 * numbers) / bandwidth);
  const sums = one.passes * levels * level;
  const work = ((one.read + one.working) / ROWS) * (rows / ranks);
  return { total: work + sums + 1 + start * ranks, sums };
}

const ms = ({ least, median, low, high }: Round): string =>
  `${[least, median].map(brief).join(", ")} (${[low, high].map(brief).join(" to ")})`;
const brief = (value: number): string => (value < 10 ? value.toPrecision(2) : value.toFixed(0));
const seconds = (value: number): string =>
  value < 100 ? value.toPrecision(3) : Math.round(value).toLocaleString("en-US");

const rounds = [2].map((ranks) => ({ ranks, spreads: timeRounds(ranks) }));
const folder = mkdtempSync(join(tmpdir(), "aif-ranks-"));
let one: Analysis;
try {
  writeParts(folder);
  one = timeAnalysis(folder);
} finally {
  rmSync(folder, { recursive: true });
}
const [{ spreads }] = rounds;
const alone = onPaper(1, spreads).total;
const curve = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].map((ranks) => {
  const { total, sums } = onPaper(ranks, spreads);
  const speedUp = alone / total;
  return [
    String(ranks),
    seconds(total),
    speedUp.toFixed(1),
    `${((100 * speedUp) / ranks).toFixed(0)} %`,
    seconds(sums),
  ];
});
const thousand = (value: number): string => Math.round(value / 1000).toLocaleString("en-US");
const section = [
  "## What it costs",
  "A round of sums on one machine, in milliseconds (the least, the median and the quartiles of many):",
  table(
    ["ranks", "1,000 numbers", "1,000,000 numbers"],
    rounds.map(({ ranks, spreads: found }) => [String(ranks), ...found.map(ms)]),
  ),
  `A linear regression on ${ROWS.toLocaleString("en-US")} rows of ${COLUMNS} columns in ${PARTS} CSV files, ten folds, in ${one.passes} passes over the rows: one processor reads ${thousand(ROWS / one.read)} thousand rows a second, and each pass takes ${thousand((ROWS * one.passes) / one.working)} thousand rows a second.`,
  `On paper, the same analysis of ${ASSUMED.rows.toLocaleString("en-US")} rows:`,
  table(["ranks", "seconds", "speed-up", "of the ideal", "of it sums, s"], curve),
  [
    "What this takes for granted:",
    "",
    "- every rank has a processor of its own, as fast as the one measured, and an even share of the rows; the slowest rank is waited for in every round;",
    `- reading keeps up: all ranks together ask the shared folder for ${((onPaperBytes() * 1000) / 1e9).toFixed(0)} GB/s of CSV at 1,000 ranks, which few have (Parquet is smaller);`,
    `- ${ASSUMED.latency * 1e6} µs and ${ASSUMED.bandwidth / 1e9} GB/s between machines; sums go up a binary tree of ranks and down again, each level as long as the round of two ranks above, though pieces of long sums overlap;`,
    `- a pass adds ${ASSUMED.numbers.toLocaleString("en-US")} numbers (the Hessians of ten folds); starting takes a second and ${ASSUMED.start * 1e3} ms a rank.`,
  ].join("\n"),
  machineLines("npx tsx bench/many-machines.ts --write", ["Open MPI"]).join("\n"),
].join("\n\n");

/** Bytes of CSV that one rank reads in a second. */
function onPaperBytes(): number {
  const bytesPerRow = (COLUMNS + 1) * 9;
  return (bytesPerRow * ROWS) / one.read;
}

console.log(section);
if (values.write) {
  const page = "docs/many-machines.md";
  writeFileSync(page, withSections(readFileSync(page, "utf8"), `\n${section}`, null));
}
