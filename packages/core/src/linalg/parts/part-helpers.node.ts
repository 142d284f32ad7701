/** Threads beside the first one that take parts of jobs; rows are read where they lie. */
import { Worker } from "node:worker_threads";
import { numericalError } from "../../errors.js";
import { type PartsJob, withAddresses } from "./jobs.js";

/** What a thread is given at its start. */
export interface HelperStart {
  /** The file that BLAS was loaded from. */
  readonly library: string;
  /** A number that every call changes: threads sleep on it. */
  readonly calls: Int32Array;
}

/** A job as threads are told of it: x are addresses, all else lies in shared memory. */
export interface SharedJob {
  readonly job: PartsJob<bigint>;
  /** The next part, how many are done, and whether one has failed. */
  readonly turns: Int32Array;
}

export const NEXT = 0;
export const DONE = 1;
export const FAILED = 2;
/** How often the first thread looks before it sleeps: some 50 µs, about what waking takes. */
const LOOKS = 5000;

/** Multiply-adds of jobs before threads are started: programs that are done sooner need none. */
const WORK_BEFORE_THREADS = 1e8;

export class PartHelpers {
  private readonly calls = new Int32Array(new SharedArrayBuffer(4));
  private workers: Worker[] | null = null;

  /**
   * @param others how many threads beside this one @param library the file that BLAS was loaded from
   * @param addressOf of numbers that stay where they are @param program the module that a thread runs
   * @param workBefore multiply-adds of jobs that this thread does alone
   */
  constructor(
    private readonly others: number,
    private readonly library: string,
    private readonly addressOf: (numbers: Float64Array) => bigint,
    private readonly program = new URL("./part-helper.node.js", import.meta.url),
    private workBefore = WORK_BEFORE_THREADS,
  ) {}

  /** Does all parts, here and beside: those of a thread that has not started yet are done by the others. @throws what `own` does */
  share(job: PartsJob<Float64Array>, own: (part: number) => void): void {
    const { parts } = job;
    this.workBefore -= job.work;
    if (this.workBefore > 0) {
      for (let part = 0; part < parts; part++) own(part);
      return;
    }
    this.workers ??= Array.from({ length: this.others }, () => this.start());
    const turns = new Int32Array(new SharedArrayBuffer(12));
    const told: SharedJob = { job: withAddresses(job, this.addressOf), turns };
    // oxlint-disable-next-line require-post-message-target-origin -- threads, not windows
    for (const worker of this.workers) worker.postMessage(told);
    Atomics.add(this.calls, 0, 1);
    Atomics.notify(this.calls, 0);
    let failure: { readonly error: unknown } | null = null;
    for (let part = Atomics.add(turns, NEXT, 1); part < parts; part = Atomics.add(turns, NEXT, 1)) {
      try {
        own(part);
      } catch (error) {
        failure ??= { error }; // the rows must stay where they are until no other thread reads them
      }
      Atomics.add(turns, DONE, 1);
    }
    for (let looks = 0; looks < LOOKS && Atomics.load(turns, DONE) < parts; looks++);
    for (let done = Atomics.load(turns, DONE); done < parts; done = Atomics.load(turns, DONE))
      Atomics.wait(turns, DONE, done);
    if (failure) throw failure.error;
    if (Atomics.load(turns, FAILED) !== 0)
      throw numericalError("A thread beside the first one has failed: run with AIF_THREADS=1.");
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    const { workers } = this;
    this.workers = null;
    await Promise.all((workers ?? []).map((worker) => worker.terminate()));
  }

  private start(): Worker {
    const worker = new Worker(this.program, {
      workerData: { library: this.library, calls: this.calls } satisfies HelperStart,
      execArgv: [], // loaders of the program are none of its business
      name: "parts",
    });
    worker.on("error", () => {}); // one that cannot start takes no part, and nobody waits for it
    worker.unref();
    return worker;
  }
}
