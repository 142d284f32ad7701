/**
 * Where threads beside the first one run. A thread that is woken may be put on the processor of the one that wakes it although another
 * is idle: virtual machines report processors that sleep as taken. The two then take turns for the milliseconds that a job lasts.
 */
import type { Koffi } from "./native-kernels.node.js";

/** Bytes of a set of processors, as the C library has it. */
const SET_BYTES = 128;

/** Tells threads, by their numbers in the system, to keep off the processor that the caller runs on. */
export type KeepAway = (threads: Int32Array) => void;

/** Null where the system has no such call, or one processor is all there is. */
export function placement(koffi: Koffi): KeepAway | null {
  if (process.platform !== "linux") return null;
  try {
    const libc = koffi.load(null);
    const current = libc.func("sched_getcpu", "int", []);
    const allowed = libc.func("sched_getaffinity", "int", ["int", "size_t", "void *"]);
    const allow = libc.func("sched_setaffinity", "int", ["int", "size_t", "void *"]);
    const all = new Uint8Array(SET_BYTES);
    if (allowed(0, SET_BYTES, all) < 0 || processors(all) < 2) return null;
    const kept = new Map<number, number>();
    return (threads) => {
      const here: number = current();
      if (here < 0) return;
      for (const thread of threads) {
        if (thread === 0 || kept.get(thread) === here) continue;
        kept.set(thread, here);
        allow(thread, SET_BYTES, without(all, here));
      }
    };
  } catch {
    return null; // a C library without these calls: the system places threads as it does elsewhere
  }
}

function processors(set: Uint8Array): number {
  let count = 0;
  for (const byte of set) for (let bit = 0; bit < 8; bit++) count += (byte >> bit) & 1;
  return count;
}

function without(set: Uint8Array, processor: number): Uint8Array {
  const others = set.slice();
  others[processor >> 3] &= ~(1 << (processor & 7));
  return others;
}
