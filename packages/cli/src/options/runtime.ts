import { usageError } from "../errors.js";
import { oneOf } from "./choice.js";
import { readInteger, readNumber } from "./numbers.js";
import { flag, single } from "./rule.js";

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Bytes: 500M, 2G, 1.5GiB. */
function readBytes(given: string, option: string): number {
  const [, amount, unit] = /^\s*(\d[\d.]*|\.\d+)\s*([KMGT]?)(?:i?B)?\s*$/i.exec(given) ?? [];
  if (amount === undefined) throw usageError(`${option} takes an amount of memory such as 500M or 2G, not "${given}".`);
  const bytes = readNumber(amount, option) * UNITS[unit.toUpperCase()];
  if (bytes > 0) return bytes;
  throw usageError(`${option} ${given} leaves no memory: give an amount such as 500M or 2G.`);
}

const readFolder = (path: string, option: string): string => {
  if (path !== "") return path;
  throw usageError(`${option} needs the name of a folder.`);
};

const HEADING = "Machine:";

/** As many as `AIF_THREADS` may say. */
const MOST_THREADS = 9999;

const threads = single(
  {
    flags: "--threads <N>",
    help: "threads of the linear algebra, or of the models, draws or repetitions that are shared out",
    shown: "AIF_THREADS, else all processors up to 8",
  },
  null,
  (given, option) => readInteger(given, option, 1, MOST_THREADS),
);

/** What the work runs on. */
export const runtimeOptions = { heading: HEADING, rules: { threads } };

export const memory = single(
  { flags: "--memory <amount>", help: "what the solver may take, such as 2G", shown: "2G" },
  null,
  readBytes,
);

/** The same where models are solved that may take much memory. */
export const solvingOptions = { heading: HEADING, rules: { threads, memory } };

/** The same where tables may be larger than memory. */
export const streamingOptions = {
  heading: HEADING,
  rules: {
    threads,
    memory: single(
      {
        flags: "--memory <amount>",
        help: "what the work may take, such as 1GB: larger tables are streamed, solvers keep to it",
        shown: "half of what is free for tables, 2G for solvers",
      },
      null,
      readBytes,
    ),
    cache: single(
      {
        flags: "--cache <folder>",
        help: "stream the table, with the cache of its rows in this folder",
        shown: "only where the table is larger than --memory, in the system's folder for temporary files",
      },
      null,
      readFolder,
    ),
    keepCache: flag({ flags: "--keep-cache", help: "leave the cache in its folder, to be used again" }, false),
    precision: single(
      {
        flags: "--precision <kind>",
        help: "of features: double, or mixed (streamed: stored in 32 bits, summed in 64)",
        shown: "double",
      },
      "double",
      oneOf(["double", "mixed"] as const),
    ),
  },
};

/** The library reads the number of threads from the environment when it loads its back end. */
export function setThreads(threads: number | null): void {
  if (threads !== null) process.env["AIF_THREADS"] = String(threads);
}
