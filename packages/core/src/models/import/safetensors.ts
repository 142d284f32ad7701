import { quoted } from "../../data/names.js";
import { type AifError, inputError } from "../../errors.js";
import { shapeText } from "./elements.js";
import { type Json, parseJson } from "./json.js";

/** A tensor of a safetensors file: a view of the file's bytes. */
export interface SafeTensor {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  /** Product of the shape × bytes a number, little-endian, row-major. */
  readonly bytes: Uint8Array;
}

/** Bytes a number. */
const SIZES: ReadonlyMap<string, number> = new Map([
  ["BOOL", 1],
  ["U8", 1],
  ["I8", 1],
  ["F8_E5M2", 1],
  ["F8_E4M3", 1],
  ["I16", 2],
  ["U16", 2],
  ["F16", 2],
  ["BF16", 2],
  ["I32", 4],
  ["U32", 4],
  ["F32", 4],
  ["I64", 8],
  ["U64", 8],
  ["F64", 8],
]);

const largestHeader = 100_000_000;
const prefix = 8;

/**
 * The tensors of a safetensors file by name, in the header's order: 8 bytes with the length of the header, a header in
 * JSON, then the numbers. Source: github.com/huggingface/safetensors, "Format".
 *
 * @param file what messages call the file
 * @throws AifError "input" for a header beyond min(100 MB, file − 8), keys that repeat, types that are not known, and
 *   tensors that do not cover the rest of the file exactly: inside, without overlap or gap, of shape × type bytes
 */
export function readSafetensors(bytes: Uint8Array, file = "the safetensors file"): ReadonlyMap<string, SafeTensor> {
  const header = headerOf(bytes, file);
  const data = bytes.subarray(prefix + header.length);
  const json = parseJson(decodedHeader(header, file), file);
  if (!(json instanceof Map)) throw damaged(file, "its header is no JSON object");
  const tensors = new Map<string, SafeTensor>();
  const places: { name: string; begin: number; end: number }[] = [];
  for (const [name, entry] of json) {
    if (name === "__metadata__") continue;
    const { type, shape, begin, end } = entryOf(name, entry, data.length, file);
    places.push({ name, begin, end });
    tensors.set(name, { name, type, shape, bytes: data.subarray(begin, end) });
  }
  checkCover(places, data.length, file);
  return tensors;
}

function headerOf(bytes: Uint8Array, file: string): Uint8Array {
  if (bytes.length < prefix) throw damaged(file, `it has ${bytes.length} bytes, too few for a header`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, prefix).getBigUint64(0, true);
  const limit = Math.min(largestHeader, bytes.length - prefix);
  if (length > BigInt(limit)) throw damaged(file, `its header claims ${length} bytes, at most ${limit} are possible`);
  return bytes.subarray(prefix, prefix + Number(length));
}

function decodedHeader(header: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(header);
  } catch {
    throw damaged(file, "its header is not UTF-8 text");
  }
}

interface Entry {
  readonly type: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function entryOf(name: string, entry: Json, room: number, file: string): Entry {
  const where = `tensor ${quoted(name)}`;
  if (!(entry instanceof Map)) throw damaged(file, `${where} has no entry`);
  const type = entry.get("dtype");
  const shape = lengths(entry.get("shape"));
  const offsets = lengths(entry.get("data_offsets"));
  if (typeof type !== "string" || shape === null || offsets?.length !== 2) {
    throw damaged(file, `${where} lacks a dtype, a shape or two data_offsets of whole numbers`);
  }
  const size = SIZES.get(type);
  if (size === undefined) throw damaged(file, `${where} has the type ${quoted(type)}, which is not known`);
  const [begin, end] = offsets;
  if (begin > end || end > room) throw damaged(file, `${where} lies at bytes ${begin} to ${end} of ${room}`);
  const expected = shape.reduce((product, length) => product * BigInt(length), BigInt(size));
  if (expected !== BigInt(end - begin)) {
    throw damaged(
      file,
      `${where} of type ${type} and shape ${shapeText(shape)} needs ${expected} bytes, found ${end - begin}`,
    );
  }
  return { type, shape, begin, end };
}

const mostDimensions = 8;

const lengths = (json: Json | undefined): readonly number[] | null =>
  Array.isArray(json) &&
  json.length <= mostDimensions &&
  json.every((value): value is number => Number.isSafeInteger(value) && Number(value) >= 0)
    ? json
    : null;

function checkCover(
  places: { readonly name: string; readonly begin: number; readonly end: number }[],
  length: number,
  file: string,
): void {
  let at = 0;
  for (const { name, begin, end } of places.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin < at) throw damaged(file, `tensor ${quoted(name)} overlaps the one before it`);
    if (begin > at) throw damaged(file, `bytes ${at} to ${begin} belong to no tensor`);
    at = end;
  }
  if (at !== length) throw damaged(file, `bytes ${at} to ${length} belong to no tensor`);
}

const damaged = (file: string, what: string): AifError =>
  inputError(`${file} is cut off, damaged or no safetensors file: ${what}; save or copy it again.`);
