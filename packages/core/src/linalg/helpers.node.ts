/** Threads of the portable back end in Node. */
import { Worker } from "node:worker_threads";
import { HELPER_SOURCE, type HelperSetup } from "./portable/team.js";

/** Starts a thread that waits for panels of products and does not keep the process alive. */
export function startHelper(setup: HelperSetup): void {
  const worker = new Worker(`(${HELPER_SOURCE})(require("node:worker_threads").workerData)`, {
    eval: true,
    workerData: setup,
    execArgv: [], // loaders of the program are none of its business
    name: "linear algebra",
  });
  worker.on("error", () => {}); // one that cannot start is never ready, and nobody waits for it
  worker.unref();
}
