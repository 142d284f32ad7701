import { closeSync } from "node:fs";
import { AifError, inputError, throwIfAborted } from "../../errors.js";
import { exchange } from "../../parallel/deal.js";
import { ALONE, type Ranks } from "../../parallel/ranks.js";
import { imputedNotes } from "../apply-encoding.js";
import { chooseColumns, columnAt, columnNamed, ROLE } from "../choose-columns.js";
import { fitting } from "../encode.js";
import type { EncodeOptions, Encoding } from "../encoding.js";
import type { Note } from "../notes.js";
import { countMissing, type Weighting } from "../row-choice.js";
import type { StreamedDataset } from "../streamed-dataset.js";
import { awaited } from "../table-facts.js";
import { readTarget } from "../target.js";
import { type CacheFolder, cacheFolder } from "./cache-folder.node.js";
import type { CacheReading } from "./cache-parts.node.js";
import { type CachedRows, cachedRows, type FirstPassWork } from "./cached-rows.node.js";
import type { CachedTable } from "./cached-table.js";
import { estimatedBytes, readableBytes } from "./estimate.js";
import { notesInStorage } from "./mixed-precision.js";
import { type Parts, sharedParts, shareOf } from "./parts.node.js";
import { clusterLabels, clustersIn, rowGroups } from "./row-groups.js";
import { sharedTable, wholeTable } from "./shared-rows.node.js";
import { streamedFolds, streamedHoldOut, wholePart } from "./split-rows.js";
import { streamedNames } from "./stream-by.js";
import { streamFacts } from "./stream-facts.js";
import { type RowsPart, StreamedRows } from "./streamed-rows.js";
import { type FirstRows, headOfParts, type TableHead } from "./table-head.js";
import { chooseUsedRows, type UsedRows, usedPieces } from "./used-rows.js";

/** Where the loss is evaluated: on folds, the training rows, a share of the rows, or those of another file. */
export type StreamedSplit =
  | { readonly kind: "cv"; readonly folds: number }
  | { readonly kind: "training" }
  | { readonly kind: "fraction"; readonly share: number }
  | { readonly kind: "file"; readonly path: string };

/** How a table that passes by block by block is encoded and split, where its cache lies, and in which precision features are stored. */
export interface StreamOptions {
  readonly encode: EncodeOptions;
  readonly split: StreamedSplit;
  /** Of folds and held-out rows. */
  readonly seed: number;
  readonly header?: boolean | undefined;
  readonly delimiter?: string | undefined;
  /** The folder of the cache (default: a new one among the system's temporary files). */
  readonly cache?: string | null;
  /** Whether the cache stays, to be used again. */
  readonly keepCache?: boolean;
  /** "mixed": features are stored in 32 bits, sums are kept in 64. */
  readonly precision?: "double" | "mixed";
  readonly ranks?: Ranks;
  readonly signal?: AbortSignal | undefined;
  /** Looks at the columns of the table, once before a cache is made and once all rows were read. @throws what it finds wrong */
  readonly check?: (head: TableHead) => void;
  /** Is told what the first rows show to be wrong where later ones may still mend it: of JSON lines, columns may begin later. */
  readonly onDoubt?: (sentence: string) => Promise<void>;
  /** Is told, before a cache is written, of its folder and about how many bytes it will take. */
  readonly onStart?: (folder: string, bytes: number) => Promise<void>;
  readonly onRead?: FirstPassWork["onRead"];
  readonly onCache?: (folder: string, bytes: number, kept: boolean) => void;
}

/** Rows to fit on and rows to evaluate on (null: folds of the former, or all of them), passing by from a cache. */
export interface StreamedTable {
  readonly training: StreamedDataset;
  readonly evaluation: StreamedDataset | null;
  /** As messages call the table. */
  readonly source: string;
}

/** The same with a cache of its own. */
export interface OpenedStream extends StreamedTable {
  /** Removes the cache unless it is to stay. */
  close(): void;
}

/** What other threads need to open a table from its cache as this one does. Plain data. */
export interface StreamShare {
  readonly training: CachedRows;
  /** Of another file to evaluate on. */
  readonly evaluation: CachedRows | null;
  readonly options: Pick<StreamOptions, "encode" | "split" | "seed">;
}

/** A table that was read into its cache. */
export interface CachedStream {
  readonly share: StreamShare;
  /** Of the cache of this process. */
  readonly bytes: number;
  /** Removes the cache unless it is to stay. */
  close(): void;
}

/**
 * Reads a table of any size once, in pieces, into a cache, learns its encoding, and gives its rows block by block. What comes out is
 * what `readTable`, `encode` and the splits give in memory, for any number of ranks.
 * @throws as these; resource: the cache cannot be written or was damaged
 */
