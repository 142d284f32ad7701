/** Threads of the portable back end in Node. */
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import type { Koffi } from "./native-kernels.node.js";
import { type KeepAway, placement } from "./placement.node.js";
import { HELPER_SOURCE, type Helpers, Team } from "./portable/team.js";

/** What a thread runs: it says its number in the system, and waits for panels of products. */
const PROGRAM = `
const { workerData: setup } = require("node:worker_threads");
try {
  setup.threadNumbers[setup.at] = Number(require("node:path").basename(require("node:fs").readlinkSync("/proc/thread-self")));
} catch {}
(${HELPER_SOURCE})(setup);`;

/** Undefined until threads are started: most programs start none. */
let keepAway: KeepAway | null | undefined;

function systemPlacement(): KeepAway | null {
  try {
    return placement(createRequire(import.meta.url)("koffi") as Koffi);
  } catch {
    return null; // koffi is not installed: the system places threads
  }
}

/** Threads that wait for panels of products and do not keep the process alive. */
export const helpers: Helpers = {
  start(setup) {
    keepAway ??= systemPlacement();
    const worker = new Worker(PROGRAM, {
      eval: true,
      workerData: setup,
      execArgv: [], // loaders of the program are none of its business
      name: "linear algebra",
    });
    worker.on("error", () => {}); // one that cannot start is never ready, and nobody waits for it
    worker.unref();
  },
  keepAway: (threadNumbers) => keepAway?.(threadNumbers),
};

/** Threads for large products, the caller's among them; null for one, and where the engine has no memory to share. */
export function teamOf(threads: number): Team | null {
  if (threads < 2) return null;
  try {
    return new Team(threads, helpers);
  } catch {
    return null;
  }
}
