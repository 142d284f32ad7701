/**
 * Looks through the pages of a column before the library that decodes them does: that one makes arrays as long as a page
 * says, repeats a value as often as a run says, and follows lengths that lead backwards. Each number that decides how much is
 * made or how far is gone is compared here with the rows and bytes that there are.
 *
 * Source: github.com/apache/parquet-format, Encodings.md and parquet.thrift.
 */
import type { CompressionCodec, ParquetType } from "hyparquet";
import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import { readThrift, type ThriftStruct } from "./parquet-thrift.js";

/** A column that holds one value a row. */
export interface FlatColumn {
  readonly type: ParquetType;
  /** Of a value of FIXED_LEN_BYTE_ARRAY. */
  readonly fixedLength: number;
  /** Whether levels before the values tell which are null. */
  readonly optional: boolean;
  readonly codec: CompressionCodec;
}

/** Unpacks a page. Throws where it unpacks to another length, or to more than is allowed. */
export type Unpack = (packed: Uint8Array, length: number, codec: CompressionCodec) => Uint8Array;

const [DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_2] = [0, 2, 3];
const [PLAIN, PLAIN_DICTIONARY, RLE, DELTA, DELTA_LENGTHS, DELTA_BYTES, RLE_DICTIONARY, SPLIT] = [
  0, 2, 3, 5, 6, 7, 8, 9,
];
const MOST_FIXED_BYTES = 1 << 16;
const FIXED_BYTES: ReadonlyMap<ParquetType, number> = new Map([
  ["INT32", 4],
  ["FLOAT", 4],
  ["INT64", 8],
  ["DOUBLE", 8],
  ["INT96", 12],
]);
/** Values of texts that begin as the one before: how much they may grow. */
const MOST_GROWTH = 300;
const HARMLESS_GROWTH = 1 << 24;

/**
 * @param chunk the pages of one column in one group of rows
 * @param rows how many rows the group has
 * @throws Error where a page does not hold what it says
 */
export function checkPages(chunk: Uint8Array, column: FlatColumn, rows: number, unpack: Unpack): void {
  let at = 0;
  for (let seen = 0; seen < rows && at < chunk.length - 1; ) {
    const header = readThrift(chunk, at);
    const length = numberOf(header, 3);
    const page = chunk.subarray(header.end, header.end + length);
    if (page.length < length) throw new Error("a page beyond the end");
    seen += checkPage(header, page, column, rows - seen, unpack);
    at = header.end + length;
  }
}

/** How many values it holds for rows. */
function checkPage(header: ThriftStruct, page: Uint8Array, column: FlatColumn, rows: number, unpack: Unpack): number {
  const length = numberOf(header, 2);
  switch (numberOf(header, 1)) {
    case DATA_PAGE: {
      const data = structOf(header, 5);
      const count = numberOf(data, 1);
      if (count > rows) throw new Error(`a page of ${count} values for ${rows} rows`);
      const bytes = unpack(page, length, column.codec);
      let from = 0;
      let present = count;
      if (column.optional) {
        const end = 4 + uint32(bytes, 0);
        present = checkRuns(bytes.subarray(0, end), 4, 1, count);
        from = end;
      }
      checkValues(bytes.subarray(from), numberOf(data, 2), present, column);
      return count;
    }
    case DATA_PAGE_2: {
      const data = structOf(header, 8);
      const [count, nulls, encoding, levels, repeats] = [1, 2, 4, 5, 6].map((field) => numberOf(data, field));
      if (count > rows || nulls > count) throw new Error(`a page of ${count} values for ${rows} rows`);
      if (repeats !== 0 || levels > page.length) throw new Error("levels beyond the page");
      if (column.optional) checkRuns(page.subarray(0, levels), 0, 1, count);
      const rest = page.subarray(levels);
      const bytes = data.numbers.get(7) === 0 ? rest : unpack(rest, length - levels, column.codec);
      checkValues(bytes, encoding, count - nulls, column);
      return count;
    }
    case DICTIONARY_PAGE: {
      const count = numberOf(structOf(header, 7), 1);
      checkPlain(unpack(page, length, column.codec), count, column);
      return 0;
    }
    default:
      throw new Error("a page of another kind");
  }
}

