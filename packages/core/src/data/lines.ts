import { AifError } from "../errors.js";
import { joined } from "./source.js";
import { notText } from "./unpack.js";

const newline = 0x0a;
const longestRecord = 16 << 20; // bytes
/** What is split at a time: packed files come in chunks of 16 MB, whose lines as texts can take fifty times as much. */
const mostAtOnce = 1 << 18;

/**
 * Cuts a stream of bytes at ends of lines. `use` gets bytes that end with a whole line (or the file, when `last`) and
 * returns how many it took; what it leaves is in front of the next call's.
 */
export async function eachLines(
  chunks: AsyncIterable<Uint8Array>,
  end: number,
  use: (bytes: Uint8Array, last: boolean) => number,
  tooLong: () => AifError,
): Promise<void> {
  let parts: Uint8Array[] = [];
  let waiting = 0;
  for await (const chunk of inPieces(chunks)) {
    const cut = chunk.lastIndexOf(end) + 1;
    if (cut === 0) parts.push(chunk);
    else {
      const bytes = joined([...parts, chunk.subarray(0, cut)]);
      const taken = use(bytes, false);
      parts = [bytes.subarray(taken), chunk.subarray(cut)].filter((part) => part.length > 0);
    }
    waiting = parts.reduce((sum, part) => sum + part.length, 0);
    if (waiting > longestRecord) throw tooLong();
  }
  if (waiting > 0) use(joined(parts), true);
}

async function* inPieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += mostAtOnce) yield chunk.subarray(at, at + mostAtOnce);
  }
}

/** Strict UTF-8. Throws an input error that names the file where the bytes are something else. */
export function decodeText(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw notText(name, cause);
  }
}

/** Bytes that end with a line end, adding one where the file has none at its end. */
export const closed = (bytes: Uint8Array): Uint8Array =>
  bytes[bytes.length - 1] === newline ? bytes : joined([bytes, Uint8Array.of(newline)]);
