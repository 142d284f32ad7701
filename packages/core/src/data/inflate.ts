import { Gunzip, Inflate } from "fflate";

/** Packed bytes at a time: what they unpack to is at most a thousand times as much, and lies in memory at once. */
export const PORTION = 1 << 14;

/**
 * Unpacks to a length that is known beforehand, and stops where there is more: what a packed file says of its length is
 * compared with what comes out while it comes.
 * @throws Error where there is less or more, or the bytes are damaged
 */
export function inflateTo(length: number, packed: Uint8Array, form: "gzip" | "deflate"): Uint8Array {
  const out = new Uint8Array(length);
  let at = 0;
  const take = (chunk: Uint8Array): void => {
    if (at + chunk.length > length) throw new Error(`more than the ${length} bytes announced`);
    out.set(chunk, at);
    at += chunk.length;
  };
  const stream = form === "gzip" ? new Gunzip(take) : new Inflate(take);
  for (let from = 0; from === 0 || from < packed.length; from += PORTION) {
    stream.push(packed.subarray(from, from + PORTION), from + PORTION >= packed.length);
  }
  if (at !== length) throw new Error(`${at} bytes instead of the ${length} announced`);
  return out;
}
