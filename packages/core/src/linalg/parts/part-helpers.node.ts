/** Threads beside the first one that take parts of jobs; rows are read where they lie. */
import { Worker } from "node:worker_threads";
import { numericalError } from "../../errors.js";
import type { BegunParts } from "../blas.js";
import type { Koffi } from "../native-kernels.node.js";
import { type KeepAway, placement } from "../placement.node.js";
import { type PartsJob, withAddresses } from "./jobs.js";

/** What a thread is given at its start. */
export interface HelperStart {
  /** The file that BLAS was loaded from. */
  readonly library: string;
  /** A number that every call changes: threads sleep on it. */
  readonly calls: Int32Array;
  /** Where threads write their numbers in the system, and which place is this one's. */
  readonly threads: Int32Array;
  readonly at: number;
  /** At each thread's place 1 while it starts or takes parts, and behind them 1 once no more are to be taken. */
  readonly busy: Int32Array;
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

/** How long the process may be kept from ending, in milliseconds: threads start in less, and a part takes less. */
const MOST_WAIT = 2000;

/** Multiply-adds of jobs before threads are started: programs that are done sooner need none. */
const WORK_BEFORE_THREADS = 1e8;

export class PartHelpers {
  private readonly calls = new Int32Array(new SharedArrayBuffer(4));
  private readonly threads: Int32Array;
  private readonly busy: Int32Array;
  private readonly keepAway: KeepAway | null;
  private readonly settle = (): void => this.settled();
  private workers: Worker[] | null = null;

  /**
   * @param others how many threads beside this one @param library the file that BLAS was loaded from
   * @param program the module that a thread runs @param workBefore multiply-adds of jobs that this thread does alone
   */
  constructor(
    private readonly others: number,
    private readonly library: string,
    private readonly koffi: Koffi,
    private readonly program = new URL("./part-helper.node.js", import.meta.url),
    private workBefore = WORK_BEFORE_THREADS,
  ) {
    this.threads = new Int32Array(new SharedArrayBuffer(4 * others));
    this.busy = new Int32Array(new SharedArrayBuffer(4 * (others + 1)));
    this.keepAway = placement(koffi);
  }

  /** Begins a job beside this thread. Parts of a thread that has not started yet are done by the others. */
  share(job: PartsJob<Float64Array>, own: (part: number) => void): Begun {
    const turns = new Int32Array(new SharedArrayBuffer(12));
    this.workBefore -= job.work;
    if (this.workBefore <= 0) this.tell({ job: withAddresses(job, this.koffi.address), turns });
    return new Begun(job, own, turns);
  }

  private tell(told: SharedJob): void {
    this.workers ??= this.startAll();
    this.keepAway?.(this.threads);
    // oxlint-disable-next-line require-post-message-target-origin -- threads, not windows
    for (const worker of this.workers) worker.postMessage(told);
    Atomics.add(this.calls, 0, 1);
    Atomics.notify(this.calls, 0);
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    const { workers } = this;
    this.workers = null;
    process.off("exit", this.settle);
    if (workers) this.settled();
    await Promise.all((workers ?? []).map((worker) => worker.terminate()));
  }

  /** Waits until no thread is at work: koffi ends the process with a stack trace where one is stopped while it starts or is called. */
  private settled(): void {
    const { busy, others } = this;
    Atomics.store(busy, others, 1);
    const until = performance.now() + MOST_WAIT;
    for (let at = 0; at < others; at++) Atomics.wait(busy, at, 1, Math.max(0, until - performance.now()));
  }

  private startAll(): Worker[] {
    this.busy.fill(1, 0, this.others);
    Atomics.store(this.busy, this.others, 0);
    process.once("exit", this.settle);
    return Array.from({ length: this.others }, (_, at) => this.start(at));
  }

  private start(at: number): Worker {
    const { library, calls, threads, busy } = this;
    const worker = new Worker(this.program, {
      workerData: { library, calls, threads, at, busy } satisfies HelperStart,
      execArgv: [], // loaders of the program are none of its business
      name: "parts",
    });
    worker.on("error", () => {}); // one that cannot start takes no part, and nobody waits for it
    worker.on("exit", () => Atomics.store(busy, at, 0));
    worker.unref();
    return worker;
  }
}

/** A job that has begun, and the numbers that it needs until it has ended. */
class Begun implements BegunParts {
  private failure: { readonly error: unknown } | null = null;

  constructor(
    private readonly job: PartsJob<Float64Array>,
    private readonly own: (part: number) => void,
    private readonly turns: Int32Array,
  ) {}

  help(): void {
    const { turns, job } = this;
    for (let part = Atomics.add(turns, NEXT, 1); part < job.parts; part = Atomics.add(turns, NEXT, 1)) {
      try {
        this.own(part);
      } catch (error) {
        this.failure ??= { error }; // the rows must stay where they are until no other thread reads them
      }
      Atomics.add(turns, DONE, 1);
    }
  }

  end(): void {
    this.help();
    const { turns, job, failure } = this;
    for (let looks = 0; looks < LOOKS && Atomics.load(turns, DONE) < job.parts; looks++);
    for (let done = Atomics.load(turns, DONE); done < job.parts; done = Atomics.load(turns, DONE))
      Atomics.wait(turns, DONE, done);
    if (failure) throw failure.error;
    if (Atomics.load(turns, FAILED) !== 0)
      throw numericalError("A thread beside the first one has failed: run with AIF_THREADS=1.");
  }
}
