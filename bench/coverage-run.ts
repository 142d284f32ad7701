/** Runs cells of the coverage study over processes, and keeps what is done, so that an interrupted run goes on. */
import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Cell } from "./coverage-cells.js";
import type { Population } from "./coverage-population.js";
import { add, emptyTally, type Tally } from "./coverage-tally.js";
import type { Answer, Job } from "./coverage-worker.js";

/** Repetitions that one message asks for. */
const STRETCH = 100;

export interface CellResult {
  readonly cell: Cell;
  readonly truth: Population | null;
  readonly tally: Tally;
}

interface Kept {
  truth?: Population | null;
  /** By first repetition; a stretch is always of the same length. */
  stretches: Record<string, Tally>;
}

/**
 * All repetitions of all cells, spread over `processes`. Sums are kept in a folder named for the source text of the library
 * and of this study: a later run with the same text repeats nothing, one with another text starts anew.
 */
export async function runCells(cells: readonly Cell[], repetitions: number, processes: number): Promise<CellResult[]> {
  const folder = join(tmpdir(), `aif-coverage-${fingerprint()}`);
  mkdirSync(folder, { recursive: true });
  const kept = new Map(cells.map((cell) => [cell.name, load(folder, cell)]));
  const keep = (cell: Cell): void => save(folder, cell, entry(kept, cell));
  const missing = cells.filter((cell) => entry(kept, cell).truth === undefined);
  const workers = await Promise.all(Array.from({ length: processes }, start));
  try {
    await spread(
      workers,
      missing.map((cell) => ({
        job: { kind: "truth", cell: cell.name } as const,
        done: (answer) => {
          if ("truth" in answer) entry(kept, cell).truth = answer.truth;
          keep(cell);
        },
      })),
      "truth",
    );
    const tasks = cells.flatMap((cell) => {
      const { truth = null, stretches } = entry(kept, cell);
      return firstRepetitions(cell, repetitions)
        .filter((from) => !(from in stretches))
        .map((from) => ({
          job: { kind: "repeat", cell: cell.name, from, to: from + STRETCH, truth } as const,
          done: (answer: Answer): void => {
            if ("tally" in answer) stretches[from] = answer.tally;
            keep(cell);
          },
        }));
    });
    await spread(workers, tasks, "stretches");
  } finally {
    for (const worker of workers) worker.kill();
  }
  return cells.map((cell) => {
    const { truth = null, stretches } = entry(kept, cell);
    const wanted = firstRepetitions(cell, repetitions).map((from) => stretches[from]);
    return { cell, truth, tally: wanted.reduce(add, emptyTally(wanted[0].covered.length)) };
  });
}

/** Where the stretches of a cell begin; at least one. */
function firstRepetitions({ share }: Cell, repetitions: number): number[] {
  return Array.from({ length: Math.max(1, Math.round((repetitions * share) / STRETCH)) }, (_, k) => k * STRETCH);
}

interface Task {
  readonly job: Job;
  readonly done: (answer: Answer) => void;
}

/** Each worker takes the next task when it is free. @throws where a worker fails or ends */
async function spread(workers: readonly ChildProcess[], tasks: readonly Task[], what: string): Promise<void> {
  let next = 0;
  let finished = 0;
  await Promise.all(
    workers.map(async (worker) => {
      while (next < tasks.length) {
        const { job, done } = tasks[next++];
        const answer = await ask(worker, job);
        if ("failure" in answer) throw new Error(answer.failure);
        done(answer);
        finished++;
        if (finished % 20 === 0 || finished === tasks.length)
          process.stderr.write(`${what}: ${finished} of ${tasks.length}\n`);
      }
    }),
  );
}

const ask = (worker: ChildProcess, job: Job): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error(`A process of the coverage study ended during ${job.cell}.`));
    worker.once("exit", ended);
    worker.once("message", (answer) => {
      worker.off("exit", ended);
      resolve(answer as Answer);
    });
    worker.send(job);
  });

async function start(): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL("coverage-worker.ts", import.meta.url)), [], {
    execArgv: ["--import", "tsx"],
    env: { ...process.env, AIF_THREADS: "1" },
  });
  await once(child, "message");
  return child;
}

function fingerprint(): string {
  const hash = createHash("sha256");
  const here = fileURLToPath(new URL(".", import.meta.url));
  const library = fileURLToPath(new URL("../packages/core/src/", import.meta.url));
  const files = [
    ...readdirSync(library, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join(library, name)),
    ...["designs", "intervals", "population", "repetition", "cells", "tally"].map((part) =>
      join(here, `coverage-${part}.ts`),
    ),
  ];
  for (const file of files.toSorted()) hash.update(readFileSync(file));
  return hash.digest("hex").slice(0, 12);
}

const fileOf = (folder: string, { name }: Cell): string => join(folder, `${encodeURIComponent(name)}.json`);

function load(folder: string, cell: Cell): Kept {
  const file = fileOf(folder, cell);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Kept) : { stretches: {} };
}

/** Written aside first, so that an interruption leaves no half file. */
function save(folder: string, cell: Cell, kept: Kept): void {
  const file = fileOf(folder, cell);
  writeFileSync(`${file}.new`, JSON.stringify(kept));
  renameSync(`${file}.new`, file);
}

function entry(kept: ReadonlyMap<string, Kept>, { name }: Cell): Kept {
  const found = kept.get(name);
  if (!found) throw new Error(`Nothing is kept of "${name}".`);
  return found;
}
