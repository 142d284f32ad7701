import { type Compressors, snappyUncompress } from "hyparquet";
import { compressors, decompressLz4, decompressLz4Raw, decompressZstd } from "hyparquet-compressors";
import { inflateTo } from "./inflate.js";

/** How Parquet packs its pages: each codec writes to the length that the page announces, and no further. */
export const CODECS: Compressors = {
  ...compressors,
  SNAPPY: unpackSnappy,
  GZIP: (packed, length) => inflateTo(length, packed, "gzip"),
  ZSTD: unpackZstandard,
  LZ4: (packed, length) => (isFramed(packed) ? decompressLz4(packed, length) : decompressLz4Raw(packed, length)),
};

/**
 * In JavaScript: that of hyparquet-compressors grows a WebAssembly memory, which detaches an array buffer, and from then on V8 checks
 * every access to any typed array of the process.
 */
function unpackSnappy(packed: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  snappyUncompress(packed, out);
  return out;
}

/** Whether LZ4 blocks stand behind their lengths, as Hadoop writes them: two numbers of 32 bits, then the block. */
function isFramed(packed: Uint8Array): boolean {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  let at = 0;
  while (at + 8 <= packed.length) at += 8 + view.getUint32(at + 4);
  return at > 0 && at === packed.length;
}

/**
 * A frame of Zstandard (RFC 8878, section 3.1.1). Without room that is given, the decoder makes as much as the frame says; with
 * it, it does not say whether it was filled, so the frame's own word is compared.
 */
function unpackZstandard(packed: Uint8Array, length: number): Uint8Array {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const flags = view.getUint8(4);
  const single = (flags >> 5) & 1;
  const at = 6 - single + [0, 1, 2, 4][flags & 3]; // behind the window and the number of the dictionary
  const content = [
    () => (single === 1 ? BigInt(view.getUint8(at)) : null),
    () => BigInt(view.getUint16(at, true) + 256),
    () => BigInt(view.getUint32(at, true)),
    () => view.getBigUint64(at, true),
  ][flags >> 6]();
  if (content !== null && content !== BigInt(length)) throw new Error(`${content} bytes, not ${length}`);
  return decompressZstd(packed, new Uint8Array(length));
}
