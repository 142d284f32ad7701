import { inputError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { type ByteSource, bytesSource, headOf, joined } from "./source.js";
import { gunzipped } from "./unpack.js";

/** An array of an IDX file (the format of MNIST): bytes 0 … 255, row-major. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

const UNSIGNED_BYTE = 0x08;
const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [0x09, "signed bytes"],
  [0x0b, "16-bit integers"],
  [0x0c, "32-bit integers"],
  [0x0d, "float"],
  [0x0e, "double"],
]);
const chunkBytes = 1 << 15;
const mostDimensions = 4;
const largestArray = 2 ** 31; // bytes

/**
 * Reads an IDX file of unsigned bytes, plain or gzipped: two zeros, the type, the number of dimensions, each dimension as
 * a 32-bit number (big-endian), the bytes. A gzip file is unpacked no further than its header promises.
 *
 * @param name what messages call the file
 * @throws AifError "input" where the file is no IDX file, holds another type, or has more or fewer bytes than its shape
 */
export async function readIdx(bytes: Uint8Array, name = "the IDX file"): Promise<IdxArray> {
  const plain = { ...bytesSource(bytes, name), stream: () => smallChunks(bytes) };
  return readIdxSource(bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipped(plain) : plain);
}

/** The same of a source that is not packed. */
export async function readIdxSource(source: ByteSource): Promise<IdxArray> {
  const { shape, offset, length } = parseHeader(await headOf(source, 4 + 4 * mostDimensions), source.name);
  return { shape, data: await dataOf(source, offset, length, source.name) };
}

/** What a small chunk of a gzip file unpacks to is small enough to be looked at before the next one. */
async function* smallChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

function parseHeader(
  head: Uint8Array,
  name: string,
  largest = largestArray,
): { shape: number[]; offset: number; length: number } {
  const [zero, alsoZero, type, rank] = head;
  if (head.length < 4 || zero !== 0 || alsoZero !== 0 || (type !== UNSIGNED_BYTE && !TYPE_NAMES.has(type))) {
    throw inputError(`${name} is no IDX file; it must begin with two zeros, a type and a number of dimensions.`);
  }
  if (type !== UNSIGNED_BYTE) {
    throw inputError(
      `${name} holds ${TYPE_NAMES.get(type)}; only IDX files of unsigned bytes (images, labels) can be read.`,
    );
  }
  const offset = 4 + 4 * rank;
  if (rank < 1 || rank > mostDimensions) {
    throw inputError(`${name} has ${rank} dimensions; IDX files of 1 to ${mostDimensions} can be read.`);
  }
  if (head.length < offset) throw inputError(`${name} is cut off in its header; copy or download it again.`);
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const shape = Array.from({ length: rank }, (_, k) => view.getUint32(4 + 4 * k));
  const length = shape.reduce((product, side) => product * BigInt(side), 1n);
  if (length === 0n) throw inputError(`${name} is empty: its shape is [${shape.join(", ")}].`);
  if (length > BigInt(largest)) {
    throw inputError(`${name} claims the shape [${shape.join(", ")}], ${length} bytes; at most 2 GiB can be read.`);
  }
  return { shape, offset, length: Number(length) };
}

/** The bytes behind the header in one array. */
async function dataOf(source: ByteSource, offset: number, length: number, name: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of dataChunks(source, offset, length, name)) chunks.push(chunk);
  return chunks.length === 1 ? chunks[0].slice() : joined(chunks);
}

/** The bytes behind the header as they come. @throws input: they are not as many as the shape says */
async function* dataChunks(
  source: ByteSource,
  offset: number,
  length: number,
  name: string,
): AsyncGenerator<Uint8Array> {
  let found = -offset;
  for await (const chunk of source.stream()) {
    const before = found;
    found += chunk.length;
    if (found > length) throw inputError(`${name} has more bytes than the ${length} of its shape; copy it again.`);
    if (found > 0) yield before < 0 ? chunk.subarray(-before) : chunk;
  }
  if (found < length) {
    throw inputError(
      `${name} is cut off: its shape needs ${length} bytes, found ${Math.max(0, found)}; copy it again.`,
    );
  }
}

/** The shape, and the entries along the first dimension one by one, each valid until the next. */
export async function idxEntries(
  source: ByteSource,
): Promise<{ readonly shape: readonly number[]; readonly entries: AsyncIterable<Uint8Array> }> {
  const head = await headOf(source, 4 + 4 * mostDimensions);
  const { shape, offset, length } = parseHeader(head, source.name, Number.MAX_SAFE_INTEGER);
  return { shape, entries: entriesOf(dataChunks(source, offset, length, source.name), length / shape[0]) };
}

async function* entriesOf(chunks: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : joined([rest, chunk]);
    let at = 0;
    for (; at + size <= bytes.length; at += size) yield bytes.subarray(at, at + size);
    rest = bytes.slice(at);
  }
}

/**
 * Images as rows: n × (product of the other dimensions), values 0 … 255.
 *
 * @param from, to the rows from `from` (inclusive) to `to` (exclusive); default: all
 */
export function idxMatrix({ shape, data }: IdxArray, from = 0, to = shape[0]): Matrix {
  const columns = shape.slice(1).reduce((product, side) => product * side, 1);
  return new Matrix(Float64Array.from(data.subarray(from * columns, to * columns)), to - from, columns);
}
