/** Judges many small errors at once: every test is run without them, and again for each error that it meets. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { digestOf, type Entry, failingIn, Journal, killedIn, MOST_TRIES, type Run, triesIn } from "./journal.js";
import { type SmallError, type Switched } from "./switches.js";
import { keepTimes } from "./tests.js";

export interface Judgement {
  readonly error: SmallError;
  /** The test file that noticed; null: none did. */
  readonly killedBy: string | null;
  /** No test met the error. */
  readonly met: boolean;
}

/** A test that takes longer than this, and than so many times its own time, does not end. */
const LEAST_WAIT = 45_000;
const TIMES_ITS_OWN = 20;
/** Tests that take longer are asked about what is left after all others. */
const QUICK_MILLISECONDS = 2_000;
/** Loading a file and its first run may take so long. */
const LONGEST_FILE = 600_000;

/**
 * @param root of the repository
 * @param tests files, in the order in which they are asked
 * @param say what is being done
 * @param folder for the journal: what is in it already is not done again
 */
export async function judgeAll(
  root: string,
  { sources, ids }: Switched,
  tests: readonly string[],
  say: (text: string) => void,
  folder: string,
): Promise<Judgement[]> {
  const journal = new Journal(folder);
  journal.sources = Object.fromEntries(sources);
  const alive = (): string[] => [...ids.keys()].filter((id) => !killedIn(journal.read()).has(id));
  const files = tests.map((test) => join(root, test));
  const all = (most: number | null): Run[] => files.map((file) => ({ file, active: null, most }));
  await runAll(root, journal, all(QUICK_MILLISECONDS), say);
  say(`${alive().length} of ${ids.size} left after the quick tests`);
  const waiting = new Set(journal.read().flatMap((entry) => (entry.kind === "waits" ? [entry.file] : [])));
  await runAll(
    root,
    journal,
    all(null).filter(({ file }) => waiting.has(file)),
    say,
  );
  const left = new Set(alive());
  say(`${left.size} of ${ids.size} left after the tests; those met elsewhere are tried from a fresh start`);
  const order = new Map(files.map((file, i) => [file, i]));
  const tries = triesIn(journal.read());
  for (const id of left) if ((tries.get(id) ?? 0) >= MOST_TRIES) left.delete(id);
  const failing = failingIn(journal.read());
  for (const file of failing) say(`${file} fails on the sources as they are`);
  const fresh = journal
    .read()
    .flatMap((entry) =>
      entry.kind === "fresh" ? entry.ids.map((id) => ({ file: entry.file, active: id, most: null })) : [],
    )
    .filter(({ file, active }) => left.has(active) && !failing.has(file))
    .toSorted((a, b) => (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0));
  await runAll(root, journal, fresh, say);
  const entries = journal.read();
  const times: Record<string, number> = {};
  for (const entry of entries) {
    if (entry.kind !== "test") continue;
    const file = entry.file.slice(root.length + 1);
    times[file] = (times[file] ?? 0) + entry.ms;
  }
  keepTimes(root, times);
  const killed = killedIn(entries);
  const met = new Set(
    entries.flatMap((entry) => (entry.kind === "try" ? [entry.id] : entry.kind === "fresh" ? entry.ids : [])),
  );
  return [...ids].map(([id, error]) => {
    const by = killed.get(id);
    return { error, met: met.has(id), killedBy: by ? by.file.slice(root.length + 1) : null };
  });
}

/** Runs in processes of their own until none is left: what hangs is ended, and what it hung on is killed. */
async function runAll(
  root: string,
  journal: Journal,
  runs: readonly Run[],
  say: (text: string) => void,
): Promise<void> {
  const done = new Set(
    journal.read().flatMap((entry) => (entry.kind === "end" ? [`${runName(entry)} ${entry.digest}`] : [])),
  );
  let left = runs.filter((run) => !done.has(`${runName(run)} ${digestOf(readFileSync(run.file, "utf8"))}`));
  while (left.length > 0) {
    const before = journal.read().length;
    const hung = await once(root, journal, left, say);
    const entries = journal.read().slice(before);
    const ended = new Set(entries.flatMap((entry) => (entry.kind === "end" ? [runName(entry)] : [])));
    const killed = killedIn(journal.read());
    if (!hung) return;
    const last = entries.at(-1);
    const begun = entries.findLast((entry) => entry.kind === "begin");
    if (last?.kind === "try") {
      journal.write({ kind: "killed", file: last.file, test: last.test, id: last.id });
    } else if (begun && begun.active !== null) {
      journal.write({ kind: "killed", file: begun.file, test: "", id: begun.active });
    } else if (begun) {
      say(`${begun.file} does not end, and is left out`);
      ended.add(runName(begun));
    } else throw new Error("The process that runs the tests does not start.");
    left = left.filter((run) => !ended.has(runName(run)) && !(run.active !== null && killed.has(run.active)));
  }
}

const runName = ({ file, active, most }: Run): string => `${active} ${most} ${file}`;

/** @returns true: it hung or broke off, and was ended. */
function once(root: string, journal: Journal, runs: readonly Run[], say: (text: string) => void): Promise<boolean> {
  return new Promise((done) => {
    const child = spawn(
      join(root, "node_modules/.bin/tsx"),
      [fileURLToPath(new URL("warm-process.ts", import.meta.url)), journal.folder, root],
      { cwd: root, stdio: ["pipe", "ignore", "inherit"], detached: true },
    );
    const end = (): void => {
      if (child.pid && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
    };
    process.on("exit", end);
    let seen = -1;
    let changed = Date.now();
    const watch = setInterval(() => {
      const entries = journal.read();
      if (entries.length !== seen) {
        for (const entry of entries.slice(Math.max(0, seen))) if (entry.kind === "end") say(described(entry, entries));
        seen = entries.length;
        changed = Date.now();
      }
      if (Date.now() - changed > patience(entries.at(-1))) end();
    }, 1_000);
    child.on("exit", (code) => {
      clearInterval(watch);
      process.off("exit", end);
      done(code !== 0);
    });
    child.stdin.end(JSON.stringify(runs));
  });
}

const patience = (last: Entry | undefined): number =>
  last?.kind === "try" ? Math.max(LEAST_WAIT, TIMES_ITS_OWN * last.ms) : LONGEST_FILE;

const described = ({ file, active, ms }: Extract<Entry, { kind: "end" }>, entries: readonly Entry[]): string =>
  `${active ?? "all"} ${file.split("/test/").at(-1)} ${(ms / 1000).toFixed(1)} s, ${killedIn(entries).size} killed`;
