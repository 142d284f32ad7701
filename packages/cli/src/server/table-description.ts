import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Table } from "@aif/core";
import { inputError } from "../errors.js";
import { LIMITS } from "./limits.js";
import { watchMemory } from "./memory-watch.js";

/** What the page shows of a table before anything is analysed. */
export interface TableDescription {
  readonly rows: number;
  readonly columns: readonly ColumnDescription[];
}

export interface ColumnDescription {
  readonly name: string;
  readonly kind: "numeric" | "categorical";
  /** How many different values, up to a limit. */
  readonly distinct: number;
  readonly missing: number;
  readonly examples: readonly string[];
  /** Of a numeric column. */
  readonly range: readonly [number, number] | null;
}

const MOST_DISTINCT = 1000;
const EXAMPLES = 4;
/** Characters of an example. */
const LONGEST_EXAMPLE = 60;

export function describeTable({ rows, columns }: Table): TableDescription {
  return {
    rows,
    columns: columns.map((column) => {
      if (column.kind === "categorical") {
        const { name, levels, codes } = column;
        const missing = codes.reduce((sum, code) => sum + (code < 0 ? 1 : 0), 0);
        return {
          name,
          kind: "categorical",
          distinct: levels.length,
          missing,
          examples: levels.slice(0, EXAMPLES).map((level) => Array.from(level).slice(0, LONGEST_EXAMPLE).join("")),
          range: null,
        };
      }
      const seen = new Set<number>();
      let [missing, least, most] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (const value of column.values) {
        if (Number.isNaN(value)) {
          missing++;
          continue;
        }
        if (seen.size < MOST_DISTINCT) seen.add(value);
        least = Math.min(least, value);
        most = Math.max(most, value);
      }
      return {
        name: column.name,
        kind: "numeric",
        distinct: seen.size,
        missing,
        examples: [...seen].slice(0, EXAMPLES).map(String),
        range: least <= most ? [least, most] : null,
      };
    }),
  };
}

/** What the child sends back. */
export type DescriptionMessage = { readonly description: TableDescription } | { readonly error: string };

const SECONDS = 120;

/** Reads a table in a process of its own, so that a file that unpacks without end takes nothing else down. @throws input */
export function describeInChild({ folder, file }: { folder: string; file: string }): Promise<TableDescription> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL("./describe-main.js", import.meta.url)), [file], {
      cwd: folder,
      execArgv: [`--max-old-space-size=${LIMITS.memoryMegabytes}`],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), 1000 * SECONDS);
    watchMemory(child, LIMITS.memoryMegabytes * 2 ** 20, () => {});
    let answered = false;
    child.on("message", (message: DescriptionMessage) => {
      answered = true;
      if ("description" in message) resolve(message.description);
      else reject(inputError(message.error));
    });
    child.on("error", reject);
    child.on("exit", () => {
      clearTimeout(timer);
      if (!answered) {
        reject(
          inputError(
            `${file} could not be read within ${LIMITS.memoryMegabytes / 1024} GB of memory and ${SECONDS} seconds.`,
          ),
        );
      }
    });
  });
}