export async function openStreamed(path: string, options: StreamOptions): Promise<OpenedStream> {
  const { share, close } = await cacheStreamed(path, options);
  try {
    return { ...(await openStream(share, options.ranks ?? ALONE)), close };
  } catch (error) {
    close();
    throw error;
  }
}

/**
 * Reads a table of any size once, in pieces, into a cache.
 * @throws as `openStreamed`, whatever shows before the rows are encoded
 */
export async function cacheStreamed(path: string, options: StreamOptions): Promise<CachedStream> {
  const { ranks = ALONE, encode, split, seed } = options;
  const files = await sharedParts(path, ranks);
  const others = split.kind === "file" ? await sharedParts(split.path, ranks) : null;
  const check = (head: TableHead): void => {
    options.check?.(head);
    chooseColumns(head, encode);
  };
  const exact = [encode.target, encode.weights, encode.by, encode.splitBy, encode.cluster].filter(
    (name) => name !== undefined,
  );
  const mixed = options.precision === "mixed" ? { exact } : null;
  const { header, delimiter } = options;
  const unused = encode.exclude?.filter((name) => name !== encode.by) ?? [];
  const reading: CacheReading = { header, delimiter, mixed, unused };
  const headOf = ({ parts }: Parts): Promise<FirstRows | null> =>
    headOfParts(shareOf(parts, ranks.rank, ranks.size), reading);
  const head = await headOf(files);
  const isKnown = head !== null && hasAllColumns(head, ranks);
  if (isKnown) check(head);
  else if (head !== null) {
    refuseLateTarget(head, encode);
    await doubted(() => check(head), options.onDoubt);
  }
  const otherHead = others && (await headOf(others));
  if (isKnown && otherHead && hasAllColumns(otherHead, ranks)) {
    columnNamed(otherHead, ROLE.target, chooseColumns(head, encode).target.name);
  }
  const folder = cacheFolder(options.cache ?? null, options.keepCache ?? false);
  const handles: number[] = [];
  const close = (): void => {
    for (const handle of handles.splice(0)) closeSync(handle);
    folder.close();
  };
  const first: FirstPassWork = {
    ranks,
    folder,
    async onStart(parts) {
      const sizes = await Promise.all(parts.map(({ source }) => estimatedBytes(source)));
      const bytes = sizes.reduce((sum, size) => sum + size, 0) * (mixed === null ? 1 : 0.5);
      refuseFullDisk(folder, bytes);
      await options.onStart?.(folder.path, bytes);
    },
    onRead(...progress) {
      throwIfAborted(options.signal);
      options.onRead?.(...progress);
    },
    onCache: (bytes, kept) => options.onCache?.(folder.path, bytes, kept),
  };
  const cached = async (parts: Parts, name: string): Promise<CachedRows> => {
    const rows = await cachedRows(parts, name, reading, first);
    handles.push(rows.handle);
    return rows;
  };
  try {
    const training = await cached(files, "training");
    const { columns, notes } = training.survey;
    const named = columns.map(({ name, textFile }) => ({ name, isText: textFile !== null }));
    check({ source: training.source, columns: named, notes });
    const evaluation = others && (await cached(others, "evaluation"));
    const { offsets } = training.index;
    return {
      share: { training, evaluation, options: { encode, split, seed } },
      bytes: offsets[offsets.length - 1],
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Of several ranks, none has seen the files of the others: without a header these may have further columns. */
const hasAllColumns = (head: FirstRows, { size }: Ranks): boolean => head.isDeclared || (head.areAll && size === 1);

/**
 * A target that begins after the first rows has missing cells there: a fault, unless they are left out.
 * @throws input
 */
function refuseLateTarget(head: FirstRows, { target, missing = "error", weights }: EncodeOptions): void {
  // Cells of rows of weight 0 may be missing.
  if (missing !== "error" || weights !== undefined) return;
  try {
    columnAt({ ...head, source: `The beginning of ${head.source} (${head.rows} rows)` }, ROLE.target, target);
  } catch (error) {
    if (!(error instanceof AifError)) throw error;
    throw inputError(`${error.message} If it begins later, --missing drop leaves the rows before it out.`);
  }
}

/** Tells of what a check finds wrong. */
async function doubted(check: () => void, onDoubt: StreamOptions["onDoubt"]): Promise<void> {
  try {
    check();
  } catch (error) {
    if (!(error instanceof AifError)) throw error;
    await onDoubt?.(error.message);
  }
}

/** The rows of a cache, which belongs to the process; of several processes each has its own. @throws as `openStreamed` */
export const openStream = (share: StreamShare, ranks: Ranks): Promise<StreamedTable> =>
  encoded(share, ranks, wholeTable);

/** A share of the rows of a cache, for one of several threads of a process that read it side by side. @throws as `openStreamed` */
export const openShare = (share: StreamShare, ranks: Ranks): Promise<StreamedTable> =>
  encoded(share, ranks, sharedTable);

async function encoded(
  { training: cached, evaluation: others, options: { encode, split, seed } }: StreamShare,
  ranks: Ranks,
  tableOf: (rows: CachedRows, ranks: Ranks) => CachedTable,
): Promise<StreamedTable> {
  const table = tableOf(cached, ranks);
  const { source } = table;
  const { encoding, rows } = await awaited(fitting(streamFacts(table), encode));
  const filled = await imputed(table, rows, encoding);
  const notes = [...table.notes, ...(await notesInStorage(table, encoding)), ...rows.notes, ...filled];
  const of = async (part: RowsPart, folds: Uint16Array | null, isTraining = true): Promise<StreamedDataset> => {
    const clustered = clusters && (await clustersIn(table, rows, clusters, part.marks));
    return new StreamedRows(table, rows, part, encoding, folds, isTraining, notes, encoding.by, clustered);
  };
  if (encoding.target.task === "count") checkTargets(table, rows, encoding);
  const { groups, clusters } = await rowGroups(table, rows, encoding);
  if (split.kind === "fraction") {
    const { training, evaluation } = await streamedHoldOut(table, rows, encoding, split.share, seed, groups);
    return { training: await of(training, null), evaluation: await of(evaluation, null, false), source };
  }
  const folds = split.kind === "cv" ? await streamedFolds(table, rows, encoding, split.folds, seed, groups) : null;
  const training = await of(await wholePart(table, rows, encoding, true), folds);
  return { training, evaluation: others && (await otherRows(tableOf(others, ranks), encoding)), source };
}

/** Estimates are this far off, at the most, where tables are what they seem. */
const SLACK = 1.5;

/** @throws resource: the cache would fill its disk */
function refuseFullDisk({ path, free }: CacheFolder, bytes: number): void {
  const left = free();
  if (left === null || bytes <= SLACK * left) return;
  throw new AifError(
    "resource",
    `The cache takes about ${readableBytes(bytes)} and the disk of ${path} has ${readableBytes(left)} left: free some space, or choose another folder with --cache.`,
  );
}

/** Rows of another table, encoded alike, to evaluate on. @throws as `applyEncoding` */
async function otherRows(table: CachedTable, encoding: Encoding): Promise<StreamedDataset> {
  const target = columnNamed(table, ROLE.target, encoding.target.column);
  const columns = encoding.columns.map(({ column }) => columnNamed(table, ROLE.feature, column));
  const weighting: Weighting<(typeof columns)[number]> | null =
    encoding.weights === null
      ? null
      : { column: columnNamed(table, ROLE.weights, encoding.weights), kind: encoding.weightsKind };
  const used = await chooseUsedRows(table, target, columns, weighting, encoding.missing);
  const part = await wholePart(table, used, encoding, false);
  const unseen = new StreamedRows(table, used, part, encoding, null, false, []);
  for (const { x } of unseen.blocks()) if (x.rows === 0) break; // every level and label is looked at
  const seen = await exchange(table.ranks, checkTargets(table, used, encoding));
  const notes = [...table.notes, ...used.notes, ...(await imputed(table, used, encoding)), ...seen.flat().slice(0, 1)];
  const { by } = encoding;
  const groups = by && {
    column: by.column,
    names: await streamedNames(table, columnNamed(table, ROLE.by, by.column), used, by),
  };
  // As in memory the file may lack this column.
  const cluster = table.columns.some(({ name }) => name === encoding.cluster) ? encoding.cluster : null;
  const labels = cluster === null ? null : await clusterLabels(table, used, cluster);
  const clustered = labels && (await clustersIn(table, used, labels, part.marks));
  return new StreamedRows(table, used, part, encoding, null, false, notes, groups, clustered);
}

/** Looks at every target. @throws as `readTarget` */
function checkTargets(table: CachedTable, used: UsedRows, encoding: Encoding): Note[] {
  const target = columnNamed(table, ROLE.target, encoding.target.column);
  for (const { piece, rows } of usedPieces(table, used)) {
    const { notes } = readTarget(piece.column(target), encoding.target, rows, piece.origin);
    if (notes.length > 0) return notes;
  }
  return [];
}

/** What is said of missing cells that were filled in. */
async function imputed(table: CachedTable, used: UsedRows, encoding: Encoding): Promise<Note[]> {
  const columns = encoding.columns.map(({ column }) => columnNamed(table, ROLE.feature, column));
  const counts = new Float64Array(columns.length);
  if (columns.some((column) => table.survey(column).missing > 0)) {
    for (const { piece, rows } of usedPieces(table, used)) {
      columns.forEach((column, k) => {
        counts[k] += countMissing(piece.column(column), rows);
      });
    }
  }
  await table.ranks.add(counts);
  return imputedNotes(encoding, [...counts], table.source);
}
