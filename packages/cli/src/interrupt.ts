import { AifError } from "@aif/core";
import { isPrinter, ranks } from "./ranks.js";

/**
 * Runs work that Ctrl-C stops (where mpirun does not: it ends its processes itself), then, in the process that writes files, `commit`, which
 * it does not: files are written whole or not at all. A second Ctrl-C ends the program at once.
 * @throws cancelled
 */
export async function interruptible<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  commit: (result: Result) => Promise<void>,
): Promise<Result> {
  const controller = new AbortController();
  const { signal } = controller;
  const stop = (): void => {
    if (signal.aborted) process.exit(130);
    controller.abort();
  };
  if (ranks().size === 1) process.on("SIGINT", stop);
  try {
    // Work that waits for input (a pipe that nobody writes to) would not notice the signal by itself.
    const stopped = aborted(signal);
    const result = await Promise.race([work(signal), stopped]);
    // A Ctrl-C during the last computation is noticed on the event loop's next turn only.
    await Promise.race([fullTurn(), stopped]);
    if (isPrinter()) await commit(result);
    return result;
  } finally {
    process.off("SIGINT", stop);
  }
}

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Two of them, with the events of the system (signals among them) between. */
const fullTurn = (): Promise<void> => immediate().then(immediate);

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new AifError("cancelled", "The work was cancelled.")), {
      once: true,
    });
  });
