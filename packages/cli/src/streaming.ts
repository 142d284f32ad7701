import {
  AifError,
  checkHead,
  encodingOptions,
  type Ranks,
  refuseUnstreamed,
  type StudySettings,
  type Table,
} from "@aif/core";
import {
  type CachedStream,
  cacheStreamed,
  estimatedSize,
  partsOf,
  readableBytes,
  type TableSize,
} from "@aif/core/node";
import { usageError } from "./errors.js";
import type { ValuesOf } from "./options/rule.js";
import type { streamingOptions } from "./options/runtime.js";
import { writeStderr } from "./output/stdout.js";
import type { Reporter } from "./progress.js";
import { isPrinter } from "./ranks.js";
import { fixedBytes, rowsBytes, spareBytes } from "./spare-memory.js";
import type { DataValues } from "./study-input.js";

export type StreamingValues = ValuesOf<typeof streamingOptions>;

/** What an analysis asks for beside its settings. */
export interface Asked {
  readonly data: string;
  readonly settings: StudySettings;
  readonly values: StreamingValues;
  readonly ranks: Ranks;
  /** Options that need the whole table in memory, as typed; null: not given. */
  readonly whole: Readonly<Record<string, string | null>>;
  /** A file for what passes over the rows find out; null: none. */
  readonly checkpoint: string | null;
}

/**
 * Whether the rows pass from a cache rather than lie in memory: where that is asked for, where the table is too large, or where several
 * processes share it.
 * @throws usage: an option that goes with rows in memory only, where they cannot lie there
 */
export async function streams(asked: Asked): Promise<boolean> {
  const { settings, values, ranks, checkpoint } = asked;
  const { cache, keepCache, precision, memory } = values;
  if (keepCache && cache === null) throw usageError("--keep-cache needs --cache <folder>, where the cache stays.");
  const streaming = Object.entries({
    "--precision mixed": precision === "mixed",
    "--cache": cache !== null,
    "--checkpoint": checkpoint !== null,
  }).find(([, given]) => given)?.[0];
  if (streaming !== undefined) {
    refuseWith(streaming, asked);
    return true;
  }
  if (ranks.size > 1) {
    // The draws of a bootstrap are shared instead where each process has room for all rows, or rows cannot be shared.
    if (settings.inference === "bootstrap") {
      const answers = await ranks.gather(JSON.stringify((await isTooLarge(asked)) && canStream(asked)));
      return answers.includes("true");
    }
    refuse(asked);
    return true;
  }
  if (!(await isTooLarge(asked))) return false;
  if (memory === null) return canStream(asked);
  refuse(asked);
  return true;
}

/** Whether an analysis in memory takes more than it may. */
async function isTooLarge({ data, settings, values: { memory } }: Asked): Promise<boolean> {
  const sizes = await sizesOf(data);
  if (sizes.length === 0) return false;
  const rows = sum(sizes.map((size) => rowsBytes(size, settings)));
  // What is free is so beside the program; matrices are the same either way.
  return memory === null ? rows > spareBytes() : rows + fixedOf(sizes, settings) > memory;
}

/** @throws usage: standard input, whose size shows when it has been read, takes more than --memory, and cannot pass by in blocks */
export function refuseLargeInput(
  { data, settings, values: { memory } }: Asked,
  { rows, columns }: Pick<Table, "rows" | "columns">,
): void {
  const size = { rows, cells: rows * columns.length };
  const bytes = rowsBytes(size, settings) + fixedBytes(size, settings);
  if (data !== "-" || memory === null || bytes <= memory) return;
  throw usageError(
    `Standard input holds ${thousands(rows)} rows, whose analysis in memory takes about ${readableBytes(bytes)}, more than --memory: write it to a file, which can be streamed.`,
  );
}

/** None of what can be read once only, and of what is no table: reading says so. */
async function sizesOf(data: string): Promise<TableSize[]> {
  if (data === "-") return [];
  try {
    const { parts } = await partsOf(data);
    return await Promise.all(parts.map(({ source }) => estimatedSize(source)));
  } catch (error) {
    if (error instanceof AifError) return [];
    throw error;
  }
}

const fixedOf = (sizes: readonly TableSize[], settings: StudySettings): number =>
  Math.max(...[NOTHING, ...sizes].map((size) => fixedBytes(size, settings)));
const NOTHING: TableSize = { rows: 0, cells: 0 };
const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);

/** A sentence where even rows that pass by take more than --memory; null where they do not. */
async function excess({ data, settings, values: { memory } }: Asked): Promise<string | null> {
  if (memory === null) return null;
  const least = fixedOf(await sizesOf(data), settings);
  if (least <= memory) return null;
  return `Even in blocks the analysis takes about ${readableBytes(least)}: --memory will be exceeded.`;
}

/** @throws usage: naming the option that needs the whole table, and the one that streams it */
function refuseWith(streaming: string, asked: Asked): void {
  try {
    refuse(asked);
  } catch (error) {
    if (!(error instanceof AifError)) throw error;
    throw usageError(
      `With ${streaming} the rows are streamed, whatever their number; without it they lie in memory. ${error.message}`,
    );
  }
}

/** @throws usage: naming the option that needs the whole table */
function refuse({ settings, whole }: Asked): void {
  refuseUnstreamed(settings);
  const found = Object.entries(whole).find(([, given]) => given !== null);
  if (found) {
    throw usageError(
      `${found[0]} needs all rows in memory, and these pass by block by block: leave it out, or give fewer rows.`,
    );
  }
}

function canStream(asked: Asked): boolean {
  try {
    refuse(asked);
    return true;
  } catch {
    return false;
  }
}

/** Reads the table once into its cache. Whoever asks closes what comes back. @throws as `cacheStreamed` */
export async function cachedTable(
  asked: Asked,
  { header, delimiter }: Pick<DataValues, "header" | "delimiter">,
  quiet: boolean,
  signal: AbortSignal,
  reporter: Reporter,
): Promise<CachedStream> {
  const { data, settings, values, ranks } = asked;
  const started = performance.now();
  const whose = ranks.size > 1 ? "rank 0's rows (every rank has a cache of its own)" : "the rows";
  const say = async (text: string): Promise<void> => {
    if (!quiet && isPrinter()) await writeStderr(`${text}\n`);
  };
  const warning = await excess(asked);
  if (warning !== null) await say(warning);
  return cacheStreamed(data, {
    encode: encodingOptions(settings),
    split: settings.evaluation,
    seed: settings.seed,
    header: header ?? undefined,
    delimiter: delimiter ?? undefined,
    cache: values.cache,
    keepCache: values.keepCache,
    precision: values.precision,
    ranks,
    signal,
    check: (head) => checkHead(head, settings),
    onDoubt: (sentence) => say(`The first rows show a fault that later rows may mend: ${sentence}`),
    async onStart(folder, bytes) {
      await say(`Writing ${whose} to a cache in ${folder}, about ${readableBytes(bytes)}.`);
    },
    onRead(rows, bytes, totalBytes) {
      const pace = rows / ((performance.now() - started) / 1000);
      reporter.report(`reading: ${thousands(pace)} rows/s`, bytes, totalBytes);
    },
    onCache(folder, bytes, before) {
      const fate = before
        ? "was there from an earlier run"
        : values.keepCache
          ? "stays there"
          : "is removed at the end";
      void say(`The cache in ${folder} holds ${readableBytes(bytes)} and ${fate}.`);
    },
  });
}

const thousands = (amount: number): string => Math.round(amount).toLocaleString("en-US");