function checkValues(bytes: Uint8Array, encoding: number, count: number, column: FlatColumn): void {
  switch (encoding) {
    case PLAIN:
      return checkPlain(bytes, count, column);
    case PLAIN_DICTIONARY:
    case RLE_DICTIONARY:
    case RLE:
      if (column.type === "BOOLEAN") checkRuns(bytes.subarray(0, 4 + uint32(bytes, 0)), 4, 1, count);
      else checkRuns(bytes, 1, bytes[0] ?? 0, count);
      return;
    case DELTA:
    case DELTA_LENGTHS:
      checkDeltas(bytes, 0);
      return;
    case DELTA_BYTES:
      return checkGrowth(bytes, count);
    case SPLIT:
      if (count * sizeOf(column) > bytes.length) throw new Error(`${count} values in ${bytes.length} bytes`);
      return;
    default:
      throw new Error(`the encoding ${encoding} cannot be read`);
  }
}

function checkPlain(bytes: Uint8Array, count: number, column: FlatColumn): void {
  const { type } = column;
  if (type === "BYTE_ARRAY") {
    let at = 0;
    for (let k = 0; k < count; k++) at += 4 + uint32(bytes, at);
    if (at > bytes.length) throw new Error("a text beyond the page");
  } else {
    const needed = type === "BOOLEAN" ? Math.ceil(count / 8) : count * sizeOf(column);
    if (needed > bytes.length) throw new Error(`${count} values in ${bytes.length} bytes`);
  }
}

function sizeOf({ type, fixedLength }: FlatColumn): number {
  const size = FIXED_BYTES.get(type) ?? fixedLength;
  if (size >= 1 && size <= MOST_FIXED_BYTES) return size;
  throw new Error(`values of ${size} bytes`);
}

/**
 * Runs of equal values and of packed bits until there are `count` values.
 * @param width bits a value
 * @returns how many values are 1, where width is 1
 */
function checkRuns(bytes: Uint8Array, from: number, width: number, count: number): number {
  if (width > 32) throw new Error(`${width} bits a value`);
  let [at, seen, ones] = [from, 0, 0];
  while (seen < count) {
    const { value: head, end } = varint(bytes, at);
    at = end;
    const length = head >>> 1;
    if ((head & 1) === 0) {
      if (length > count - seen) throw new Error(`a run of ${length} where ${count - seen} values are left`);
      if (width === 1 && (bytes[at] & 1) === 1) ones += length;
      at += (width + 7) >> 3;
      seen += length;
      continue;
    }
    const values = 8 * length;
    // Values of no bits take no bytes, but the library reads one for them: only the last run may be such a one.
    const isRead = width > 0 || values >= count - seen;
    if (length === 0 || !isRead || values > count - seen + 7) throw new Error(`${values} packed values`);
    const used = Math.min(values, count - seen);
    if (width === 1) for (let k = 0; k < used; k++) ones += (bytes[at + (k >> 3)] >> (k & 7)) & 1;
    at += length * width;
    seen += used;
  }
  return ones;
}

/** The lengths of the blocks that numbers written as differences lie in: none may be 0 or lead backwards. */
function checkDeltas(bytes: Uint8Array, from: number): void {
  const block = varint(bytes, from);
  const parts = varint(bytes, block.end);
  const values = block.value / parts.value;
  if (block.value > 1 << 20 || !(values >= 8) || values % 8 !== 0) throw new Error(`blocks of ${values} values`);
}

/** Texts that begin as the one before hold far more than their bytes. */
function checkGrowth(bytes: Uint8Array, count: number): void {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
  let grown = 0;
  for (let list = 0; list < 2; list++) {
    checkDeltas(bytes, reader.offset);
    const lengths = new Int32Array(count);
    deltaBinaryUnpack(reader, count, lengths);
    for (const length of lengths) {
      if (length < 0) throw new Error("a length below 0");
      grown += length;
    }
  }
  if (grown > Math.max(HARMLESS_GROWTH, MOST_GROWTH * bytes.length)) throw new Error(`texts of ${grown} bytes`);
}

/** Of 32 bits. */
function varint(bytes: Uint8Array, from: number): { value: number; end: number } {
  let value = 0;
  for (let k = 0; k < 5; k++) {
    if (from + k >= bytes.length) break;
    value += (bytes[from + k] & 0x7f) * 2 ** (7 * k);
    if (bytes[from + k] < 0x80 && value < 2 ** 31) return { value, end: from + k + 1 };
  }
  throw new Error("no number of 31 bits");
}

function uint32(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) throw new Error("a length beyond the page");
  return new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
}

function structOf(header: ThriftStruct, field: number): ThriftStruct {
  const found = header.structs.get(field);
  if (found === undefined) throw new Error("a page without its header");
  return found;
}

/** A length or count of 31 bits. */
function numberOf(header: ThriftStruct, field: number): number {
  const found = header.numbers.get(field);
  if (found === undefined || !(found >= 0) || found >= 2 ** 31) throw new Error("a page with an impossible header");
  return found;
}
