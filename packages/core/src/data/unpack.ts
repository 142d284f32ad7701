import { Gunzip } from "fflate";
import { AifError, inputError } from "../errors.js";
import type { ByteSource } from "./source.js";

/** The bytes that a gzip file packs, unpacked while they are read. */
export function gunzipped(source: ByteSource): ByteSource {
  return {
    name: source.name,
    async *stream() {
      let out: Uint8Array[] = [];
      const gunzip = new Gunzip((chunk) => out.push(chunk));
      let waiting: Uint8Array | null = null; // the last chunk is only known as such when the source ends
      for await (const chunk of source.stream()) {
        if (waiting !== null) push(gunzip, waiting, false, source.name);
        waiting = chunk;
        yield* out;
        out = [];
      }
      push(gunzip, waiting ?? new Uint8Array(0), true, source.name);
      yield* out;
    },
  };
}

function push(gunzip: Gunzip, chunk: Uint8Array, last: boolean, name: string): void {
  try {
    gunzip.push(chunk, last);
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
