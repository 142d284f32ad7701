/**
 * One block of a row cache, little-endian:
 *
 *     0  u32  magic "AIFB"
 *     4  u32  CRC-32 of all bytes from 8 on
 *     8  u32  rows r
 *    12  u32  columns
 *    16  f64  rows of the file before the block
 *    24  u32  place of the file among those of this cache
 *    28  u32  0
 *    32  u8   a kind for each column, padded to a multiple of 8
 *             then column by column, each padded to a multiple of 8:
 *             kind 0: r × f64 (NaN: missing) · kind 1: r × i32, places among the column's texts (−1: missing, −2: one too many)
 *             kind 2: r × f32
 */
const BLOCK_MAGIC = 0x42464941;
const HEADER_BYTES = 32;

export type CellKind = 0 | 1 | 2;

const cellBytes: Readonly<Record<CellKind, number>> = { 0: 8, 1: 4, 2: 4 };
const padded = (bytes: number): number => Math.ceil(bytes / 8) * 8;

export const blockBytes = (rows: number, kinds: readonly CellKind[]): number =>
  HEADER_BYTES + padded(kinds.length) + kinds.reduce((sum: number, kind) => sum + padded(rows * cellBytes[kind]), 0);

/** Cells of one column of a block: views of the block's bytes. */
export type BlockColumn = Float64Array | Int32Array | Float32Array;

export interface BlockHeader {
  readonly checksum: number;
  readonly rows: number;
  readonly before: number;
  readonly file: number;
}

/** Room for a block at the front of `bytes` (8-aligned): its header is written, its columns are the caller's to fill. */
export function layOut(
  bytes: Uint8Array<ArrayBuffer>,
  rows: number,
  kinds: readonly CellKind[],
  place: Pick<BlockHeader, "before" | "file">,
): BlockColumn[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  view.setUint32(0, BLOCK_MAGIC, true);
  view.setUint32(8, rows, true);
  view.setUint32(12, kinds.length, true);
  view.setFloat64(16, place.before, true);
  view.setUint32(24, place.file, true);
  view.setUint32(28, 0, true);
  bytes.fill(0, HEADER_BYTES, HEADER_BYTES + padded(kinds.length));
  bytes.set(kinds, HEADER_BYTES);
  return columnsOf(bytes, rows, kinds);
}

export const setChecksum = (bytes: Uint8Array, checksum: number): void =>
  new DataView(bytes.buffer, bytes.byteOffset, 8).setUint32(4, checksum, true);

/** The header and the columns of a block, or null where the bytes are none. */
export function readBlock(bytes: Uint8Array<ArrayBuffer>): { header: BlockHeader; columns: BlockColumn[] } | null {
  if (bytes.length < HEADER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const [rows, count] = [view.getUint32(8, true), view.getUint32(12, true)];
  if (view.getUint32(0, true) !== BLOCK_MAGIC || HEADER_BYTES + count > bytes.length) return null;
  const kinds = Array.from(bytes.subarray(HEADER_BYTES, HEADER_BYTES + count), asKind);
  if (kinds.includes(null)) return null;
  const known = kinds.filter((kind) => kind !== null);
  if (blockBytes(rows, known) !== bytes.length) return null;
  const header = {
    checksum: view.getUint32(4, true),
    rows,
    before: view.getFloat64(16, true),
    file: view.getUint32(24, true),
  };
  return { header, columns: columnsOf(bytes, rows, known) };
}

const asKind = (byte: number): CellKind | null => (byte === 0 || byte === 1 || byte === 2 ? byte : null);

function columnsOf(bytes: Uint8Array<ArrayBuffer>, rows: number, kinds: readonly CellKind[]): BlockColumn[] {
  let at = bytes.byteOffset + HEADER_BYTES + padded(kinds.length);
  return kinds.map((kind) => {
    const start = at;
    at += padded(rows * cellBytes[kind]);
    if (kind === 0) return new Float64Array(bytes.buffer, start, rows);
    return kind === 1 ? new Int32Array(bytes.buffer, start, rows) : new Float32Array(bytes.buffer, start, rows);
  });
}
