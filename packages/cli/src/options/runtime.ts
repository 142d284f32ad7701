import { readInteger } from "./numbers.js";
import { single } from "./rule.js";

/** What the work runs on. */
export const runtimeOptions = {
  heading: "Machine:",
  rules: {
    threads: single(
      {
        flags: "--threads <N>",
        help: "threads of the linear algebra",
        shown: "AIF_THREADS, else all processors up to 8",
      },
      null,
      (given, option) => readInteger(given, option, 1),
    ),
  },
};

/** The library reads the number of threads from the environment when it loads its back end. */
export function setThreads(threads: number | null): void {
  if (threads !== null) process.env["AIF_THREADS"] = String(threads);
}
