import { Gunzip } from "fflate";
import { AifError } from "../errors.js";
import { crc32 } from "./crc32.js";
import { PORTION } from "./inflate.js";
import { type ByteSource, joined } from "./source.js";
import { bomb, mayUnpackTo } from "./unpack-budget.js";

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
      const member = new Member(source.name);
      const gunzip = new Gunzip((chunk) => {
        unpacked += chunk.length;
        member.take(chunk);
        out.push(chunk);
      });
      gunzip.onmember = (offset) => member.next(offset);
      const unpack = (portion: Uint8Array, last: boolean): Uint8Array[] => {
        out = [];
        member.see(portion);
        push(gunzip, portion, last, source.name);
        packed += portion.length;
        member.refuseHollow(packed);
        if (!mayUnpackTo(unpacked, packed)) throw bomb(source.name);
        if (last) member.next(packed);
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

const TRAILER = 8;
/**
 * Packed bytes of a member before its first unpacked one: a header has at most 64 KB beside two texts without a bound, which are
 * looked through from their start with every portion, and a block without content is 5 bytes of nothing.
 */
const LONGEST_PRELUDE = 1 << 18;

/** One of the files that a gzip file may hold behind each other: it ends with its CRC-32 and its length. */
class Member {
  private crc = 0;
  private length = 0;
  /** The last packed bytes, and where they begin. */
  private recent: Uint8Array = new Uint8Array(0);
  private start = 0;
  /** The packed byte at which the member begins. */
  private begin = 0;

  constructor(private readonly name: string) {}

  see(portion: Uint8Array): void {
    const kept = this.recent.subarray(-TRAILER);
    this.start += this.recent.length - kept.length;
    this.recent = joined([kept, portion]);
  }

  take(chunk: Uint8Array): void {
    this.crc = crc32(chunk, this.crc);
    this.length += chunk.length;
  }

  /** After `packed` bytes in all. @throws input: a header without end, or blocks without content */
  refuseHollow(packed: number): void {
    if (this.length === 0 && packed - this.begin > LONGEST_PRELUDE) throw damaged(this.name);
  }

  /** It ended before the packed byte `offset`. @throws input: it is not what was packed. */
  next(offset: number): void {
    const from = offset - TRAILER - this.start;
    if (from < 0 || offset - this.start > this.recent.length) throw damaged(this.name);
    const view = new DataView(this.recent.buffer, this.recent.byteOffset + from, TRAILER);
    if (view.getUint32(0, true) !== this.crc || view.getUint32(4, true) !== this.length % 2 ** 32) {
      throw damaged(this.name);
    }
    this.crc = this.length = 0;
    this.begin = offset;
  }
}

const damaged = (name: string, cause?: unknown): AifError =>
  new AifError("input", `${name} is a damaged or cut off gzip file; copy or download it again.`, { cause });

function push(gunzip: Gunzip, portion: Uint8Array, last: boolean, name: string): void {
  try {
    gunzip.push(portion, last);
  } catch (cause) {
    throw cause instanceof AifError ? cause : damaged(name, cause);
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
