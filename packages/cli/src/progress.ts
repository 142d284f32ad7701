import type { TrainingStep } from "@aif/core";
import type { SingleBar } from "cli-progress";
import { isPrinter } from "./ranks.js";
import { clean } from "./render/clean.js";

/** Somebody who is told how far the work is. */
export interface Reporter {
  report(phase: string, done: number, total: number, step?: TrainingStep): void;
  /** Leaves the terminal as it was. */
  stop(): void;
}

/** What a parent process is told, where it asked for it. */
export interface ProgressMessage {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  /** Where training has arrived, while it trains. */
  readonly step?: TrainingStep;
}

/** The environment variable by which a parent process asks ("1"), or asks for silence ("0"). */
export const PROGRESS_VARIABLE = "AIF_PROGRESS";
/** No parent wants to hear more often. */
const messagesEveryMs = 100;

const silent: Reporter = { report: () => {}, stop: () => {} };

/** Work that is done sooner than this shows no bar. */
const patienceMs = 1000;

/** A log hears from work this often, and the first time after as long. */
const LINES_EVERY_MS = 60_000;

/** A progress bar on stderr where that is a terminal; else, as in the log of a job, a line a minute. */
export async function progressBar(quiet: boolean): Promise<Reporter> {
  const wanted = process.env[PROGRESS_VARIABLE];
  if (wanted === "1" && process.send) return toParent(process.send.bind(process));
  if (quiet || wanted === "0" || !isPrinter()) return silent;
  if (!process.stderr.isTTY) return progressLines((line) => void process.stderr.write(line));
  const { SingleBar } = await import("cli-progress");
  const started = performance.now();
  let bar: SingleBar | null = null;
  let stopped = false;
  const timeLeft = remainingTime();
  return {
    report(name, done, total) {
      const phase = clean(name); // of a model or file, as it is called in data
      const left = timeLeft(phase, done, total);
      if (stopped || performance.now() - started < patienceMs) return;
      if (bar === null) {
        bar = new SingleBar({
          format: "{phase} [{bar}] {percentage} %{left}",
          stream: process.stderr,
          barsize: 30,
          clearOnComplete: true,
          hideCursor: true,
          gracefulExit: false,
        });
        bar.start(total, done, { phase, left });
        return;
      }
      bar.setTotal(total);
      bar.update(done, { phase, left });
    },
    stop() {
      bar?.stop();
      stopped = true;
    },
  };
}

/** Progress for a log: one line at a time, and few of them. */
export function progressLines(write: (line: string) => void, now: () => number = () => performance.now()): Reporter {
  const timeLeft = remainingTime(now);
  let last = now();
  return {
    report(name, done, total) {
      const phase = clean(name);
      const left = timeLeft(phase, done, total);
      if (now() - last < LINES_EVERY_MS) return;
      last = now();
      write(`aif: ${phase}, ${Math.floor((100 * done) / Math.max(1, total))} %${left}\n`);
    },
    stop: () => {},
  };
}

/** Too early to say how long the rest will take. */
const TELLING_MS = 1000;
const TELLING_SHARE = 0.02;

/**
 * How long the rest of a phase will take at the pace so far, in words. What follows a colon in its name does not make it another, and
 * phases within it do not begin it anew.
 */
export function remainingTime(
  now: () => number = () => performance.now(),
): (phase: string, done: number, total: number) => string {
  const phases = new Map<string, { start: number; first: number; reached: number }>();
  return (phase, done, total) => {
    const [name] = phase.split(":");
    let known = phases.get(name);
    if (!known || done < known.reached) {
      known = { start: now(), first: done, reached: done };
      phases.set(name, known);
    }
    known.reached = done;
    const gone = now() - known.start;
    const share = (done - known.first) / Math.max(1, total - known.first);
    if (gone < TELLING_MS || share < TELLING_SHARE || share >= 1) return "";
    const seconds = (gone / 1000) * (1 / share - 1);
    return seconds < 100 ? `, ${Math.ceil(seconds)} s left` : `, ${Math.round(seconds / 60)} min left`;
  };
}

/** Progress as messages to the process that started this one. */
function toParent(send: (message: ProgressMessage) => unknown): Reporter {
  let last = Number.NEGATIVE_INFINITY;
  return {
    report(phase, done, total, step) {
      const now = performance.now();
      if (now - last < messagesEveryMs) return;
      last = now;
      send({ phase, done, total, ...(step && { step }) });
    },
    stop: () => {},
  };
}
