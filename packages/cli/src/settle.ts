import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Collects garbage once before the process ends. Node waits at its end for compilers in other threads, and these may wait
 * for a collection that only the main thread can make: without this, one short run in fifty never ended
 * (nodejs/node#54918). It takes a few milliseconds.
 */
export function settle(): void {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect === "function") collect();
}
