import type { SingleBar } from "cli-progress";

/** Somebody who is told how far the work is. */
export interface Reporter {
  report(phase: string, done: number, total: number): void;
  /** Leaves the terminal as it was. */
  stop(): void;
}

const silent: Reporter = { report: () => {}, stop: () => {} };

/** Work that is done sooner than this shows no bar. */
const patienceMs = 1000;

/** A progress bar on stderr, where that is a terminal. */
export async function progressBar(quiet: boolean): Promise<Reporter> {
  if (quiet || !process.stderr.isTTY) return silent;
  const { SingleBar } = await import("cli-progress");
  const started = performance.now();
  let bar: SingleBar | null = null;
  let stopped = false;
  return {
    report(phase, done, total) {
      if (stopped || performance.now() - started < patienceMs) return;
      if (bar === null) {
        bar = new SingleBar({
          format: "{phase} [{bar}] {percentage} %",
          stream: process.stderr,
          barsize: 30,
          clearOnComplete: true,
          hideCursor: true,
          gracefulExit: false,
        });
        bar.start(total, done, { phase });
        return;
      }
      bar.setTotal(total);
      bar.update(done, { phase });
    },
    stop() {
      bar?.stop();
      stopped = true;
    },
  };
}
