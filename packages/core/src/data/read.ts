import { inputError, throwIfAborted, usageError } from "../errors.js";
import { type DelimitedOptions, readDelimited } from "./delimited.js";
import { formatOf } from "./format.js";
import { note } from "./notes.js";
import {
  type ByteSource,
  blobSource,
  bytesSource,
  headOf,
  onceSource,
  oneSource,
  type Sources,
  streamChunks,
  watched,
} from "./source.js";
import type { Table } from "./table.js";
import { TableBuilder } from "./table-builder.js";
import { TableMemory } from "./table-memory.js";
import { fromUtf16, gunzipped } from "./unpack.js";

/** How far reading has come. */
export interface ReadProgress {
  readonly phase: "read";
  /** Data rows read so far. */
  readonly rows: number;
  /** Bytes read so far, as they are in the file (packed where it is packed). */
  readonly bytes: number;
  readonly totalBytes?: number;
}

/** How a table is read where its content leaves it open. */
export interface ReadOptions {
  /** What separates the cells of a text file (default: found out); "tab" or "\\t" for a tab. */
  readonly delimiter?: string;
  /** Whether a text file's first row names its columns (default "auto": found out). */
  readonly header?: boolean | "auto";
  /** Names of the columns to keep, in the table's order (default: all). */
  readonly columns?: readonly string[];
  /** Columns that nobody will use, or "all" where the table is only looked at: what no column can hold (infinite numbers, integers beyond 2^53, lists) is a missing cell there, not an error. */
  readonly unused?: readonly string[] | "all";
  /** What messages call a source that has no name of its own. */
  readonly name?: string;
  /** What the table may take, in bytes (default: half of what the system has left, in a browser 2 GiB). */
  readonly memoryBytes?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ReadProgress) => void;
}

/** A path or glob pattern, "-" for standard input (both need Node), or the bytes themselves. */
export type TableInput = string | Uint8Array | Blob | ReadableStream<Uint8Array>;

/**
 * Reads a table: CSV, TSV and other delimited text, JSON lines, pictures in IDX files (all of them also gzipped), Parquet, .npy and .npz,
 * told apart by their content. Several files of one pattern are read in sorted order, their rows appended; empty files add none.
 *
 * @throws AifError "input" where the input is no table, in one sentence that names file, column and row;
 *   "resource" where it does not fit into memory; "cancelled" when `signal` fires
 */
export async function readTable(input: TableInput, options: ReadOptions = {}): Promise<Table> {
  throwIfAborted(options.signal);
  const { sources, name, notes } = await sourcesOf(input, options);
  let asText = new Set<string>();
  for (;;) {
    const table = await readOnce(sources, options, asText);
    const lost = table.lost;
    if (lost.length === 0) {
      notes.forEach((found) => table.note(found));
      return table.finish(name);
    }
    asText = new Set([...asText, ...lost]);
  }
}

/** Rows after which the rows of the whole input are guessed from its size. */
const rowsToGuessBy = 1000;

async function readOnce(
  sources: readonly ByteSource[],
  options: ReadOptions,
  asText: ReadonlySet<string>,
): Promise<TableBuilder> {
  const table = new TableBuilder(
    options.columns === undefined ? undefined : new Set(options.columns),
    asText,
    undefined,
    new TableMemory(options.memoryBytes),
    options.unused === "all" ? "all" : new Set(options.unused),
  );
  const sizes = sources.map((source) => source.size);
  const totalBytes = sizes.every((size) => size !== undefined) ? sizes.reduce((sum, size) => sum + size, 0) : undefined;
  let bytes = 0;
  let reserved = false;
  const see = (length: number): void => {
    throwIfAborted(options.signal);
    // What can be read once only is kept, so that reading can start over.
    table.checkMemory(totalBytes === undefined ? bytes : 0);
    bytes = Math.min(bytes + length, totalBytes ?? Number.POSITIVE_INFINITY);
    if (!reserved && totalBytes !== undefined && table.rows >= rowsToGuessBy) {
      table.reserve(Math.ceil((1.03 * table.rows * totalBytes) / bytes));
      reserved = true;
    }
    options.onProgress?.({
      phase: "read",
      rows: table.rows,
      bytes,
      ...(totalBytes === undefined ? {} : { totalBytes }),
    });
  };
  for (const source of sources) {
    table.file(source.name);
    await readFile(source, watched(source, see), table, options);
  }
  return table;
}

const delimiterOf = (text: string | undefined): string | undefined =>
  text === "tab" || text === "\\t" ? "\t" : text === "" ? undefined : text;

/** Reads one file, which adds no rows where it is empty. `plain` is looked into, `source` (watched) is read. @throws as `readTable` */
export async function readFile(
  plain: ByteSource,
  source: ByteSource,
  table: TableBuilder,
  options: DelimitedOptions,
  packed = false,
): Promise<void> {
  const head = await headOf(plain, 1 << 16);
  if (head.length === 0) return;
  const format = formatOf(head, plain.name);
  switch (format) {
    case "gzip":
      // Each packing multiplies what a small file can unpack to.
      if (packed) throw inputError(`${plain.name} is packed with gzip twice; unpack it once.`);
      return readFile(
        gunzipped(plain),
        watched(gunzipped(source), () => table.checkMemory()),
        table,
        options,
        true,
      );
    case "utf-16le":
    case "utf-16be":
      table.note(note("utf16", `${plain.name} is UTF-16 text and was decoded.`));
      return readFile(fromUtf16(plain, format), fromUtf16(source, format), table, options);
    case "delimited":
      return readDelimited(source, table, { ...options, delimiter: delimiterOf(options.delimiter) });
    case "json-lines":
      return (await import("./json-lines.js")).readJsonLines(source, table);
    case "parquet":
      return (await import("./parquet.js")).readParquet(source, table);
    case "npy":
      return (await import("./npy.js")).readNpy(source, table);
    case "zip":
      return (await import("./npy.js")).readNpz(source, table);
    case "idx":
      return (await import("./idx-table.js")).readIdxTable(source, table);
  }
}

async function sourcesOf(input: TableInput, options: ReadOptions): Promise<Sources> {
  if (typeof input === "string") {
    if (globalThis.process?.versions?.node === undefined) {
      throw usageError("A browser cannot open files by name: pass the file itself, as a Blob or as bytes.");
    }
    // Not a literal, so that bundlers for browsers leave the Node file alone.
    const file = "./path-sources.node.js";
    const files: typeof import("./path-sources.node.js") = await import(/* @vite-ignore */ file);
    return input === "-" ? oneSource(files.stdinSource()) : files.pathSources(input);
  }
  if (input instanceof Uint8Array) return oneSource(bytesSource(input, options.name ?? "the data"));
  if (input instanceof Blob) return oneSource(blobSource(input, options.name ?? blobName(input)));
  return oneSource(onceSource(streamChunks(input), options.name ?? "the stream"));
}

const blobName = (blob: Blob): string => ("name" in blob && typeof blob.name === "string" ? blob.name : "the data");
