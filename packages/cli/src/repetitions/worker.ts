/** A thread that computes repetitions of experiments, one at a time. */
import { parentPort, workerData } from "node:worker_threads";
import { AifError, ensureBlas, experimentsNamed, repeatHere } from "@aif/core";
import { loaded } from "@aif/core/node";
import type { Answer, Question, Start } from "./messages.js";

/** Whoever watches does not read faster. */
const PROGRESS_MS = 100;

const port = parentPort;
if (port === null) throw new Error("repetitions/worker.js is started by repetitions/pool.js.");
const { loading, place } = workerData as Start;
const answer = (message: Answer): void => port.postMessage(message);

port.on("message", async ({ name, settings, r }: Question) => {
  let told = 0;
  try {
    // The threads are the repetitions: the linear algebra of each has one.
    await ensureBlas({ threads: 1 }).finally(() => loaded(loading, place));
    const repetition = await repeatHere(experimentsNamed(name)[0], settings, r, {
      onProgress: (progress) => {
        if (performance.now() - told < PROGRESS_MS) return;
        told = performance.now();
        answer({ kind: "progress", progress });
      },
    });
    answer({ kind: "done", repetition });
  } catch (error) {
    const code = error instanceof AifError ? error.code : null;
    answer({ kind: "failed", message: error instanceof Error ? error.message : String(error), code });
  }
});
