import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { AifError, type Repeat, type RunOptions } from "@aif/core";
import { coreShare, LoadingThreads } from "@aif/core/node";
import type { Answer, Question, Start } from "./messages.js";

/** Where it is not built (the sources run by themselves) the repetitions are computed in this thread. */
const program = fileURLToPath(new URL("./worker.js", import.meta.url));
const MOST_THREADS = 8;

/** Threads that compute repetitions, to be closed at the end. */
export interface Pool {
  readonly lanes: RunOptions["lanes"];
  close(): Promise<void>;
}

/**
 * @param wanted at most so many threads; null: as many as there are processors, up to 8.
 * @param repetitions how many are to be computed: one is computed here.
 */
export function openPool(wanted: number | null, repetitions: number): Pool {
  const count = Math.min(wanted ?? Math.min(coreShare(), MOST_THREADS), repetitions);
  if (count <= 1 || !existsSync(program)) return { lanes: undefined, close: async () => {} };
  const workers: Worker[] = [];
  const idle: Worker[] = [];
  const threads = new LoadingThreads(count);
  const start = (): Worker => {
    const place = workers.length;
    const worker = new Worker(program, { workerData: { loading: threads.loading, place } satisfies Start });
    threads.begin(place, worker);
    workers.push(worker);
    return worker;
  };
  const repeat: Repeat = async (experiment, settings, r, { signal, onProgress }) => {
    if (signal?.aborted) throw new AifError("cancelled", "The work was cancelled.");
    const worker = idle.pop() ?? start();
    const repetition = await ask(worker, { name: experiment.name, settings, r }, onProgress);
    idle.push(worker);
    return repetition;
  };
  return {
    lanes: { count, repeat },
    close: async () => {
      await threads.settled();
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

function ask(worker: Worker, question: Question, onProgress: Parameters<Repeat>[3]["onProgress"]): ReturnType<Repeat> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      for (const [event, listener] of Object.entries(listeners)) worker.off(event, listener);
      finish();
    };
    const stopped = (): void => settle(() => reject(new AifError("cancelled", "The work was cancelled.")));
    const listeners = {
      message: (answer: Answer): void => {
        if (answer.kind === "progress") onProgress?.(answer.progress);
        else if (answer.kind === "done") settle(() => resolve(answer.repetition));
        else settle(() => reject(errorOf(answer)));
      },
      error: (error: Error): void => settle(() => reject(error)),
      exit: stopped,
    };
    for (const [event, listener] of Object.entries(listeners)) worker.on(event, listener);
    // oxlint-disable-next-line require-post-message-target-origin -- a thread, not a window
    worker.postMessage(question);
  });
}

const errorOf = ({ code, message }: Extract<Answer, { kind: "failed" }>): Error =>
  code === null ? new Error(message) : new AifError(code, message);
