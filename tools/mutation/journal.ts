/** What the process that runs the tests writes down as it goes, one JSON text a line, so that nothing is lost when it hangs. */
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** One run of a test file. */
export interface Run {
  readonly file: string;
  /** The error that is there from the start; null: none, and each test is run again for every error that it meets. */
  readonly active: string | null;
  /** Only tests that take so many milliseconds at most are run again; null: all. */
  readonly most: number | null;
}

export type Entry =
  | ({ readonly kind: "begin"; readonly digest: string } & Run)
  | { readonly kind: "test"; readonly file: string; readonly test: string; readonly ms: number; readonly met: number }
  | { readonly kind: "try"; readonly file: string; readonly test: string; readonly id: string; readonly ms: number }
  | { readonly kind: "killed"; readonly file: string; readonly test: string; readonly id: string }
  /** A test fails on the sources as they are, so that its file says nothing about an error. */
  | { readonly kind: "fails"; readonly file: string; readonly test: string }
  /** These errors are met outside the tests of a file, or where a test cannot be run again: only a fresh start tells. */
  | { readonly kind: "fresh"; readonly file: string; readonly ids: readonly string[] }
  /** A test took longer than it may, and was not run for the errors that it met. */
  | { readonly kind: "waits"; readonly file: string; readonly test: string }
  | ({ readonly kind: "end"; readonly digest: string; readonly ms: number } & Run);

/** Files in the folder that the two processes share. */
export class Journal {
  constructor(readonly folder: string) {}

  private get path(): string {
    return join(this.folder, "journal.jsonl");
  }

  get sources(): Record<string, string> {
    return JSON.parse(readFileSync(join(this.folder, "sources.json"), "utf8"));
  }

  set sources(sources: Record<string, string>) {
    writeFileSync(join(this.folder, "sources.json"), JSON.stringify(sources));
  }

  get running(): Run {
    return JSON.parse(readFileSync(join(this.folder, "running.json"), "utf8"));
  }

  set running(run: Run) {
    writeFileSync(join(this.folder, "running.json"), JSON.stringify(run));
  }

  write(entry: Entry): void {
    appendFileSync(this.path, `${JSON.stringify(entry)}\n`);
  }

  read(): Entry[] {
    if (!existsSync(this.path)) return [];
    return readFileSync(this.path, "utf8")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  }
}

/** The errors that were killed, by which test. */
export const killedIn = (entries: readonly Entry[]): Map<string, Extract<Entry, { kind: "killed" }>> =>
  new Map(entries.flatMap((entry) => (entry.kind === "killed" ? [[entry.id, entry] as const] : [])));

/** The errors that the tests of a file were already run for, as the file now is. */
export function triedIn(entries: readonly Entry[], file: string, digest: string): Set<string> {
  const tried = new Set<string>();
  let same = false;
  for (const entry of entries) {
    if (entry.kind === "begin" && entry.file === file) same = entry.digest === digest;
    if (entry.kind === "try" && entry.file === file && same) tried.add(tryName(entry));
  }
  return tried;
}

export const tryName = ({ test, id }: { readonly test: string; readonly id: string }): string => `${id} ${test}`;

/** The files that failed on the sources as they are when they were last run. */
export function failingIn(entries: readonly Entry[]): Set<string> {
  const failing = new Set<string>();
  for (const entry of entries) {
    if (entry.kind === "begin") failing.delete(entry.file);
    if (entry.kind === "fails") failing.add(entry.file);
  }
  return failing;
}

/** An error that so many tests have met without noticing is asked about in short tests only. */
export const MOST_TRIES = 150;

/** How many tests each error was tried on. */
export function triesIn(entries: readonly Entry[]): Map<string, number> {
  const tries = new Map<string, number>();
  for (const entry of entries) if (entry.kind === "try") tries.set(entry.id, (tries.get(entry.id) ?? 0) + 1);
  return tries;
}

/** Of a text, to see whether it is another. */
export const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);
