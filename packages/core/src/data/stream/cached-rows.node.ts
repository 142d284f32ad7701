import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import { inputError } from "../../errors.js";
import { exchange } from "../../parallel/deal.js";
import type { Ranks } from "../../parallel/ranks.js";
import { noRowsIn } from "../table-builder.js";
import { type BlockIndex, CacheWriter } from "./cache-file.node.js";
import type { CacheFolder } from "./cache-folder.node.js";
import { type CacheReading, cacheParts, type FirstPass } from "./cache-parts.node.js";
import { type Part, type Parts, shareOf } from "./parts.node.js";
import { joinedSurveys, noRows, type RowsSurvey } from "./rank-survey.js";

/** Of the layout: caches of another version are written anew. */
const VERSION = 4;

export interface FirstPassWork {
  readonly ranks: Ranks;
  readonly folder: CacheFolder;
  /** Is told before the cache is written: its folder; and of rows and bytes of files while they are read. */
  readonly onStart: (parts: readonly Part[]) => Promise<void>;
  readonly onRead: (rows: number, bytes: number, totalBytes: number) => void;
  /** Is told of a cache that is there: its bytes, and whether it was there before. */
  readonly onCache: (bytes: number, kept: boolean) => void;
}

/** What is written beside a cache that stays, so that it can be used again. */
interface Manifest extends Omit<FirstPass, "texts" | "rounding"> {
  readonly fingerprint: string;
  readonly index: BlockIndex;
  readonly texts: readonly (readonly [string, readonly string[]])[];
  readonly rounding: readonly (readonly [string, number])[];
}

/** The rows of a table in the cache of this rank. Plain data, so that other threads can read them too. */
export interface CachedRows {
  /** As messages call the table. */
  readonly source: string;
  readonly pass: FirstPass;
  /** Of all ranks. */
  readonly survey: RowsSurvey;
  /** Rows of the ranks before this one. */
  readonly firstRow: number;
  /** The file, and as the system knows it while it is open: it may have no name any more. */
  readonly file: string;
  readonly handle: number;
  readonly index: BlockIndex;
  /** What messages add to the rows of a block: ", on rank 1". */
  readonly whose: string;
}

/**
 * Reads this rank's share of a table's files into the cache, or finds them there from before. Whoever asks closes its handle.
 * @param name of the cache: "training"
 * @throws input: files that cannot be read, or do not go together. resource: the cache cannot be written
 */
export async function cachedRows(
  { parts, name: source, notes }: Parts,
  name: string,
  reading: CacheReading,
  work: FirstPassWork,
): Promise<CachedRows> {
  const { ranks } = work;
  const own = await firstPass(shareOf(parts, ranks.rank, ranks.size), name, reading, work);
  try {
    const surveys = await exchange(ranks, own.pass.survey);
    const survey = surveys.reduce(joinedSurveys, { ...noRows(), notes: [...notes] });
    if (survey.rows === 0) throw noRowsIn(source, survey.declared !== null || survey.columns.length > 0);
    const firstRow = surveys.slice(0, ranks.rank).reduce((sum, { rows }) => sum + rows, 0);
    return { ...own, source, survey, firstRow };
  } catch (error) {
    closeSync(own.handle);
    throw error;
  }
}

type OwnRows = Omit<CachedRows, "source" | "survey" | "firstRow">;

async function firstPass(
  parts: readonly Part[],
  name: string,
  reading: CacheReading,
  { ranks, folder, onStart, onRead, onCache }: FirstPassWork,
): Promise<OwnRows> {
  const mine = ranks.size === 1 ? name : `${name}-${ranks.rank + 1}of${ranks.size}`;
  const whose = ranks.size === 1 ? "" : `, on rank ${ranks.rank}`;
  const { unused, ...options } = reading;
  const fingerprint = JSON.stringify([VERSION, options, ranks.rank, ranks.size, parts.map((part) => part.fingerprint)]);
  const kept = () => keptPass(folder.readJson(`${mine}.json`), fingerprint, unused);
  const before = kept();
  if (before !== null) {
    const file = folder.file(`${mine}.rows`);
    const handle = opened(file);
    const isStillKept = kept() !== null; // another run removes the description before it writes other rows
    const { offsets } = before.index;
    const bytes = offsets[offsets.length - 1];
    if (isStillKept && handle !== null && fstatSync(handle).size === bytes) {
      onCache(bytes, true);
      return { ...before, file, handle, whose };
    }
    if (handle !== null) closeSync(handle);
  }
  await onStart(parts);
  const total = parts.reduce((sum, { size }) => sum + size, 0);
  let bytes = 0;
  for (const name of [`${mine}.json`, `${mine}.rows`]) folder.remove(name);
  const file = folder.file(`${mine}.rows`);
  const writer = new CacheWriter(file);
  if (!folder.stays) folder.unname(`${mine}.rows`);
  let pass: FirstPass;
  try {
    pass = await cacheParts(parts, writer, reading, (rows, read) => {
      bytes = Math.min(bytes + read, total);
      onRead(rows, bytes, total);
    });
  } catch (error) {
    // Of a cache that was to stay, half is nothing to keep.
    if (isAt(file, writer.identity)) folder.remove(`${mine}.rows`);
    writer.close();
    throw error;
  }
  const { index } = writer;
  if (folder.stays) writer.close();
  const handle = folder.stays ? opened(file) : writer.handle;
  if (handle === null) throw inputError(`The cache ${file} is gone; run again, and leave it in place until the end.`);
  if (fstatSync(handle).ino !== writer.identity) {
    closeSync(handle);
    throw inputError(
      `Another run wrote its cache over ${file} meanwhile; run again, and give each of them a --cache of its own.`,
    );
  }
  const manifest: Manifest = { ...pass, fingerprint, index, texts: [...pass.texts], rounding: [...pass.rounding] };
  if (folder.stays) folder.writeJson(`${mine}.json`, manifest);
  onCache(writer.size, false);
  return { pass, index, file, handle, whose };
}

/** Whether a file still is the one that was written: another run may have taken its name. */
const isAt = (file: string, identity: number): boolean => statSync(file, { throwIfNoEntry: false })?.ino === identity;

/** null where there is no such file. */
function opened(file: string): number | null {
  try {
    return openSync(file, "r");
  } catch {
    return null;
  }
}

/** What was written beside a cache of exactly these files and options. */
function keptPass(
  found: unknown,
  fingerprint: string,
  unused: readonly string[],
): { pass: FirstPass; index: BlockIndex } | null {
  if (typeof found !== "object" || found === null || !("fingerprint" in found)) return null;
  if (found.fingerprint !== fingerprint) return null;
  const { index, texts, rounding, survey, parts, blanked } = found as Manifest;
  if (!blanked.every((name) => unused.includes(name))) return null;
  return { pass: { survey, parts, texts: new Map(texts), rounding: new Map(rounding), blanked }, index };
}
