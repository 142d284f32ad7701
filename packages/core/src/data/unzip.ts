/**
 * A reader of zip archives that nobody vouches for. Sizes come from the central directory; each is compared with the bytes
 * that are there before anything is allocated, and every file with its length and CRC-32 after it is unpacked.
 *
 * Source: PKWARE's APPNOTE.TXT, sections 4.3 and 4.5.3.
 */
import { AifError, inputError } from "../errors.js";
import { crc32 } from "./crc32.js";
import { inflateTo } from "./inflate.js";
import { quoted } from "./names.js";
import { bomb, mayUnpackTo } from "./unpack-budget.js";

const END = 0x06054b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
const LOCATOR_64 = 0x07064b50;
const LOCATOR_64_BYTES = 20;
const END_64 = 0x06064b50;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const ZIP_64 = 0x0001;
/** Of a size or place that stands in the zip64 field. */
const ELSEWHERE = 0xffffffff;
const MOST_FILES = 10_000;
const [STORED, DEFLATED] = [0, 8];

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly unpacked: number;
  readonly at: number;
}

export interface UnzipOptions {
  /** Which files, by their names. */
  readonly wanted: (file: string) => boolean;
  /** Is told how many bytes they unpack to, before they are; may throw. */
  readonly check: (bytes: number) => void;
}

/**
 * Files of an archive by their names.
 * @param name what messages call the archive
 * @throws AifError "input": damaged, encrypted, packed in another way than deflate, or made to unpack without end
 */
export function unzipped(bytes: Uint8Array, name: string, { wanted, check }: UnzipOptions): Map<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const entries = entriesOf(bytes, view).filter((entry) => wanted(entry.name));
    const total = entries.reduce((sum, { unpacked }) => sum + unpacked, 0);
    if (!mayUnpackTo(total, bytes.length)) throw bomb(name);
    check(total);
    const files = new Map<string, Uint8Array>();
    for (const entry of entries) {
      if (files.has(entry.name)) throw inputError(`${name} holds ${quoted(entry.name)} twice; write it again.`);
      files.set(entry.name, contentOf(entry, bytes, view, name));
    }
    return files;
  } catch (cause) {
    if (cause instanceof AifError) throw cause;
    throw new AifError("input", `${name} is a damaged or cut off zip archive; copy or write it again.`, { cause });
  }
}

/** Places outside the archive are RangeErrors of the view. */
function entriesOf(bytes: Uint8Array, view: DataView): Entry[] {
  const end = endOf(view);
  let count = view.getUint16(end + 10, true);
  let at = view.getUint32(end + 16, true);
  const locator = end - LOCATOR_64_BYTES;
  if (locator >= 0 && view.getUint32(locator, true) === LOCATOR_64) {
    const end64 = integer64(view, locator + 8);
    if (view.getUint32(end64, true) !== END_64) throw new Error("no zip64 end");
    count = integer64(view, end64 + 32);
    at = integer64(view, end64 + 48);
  }
  if (count > MOST_FILES) throw new Error(`${count} files`);
  const entries: Entry[] = [];
  for (let k = 0; k < count; k++) {
    if (view.getUint32(at, true) !== ENTRY) throw new Error("no entry");
    const lengths = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const next = at + ENTRY_BYTES + lengths.reduce((sum, length) => sum + length, 0);
    if (next > end) throw new Error("an entry beyond the end");
    const name = bytes.subarray(at + ENTRY_BYTES, at + ENTRY_BYTES + lengths[0]);
    const [unpacked, packed, place] = sizesOf(view, at, at + ENTRY_BYTES + lengths[0], lengths[1]);
    entries.push({
      name: new TextDecoder().decode(name),
      method: view.getUint16(at + 8, true) & 1 ? -1 : view.getUint16(at + 10, true), // bit 0: encrypted
      crc: view.getUint32(at + 16, true),
      packed,
      unpacked,
      at: place,
    });
    at = next;
  }
  return entries;
}

/** From behind: a comment may follow. */
function endOf(view: DataView): number {
  const last = view.byteLength - END_BYTES;
  for (let at = last; at >= Math.max(0, last - LONGEST_COMMENT); at--) if (view.getUint32(at, true) === END) return at;
  throw new Error("no end");
}

/** Lengths and place: those that do not fit 32 bits stand, in this order, in the zip64 field. */
function sizesOf(view: DataView, at: number, extra: number, length: number): number[] {
  const sizes = [24, 20, 42].map((field) => view.getUint32(at + field, true));
  if (!sizes.includes(ELSEWHERE)) return sizes;
  for (let field = extra; field + 4 <= extra + length; field += 4 + view.getUint16(field + 2, true)) {
    if (view.getUint16(field, true) !== ZIP_64) continue;
    let from = field + 4;
    return sizes.map((size) => {
      if (size !== ELSEWHERE) return size;
      from += 8;
      return integer64(view, from - 8);
    });
  }
  return sizes;
}

function integer64(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(view.byteLength) * 2000n) throw new Error(`${value} is no place or size in this archive`);
  return Number(value);
}

function contentOf(entry: Entry, bytes: Uint8Array, view: DataView, archive: string): Uint8Array {
  const { name, method, crc, packed, unpacked, at } = entry;
  if (method !== STORED && method !== DEFLATED) {
    throw inputError(
      `${archive}: ${quoted(name)} is encrypted or packed in a way that cannot be read; write it again.`,
    );
  }
  if (view.getUint32(at, true) !== LOCAL) throw new Error("no file where one should be");
  const from = at + LOCAL_BYTES + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  if (from + packed > bytes.length) throw new Error("a file beyond the end");
  const part = bytes.subarray(from, from + packed);
  const content = method === STORED ? part : inflateTo(unpacked, part, "deflate");
  if (content.length !== unpacked || crc32(content) !== crc) throw new Error(`${name} has changed`);
  return content;
}
