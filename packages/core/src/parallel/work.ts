import { throwIfAborted } from "../errors.js";
import type { Ranks } from "./ranks.js";

/** What a long call accepts: a way to stop it, and somebody to tell how far it is. */
export interface Work {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Processes that do the same with the same data: independent tasks are dealt to them (default: this one alone). */
  readonly ranks?: Ranks | undefined;
}

/** How far a long call has come. */
export interface Progress {
  /** What is being done, for people: "fitting", "held-out folds". */
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  /** Of `done` a second, where that says something. */
  readonly rate?: number;
}

/** How long work may hold the thread before timers, signals and input get their turn. */
const SLICE_MS = 50;

/** When timers, input and calls beside this thread have had their turn. */
export const nextTurn: () => Promise<void> =
  typeof setImmediate === "function"
    ? () => new Promise((resolve) => setImmediate(resolve))
    : () => new Promise((resolve) => setTimeout(resolve, 0));

/** When the event loop last had its turn: many short passes in a row must let it breathe as one long one does. */
let lastTurn = performance.now();

/** A clock for one loop: `await pause()` costs nothing until a slice is used up, then lets the event loop breathe. */
export function timeSlices(work: Work | undefined): { due(): boolean; pause(progress: Progress): Promise<void> } {
  throwIfAborted(work?.signal);
  return {
    due: () => performance.now() - lastTurn > SLICE_MS,
    async pause(progress) {
      work?.onProgress?.(progress);
      await nextTurn();
      lastTurn = performance.now();
      throwIfAborted(work?.signal);
    },
  };
}
