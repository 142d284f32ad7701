import { sampleRows, sniffDialect } from "../delimited-sniff.js";
import { formatOf } from "../format.js";
import { decodeText } from "../lines.js";
import { parseHeader } from "../npy-header.js";
import { type ByteSource, headOf } from "../source.js";
import { fromUtf16, gunzipped } from "../unpack.js";

const SAMPLE_BYTES = 1 << 16;
/** Text in tables packs about so well. */
const GZIP_RATIO = 4;

/** About how much a table holds. */
export interface TableSize {
  /** 0 where the file does not tell. */
  readonly rows: number;
  readonly cells: number;
}

/** About how many bytes the cells of a file take as float64. @throws input: the file is no table */
export const estimatedBytes = async (source: ByteSource): Promise<number> => 8 * (await estimatedSize(source)).cells;

/** About how many rows and cells a file holds, by its size and first bytes. @throws input: the file is no table */
export async function estimatedSize(source: ByteSource, size = source.size ?? 0): Promise<TableSize> {
  const head = await headOf(source, SAMPLE_BYTES);
  if (head.length === 0) return { rows: 0, cells: 0 };
  const format = formatOf(head, source.name);
  switch (format) {
    case "gzip":
      return estimatedSize(gunzipped(source), size * GZIP_RATIO);
    case "utf-16le":
    case "utf-16be":
      return estimatedSize(fromUtf16(source, format), size / 2);
    case "parquet":
      return (await import("../parquet.js")).parquetSize(source);
    case "npy": {
      const { shape } = parseHeader(head, size, source.name);
      return { rows: shape[0], cells: shape.reduce((product, length) => product * length, 1) };
    }
    case "idx":
      return { rows: new DataView(head.buffer, head.byteOffset).getUint32(4), cells: size };
    case "zip":
      return { rows: 0, cells: size / 4 };
    case "json-lines":
      return sizeOfText(head, size, (line) => line.split(":").length - 1, source.name);
    case "delimited":
      return sizeOfText(head, size, () => columnsOf(head, source.name), source.name);
  }
  return { rows: 0, cells: 0 };
}

function columnsOf(head: Uint8Array, name: string): number {
  const text = wholeLines(head, name);
  return sampleRows(text, sniffDialect(text, undefined))[0]?.length ?? 1;
}

function sizeOfText(head: Uint8Array, size: number, cells: (line: string) => number, name: string): TableSize {
  const text = wholeLines(head, name);
  const lines = text.split("\n").filter((line) => line !== "");
  const bytes = text.length / Math.max(lines.length, 1);
  const rows = size / Math.max(bytes, 1);
  return { rows, cells: rows * cells(lines[lines.length - 1] ?? "") };
}

/** The sample up to its last line's end, or, within a first line, up to a character of one byte, so that none is cut. */
function wholeLines(head: Uint8Array, name: string): string {
  const end = head.lastIndexOf(0x0a);
  const last = end < 0 ? head.findLastIndex((byte) => byte < 0x80) : end;
  return decodeText(head.subarray(0, last + 1), name);
}

/** A number of bytes for people, rounded up: "300 bytes", "3 kB", "12 MB", "1.5 GB". */
export function readableBytes(bytes: number): string {
  if (bytes < 1e3) return `${Math.ceil(bytes)} bytes`;
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
