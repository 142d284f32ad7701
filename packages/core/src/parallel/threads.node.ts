/**
 * Threads of this process as ranks: each does the same with the same data and takes its share of the tasks. All rounds meet in this
 * thread, which is rank 0 and works as they do.
 */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { AifError } from "../errors.js";
import { ensureBlas } from "../linalg/backend.js";
import { type Loading, LoadingThreads, loaded } from "./loading-threads.node.js";
import { type Contribution, calledOff, Meeting, type RoundResult, ranksBringing } from "./meeting.js";
import { errorText, type Ranks, readErrorText } from "./ranks.js";

/** What a thread says. */
type Said =
  | { readonly kind: "part"; readonly what: Contribution }
  /** As `errorText` writes it. */
  | { readonly kind: "failed"; readonly text: string };

/** What a thread is given at its start. */
interface Start {
  readonly rank: number;
  readonly size: number;
  readonly task: unknown;
  /** By rank. */
  readonly loading: Loading;
}

/** Threads at work, this one among them. */
export interface ThreadRanks {
  /** This thread, as rank 0. */
  readonly ranks: Ranks;
  /** Ends the others, wherever they are. */
  close(): Promise<void>;
}

/**
 * Starts size − 1 threads with the same task.
 * @param program a module that calls `joinThreads`
 * @param task plain data; arrays in shared memory are not copied
 * @param signal ends the waiting for threads that are at work
 */
export function startThreads(program: string, size: number, task: unknown, signal?: AbortSignal): ThreadRanks {
  const meeting = new Meeting(size);
  const callOff = (): void => meeting.end(calledOff());
  signal?.addEventListener("abort", callOff, { once: true });
  const threads = new LoadingThreads(size);
  const { loading } = threads;
  const workers = Array.from({ length: size - 1 }, (_, k) => {
    const rank = k + 1;
    const worker = new Worker(program, { workerData: { rank, size, task, loading } satisfies Start, name: "tasks" });
    threads.begin(rank, worker);
    worker.on("message", (said: Said) => {
      if (said.kind === "failed") return meeting.end(failureOf(said.text));
      meeting.bring(rank, said.what).then(
        // oxlint-disable-next-line require-post-message-target-origin -- a thread, not a window
        (result) => worker.postMessage(result),
        () => {}, // this thread hears of it too, and ends the other
      );
    });
    worker.on("error", (error) => meeting.end(outOfMemory(error) ?? error));
    return worker;
  });
  return {
    ranks: meeting.ranks(0),
    async close() {
      signal?.removeEventListener("abort", callOff);
      callOff();
      await threads.settled();
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

const outOfMemory = (error: Error & { readonly code?: unknown }): AifError | null =>
  error.code === "ERR_WORKER_OUT_OF_MEMORY"
    ? new AifError("resource", "A thread ran out of memory: use fewer of them, such as --threads 1.")
    : null;

function failureOf(text: string): Error {
  const { code, message } = readErrorText(text);
  return code === null ? new Error(message) : new AifError(code, message);
}

/** What a thread of `startThreads` does: its work on the task, whose results every rank has. */
export async function joinThreads(work: (task: unknown, ranks: Ranks) => Promise<unknown>): Promise<void> {
  const port = parentPort;
  if (isMainThread || port === null) throw new Error("This module is started as a thread.");
  const { rank, size, task, loading } = workerData as Start;
  const say = (said: Said): void => port.postMessage(said);
  const waiting: ((result: RoundResult) => void)[] = [];
  // Rounds are answered in the order in which parts were brought.
  port.on("message", (result: RoundResult) => waiting.shift()?.(result));
  const ranks = ranksBringing(rank, size, (what) => {
    say({ kind: "part", what });
    return new Promise((resolve) => {
      waiting.push(resolve);
    });
  });
  try {
    await ensureBlas().finally(() => loaded(loading, rank));
    await work(task, ranks);
  } catch (error) {
    say({ kind: "failed", text: errorText(error) });
  }
}
