import { type ChildProcess, fork } from "node:child_process";
import { EventEmitter } from "node:events";
import { mkdirSync } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { usageError } from "../errors.js";
import { PROGRESS_VARIABLE, type ProgressMessage } from "../progress.js";
import { LIMITS } from "./limits.js";
import { watchMemory } from "./memory-watch.js";
import type { TablePlace } from "./tables.js";

export type JobState = "waiting" | "running" | "done" | "failed" | "cancelled";

/** What the page knows of a piece of work. */
export interface JobStatus {
  readonly id: string;
  readonly command: string;
  readonly state: JobState;
  readonly progress: ProgressMessage | null;
  /** One sentence, where it failed. */
  readonly error: string | null;
  readonly seconds: number;
}

interface Job {
  readonly id: string;
  readonly command: string;
  readonly words: readonly string[];
  /** Where the table lies, and where results go. */
  readonly cwd: string;
  readonly folder: string;
  state: JobState;
  progress: ProgressMessage | null;
  error: string | null;
  started: number | null;
  ended: number | null;
  child: ChildProcess | null;
}

const launcher = fileURLToPath(new URL("../../bin/aif.js", import.meta.url));
/** After Ctrl-C, a process that does not end by itself. */
const PATIENCE_MS = 3000;

/**
 * Work by request: the command line itself, one process each, so that nothing that happens there stops the server, every
 * option means what it means in a terminal, and a result can be made again by typing the same words.
 */
export class Jobs extends EventEmitter<{ change: [JobStatus] }> {
  private readonly jobs = new Map<string, Job>();
  private made = 0;

  constructor(private readonly folder: string) {
    super();
    this.setMaxListeners(0);
  }

  /** @throws usage: too much is waiting. */
  start(command: string, { folder: cwd, file }: TablePlace, words: readonly string[]): JobStatus {
    const waiting = [...this.jobs.values()].filter(({ state }) => state === "waiting").length;
    if (waiting >= LIMITS.waiting) {
      throw usageError(`${LIMITS.waiting} analyses are waiting already: let some finish, or cancel them.`);
    }
    const id = `j${++this.made}`;
    const folder = join(this.folder, id);
    // At once: whatever is waited for here lets in others that count the same free places.
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const files = ["--format=json", `--out=${join(folder, "result.json")}`, `--report=${join(folder, "report.html")}`];
    const job: Job = {
      id,
      command,
      words: [command, file, ...words, ...files],
      cwd,
      folder,
      state: "waiting",
      progress: null,
      error: null,
      started: null,
      ended: null,
      child: null,
    };
    this.jobs.set(id, job);
    this.forgetOld();
    this.next();
    return statusOf(job);
  }

  status(id: string): JobStatus {
    return statusOf(this.find(id));
  }

  list(): JobStatus[] {
    return [...this.jobs.values()].map(statusOf);
  }

  cancel(id: string): void {
    const job = this.find(id);
    if (job.state === "waiting") this.end(job, "cancelled", null);
    if (job.state !== "running" || job.child === null) return;
    const { child } = job;
    job.state = "cancelled";
    child.kill("SIGINT");
    setTimeout(() => child.exitCode === null && child.kill("SIGKILL"), PATIENCE_MS).unref();
  }

  /** A file that the work has left. @throws usage: it has not. */
  async fileOf(id: string, file: "result.json" | "report.html"): Promise<string> {
    const job = this.find(id);
    const path = join(job.folder, file);
    if (job.state === "done" && (await stat(path).catch(() => null))) return path;
    throw usageError("There is no result: the work is not done.");
  }

  /** Ends everything. */
  async close(): Promise<void> {
    for (const { child } of this.jobs.values()) child?.kill("SIGKILL");
    this.jobs.clear();
    await rm(this.folder, { recursive: true, force: true });
  }

  private find(id: string): Job {
    const job = this.jobs.get(id);
    if (!job) throw usageError("This analysis is not here any more: run it again.");
    return job;
  }

  private next(): void {
    const all = [...this.jobs.values()];
    const free = LIMITS.running - all.filter(({ child }) => child !== null).length;
    for (const job of all.filter(({ state }) => state === "waiting").slice(0, Math.max(0, free))) this.run(job);
  }

  private run(job: Job): void {
    const child = fork(launcher, job.words, {
      cwd: job.cwd,
      execArgv: [`--max-old-space-size=${LIMITS.memoryMegabytes}`],
      env: { ...process.env, [PROGRESS_VARIABLE]: "1", NO_COLOR: "1" },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    Object.assign(job, { child, state: "running", started: performance.now() });
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-4000);
    });
    watchMemory(child, LIMITS.memoryMegabytes * 2 ** 20, () => {
      said = `aif: ${TOO_MUCH_MEMORY}`;
    });
    child.on("message", (message: ProgressMessage) => {
      job.progress = message;
      this.tell(job);
    });
    child.on("error", (error) => {
      said ||= error.message;
    });
    child.on("close", (code, signal) => {
      job.child = null;
      const cancelled = job.state === "cancelled";
      if (cancelled) this.end(job, "cancelled", null);
      else if (code === 0) this.end(job, "done", null);
      else this.end(job, "failed", sentenceOf(said, signal));
    });
    this.tell(job);
  }

  private end(job: Job, state: JobState, error: string | null): void {
    Object.assign(job, { state, error, ended: performance.now() });
    this.tell(job);
    this.next();
  }

  private tell(job: Job): void {
    this.emit("change", statusOf(job));
  }

  private forgetOld(): void {
    const over = [...this.jobs.values()].filter(({ child, state }) => child === null && state !== "waiting");
    for (const job of over.slice(0, Math.max(0, this.jobs.size - LIMITS.kept))) {
      this.jobs.delete(job.id);
      void rm(job.folder, { recursive: true, force: true });
    }
  }
}

const statusOf = ({ id, command, state, progress, error, started, ended }: Job): JobStatus => ({
  id,
  command,
  state,
  progress,
  error,
  seconds: started === null ? 0 : ((ended ?? performance.now()) - started) / 1000,
});

const TOO_MUCH_MEMORY = `The analysis needed more than ${LIMITS.memoryMegabytes / 1024} GB of memory: use fewer rows or features, or the terminal.`;

/** What the program said last, or what became of it. */
function sentenceOf(said: string, signal: NodeJS.Signals | null): string {
  const line = said
    .split("\n")
    .findLast((text) => text.startsWith("aif: "))
    ?.slice("aif: ".length);
  if (line === undefined) {
    return /heap out of memory/.test(said)
      ? TOO_MUCH_MEMORY
      : `The analysis was ended from outside${signal === null ? "" : ` (${signal})`}; the page goes on: run it again.`;
  }
  return line;
}
