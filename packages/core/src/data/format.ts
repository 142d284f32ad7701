import { type AifError, inputError } from "../errors.js";
import { decodeText } from "./lines.js";

/** What a file is by its first bytes. */
export type Format = "gzip" | "parquet" | "npy" | "zip" | "idx" | "utf-16le" | "utf-16be" | "json-lines" | "delimited";

interface Rule {
  readonly starts: readonly number[];
  readonly format?: Format;
  /** What to say of a file that cannot be read. */
  readonly refuse?: string;
}

const ascii = (text: string): number[] => Array.from(text, (character) => character.charCodeAt(0));

/** First bytes that decide, in this order. */
const rules: readonly Rule[] = [
  { starts: [0x1f, 0x8b], format: "gzip" },
  { starts: ascii("PAR1"), format: "parquet" },
  { starts: ascii("PARE"), refuse: "is an encrypted Parquet file; write it without encryption" },
  { starts: [0x93, ...ascii("NUMPY")], format: "npy" },
  { starts: ascii("PK\u0003\u0004"), format: "zip" },
  ...[0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e].map((type): Rule => ({ starts: [0, 0, type], format: "idx" })),
  { starts: [0xff, 0xfe], format: "utf-16le" },
  { starts: [0xfe, 0xff], format: "utf-16be" },
  { starts: [0x89, ...ascii("HDF")], refuse: "is an HDF5 file; export its table as CSV or Parquet" },
  { starts: ascii("SQLite format 3"), refuse: "is an SQLite database; export its table as CSV" },
  { starts: [0xd0, 0xcf, 0x11, 0xe0], refuse: "is an old Excel workbook; save the sheet as CSV" },
  { starts: ascii("BZh"), refuse: "is packed with bzip2; unpack it first" },
  { starts: [0xfd, ...ascii("7zXZ")], refuse: "is packed with xz; unpack it first" },
  { starts: [0x28, 0xb5, 0x2f, 0xfd], refuse: "is packed with zstd; unpack it first" },
  { starts: ascii("%PDF"), refuse: "is a PDF document; give the table as CSV" },
];

/** What an ending promises, so that a file of other content is refused and not read as text. */
const promised: readonly (readonly [RegExp, string])[] = [
  [
    /\.(parquet|pq)$/i,
    "is not a Parquet file although it is named like one; give the file that was written as Parquet",
  ],
  [/\.np[yz]$/i, "is not a NumPy file although it is named like one; write it with numpy.save or numpy.savez"],
  [/\.xlsx?$/i, "is not a table that can be read; save the sheet as CSV"],
];

/** Decides by content first and by the name's ending second. Throws an input error where the file is no table. */
export function formatOf(head: Uint8Array, name: string): Format {
  const rule = rules.find(({ starts }) => starts.every((byte, i) => head[i] === byte));
  if (rule?.format !== undefined) return rule.format;
  if (rule?.refuse !== undefined) throw inputError(`${name} ${rule.refuse}.`);
  const broken = promised.find(([ending]) => ending.test(name));
  if (broken !== undefined) throw inputError(`${name} ${broken[1]}.`);
  if (head.subarray(0, 1 << 16).includes(0)) throw binary(name);
  return isJsonLines(head, name) ? "json-lines" : "delimited";
}

const binary = (name: string): AifError =>
  inputError(`${name} is a binary file, not a table; give a CSV, JSON lines, Parquet, NumPy or IDX file.`);

function isJsonLines(head: Uint8Array, name: string): boolean {
  const line = firstLine(head, name);
  const named = /\.(jsonl|ndjson|json)(\.gz)?$/i.test(name);
  if (named && line.startsWith("[")) {
    throw inputError(`${name} holds one JSON array; write one object per line (jq -c '.[]').`);
  }
  if (!line.startsWith("{")) return named;
  if (named) return true;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object";
  } catch {
    return false;
  }
}

function firstLine(head: Uint8Array, name: string): string {
  const start = head[0] === 0xef ? 3 : 0;
  const end = head.findIndex((byte, i) => (byte === 0x0a || byte === 0x0d) && i > start);
  return decodeText(head.subarray(start, end < 0 ? lastWhole(head) : end), name).trim();
}

/** A cut that does not fall inside a character. */
function lastWhole(head: Uint8Array): number {
  let end = head.length;
  for (let back = 0; back < 3 && end > 0 && (head[end - 1] & 0xc0) === 0x80; back++) end--;
  return end > 0 && head[end - 1] >= 0xc0 ? end - 1 : end;
}
