import { Gunzip } from "fflate";
import { AifError, inputError } from "../errors.js";
import type { ByteSource } from "./source.js";

/** Packed bytes at a time: what they unpack to is at most a thousand times as much, and lies in memory at once. */
const PORTION = 1 << 14;
/** No table of people's own packs so well; files made to exhaust a machine do. */
const MOST_RATIO = 300;
const HARMLESS_BYTES = 1 << 24;

/**
 * The bytes that a gzip file packs, unpacked while they are read.
 * @throws input: damaged, or made to unpack without end.
 */
export function gunzipped(source: ByteSource): ByteSource {
  const { beside } = source;
  return {
    name: source.name,
    ...(beside && { beside }),
    async *stream() {
      let out: Uint8Array[] = [];
      let [packed, unpacked] = [0, 0];
      const gunzip = new Gunzip((chunk) => {
        unpacked += chunk.length;
        out.push(chunk);
      });
      const unpack = (portion: Uint8Array, last: boolean): Uint8Array[] => {
        out = [];
        push(gunzip, portion, last, source.name);
        packed += portion.length;
        if (unpacked > HARMLESS_BYTES && unpacked > MOST_RATIO * packed) throw bomb(source.name);
        return out;
      };
      let waiting: Uint8Array | null = null; // the last portion is only known as such when the source ends
      for await (const portion of portionsOf(source)) {
        if (waiting !== null) yield* unpack(waiting, false);
        waiting = portion;
      }
      yield* unpack(waiting ?? new Uint8Array(0), true);
    },
  };
}

async function* portionsOf(source: ByteSource): AsyncGenerator<Uint8Array> {
  for await (const chunk of source.stream()) {
    for (let at = 0; at < chunk.length; at += PORTION) yield chunk.subarray(at, at + PORTION);
  }
}

const bomb = (name: string): AifError =>
  inputError(
    `${name} unpacks to more than ${MOST_RATIO} times its size, as files do that are made to fill a machine; if it is right, unpack it first and give what comes out.`,
  );

function push(gunzip: Gunzip, portion: Uint8Array, last: boolean, name: string): void {
  try {
    gunzip.push(portion, last);
  } catch (cause) {
    throw new AifError("input", `${name} is a damaged or cut off gzip file; copy or download it again.`, { cause });
  }
}

/** Text in UTF-16, as UTF-8. */
export function fromUtf16(source: ByteSource, encoding: "utf-16le" | "utf-16be"): ByteSource {
  return {
    name: source.name,
    async *stream() {
      const decoder = new TextDecoder(encoding, { fatal: true });
      const encoder = new TextEncoder();
      try {
        for await (const chunk of source.stream()) yield encoder.encode(decoder.decode(chunk, { stream: true }));
        yield encoder.encode(decoder.decode());
      } catch (cause) {
        if (cause instanceof AifError) throw cause;
        throw notText(source.name, cause);
      }
    },
  };
}

export const notText = (name: string, cause?: unknown): AifError =>
  new AifError(
    "input",
    `${name} is not UTF-8 text; save it as UTF-8 (iconv -f latin1 -t utf-8), or give a CSV, JSON lines, Parquet or NumPy file.`,
    { cause },
  );

export const empty = (name: string): AifError =>
  inputError(`${name} is empty; give a file with a header and at least one row.`);
