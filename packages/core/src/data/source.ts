import type { Note } from "./notes.js";

/** Bytes with a name, readable more than once. What it is made of (memory, a Blob, a file, a stream) stays hidden. */
export interface ByteSource {
  /** As messages call it. */
  readonly name: string;
  /** Bytes in all, where known beforehand. */
  readonly size?: number;
  /** All bytes from the start; a new call starts over. */
  stream(): AsyncIterable<Uint8Array>;
  /** The bytes from `start` (inclusive) to `end` (exclusive), where they can be had without reading what is before. */
  slice?(start: number, end: number): Promise<Uint8Array>;
  /** The file of that name in the same folder, unpacked where it is gzipped; null where there is none. */
  beside?(name: string): Promise<ByteSource | null>;
}

/** All that one name stands for: a file, or several that are read together. */
export interface Sources {
  readonly sources: readonly ByteSource[];
  /** As messages call them together. */
  readonly name: string;
  /** What was left out on the way to them. */
  readonly notes: readonly Note[];
}

export const oneSource = (source: ByteSource): Sources => ({ sources: [source], name: source.name, notes: [] });

const chunkBytes = 1 << 20;

export function bytesSource(bytes: Uint8Array, name: string): ByteSource {
  return {
    name,
    size: bytes.length,
    async *stream() {
      for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
    },
    slice: async (start, end) => bytes.slice(start, end),
  };
}

export function blobSource(blob: Blob, name: string): ByteSource {
  return {
    name,
    size: blob.size,
    async *stream() {
      for (let at = 0; at < blob.size; at += chunkBytes) {
        yield new Uint8Array(await blob.slice(at, at + chunkBytes).arrayBuffer());
      }
    },
    slice: async (start, end) => new Uint8Array(await blob.slice(start, end).arrayBuffer()),
  };
}

/** A source that can be read once only (stdin, a response's body). What was read is kept, so that reading can start over. */
export function onceSource(chunks: AsyncIterable<Uint8Array>, name: string): ByteSource {
  const kept: Uint8Array[] = [];
  const rest = chunks[Symbol.asyncIterator]();
  return {
    name,
    async *stream() {
      for (let i = 0; ; i++) {
        if (i === kept.length) {
          const next = await rest.next();
          if (next.done === true) return;
          kept.push(next.value);
        }
        yield kept[i];
      }
    },
  };
}

/** The chunks of a web stream. (Browsers do not all let `for await` walk one.) */
export async function* streamChunks(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** The first bytes: `length` of them where the source has as many. */
export async function headOf(source: ByteSource, length: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of source.stream()) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= length) break;
  }
  return joined(chunks).subarray(0, length);
}

/**
 * All bytes in one array.
 * @param check is told how many there are, before and while they are read; may throw
 */
export async function allBytes(source: ByteSource, check: (bytes: number) => void = () => {}): Promise<Uint8Array> {
  check(source.size ?? 0);
  if (source.slice !== undefined && source.size !== undefined) return source.slice(0, source.size);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of source.stream()) {
    chunks.push(chunk);
    bytes += chunk.length;
    check(bytes);
  }
  return joined(chunks);
}

export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0];
  const out = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

/** The same source, with `see` called for everything that is read. */
export function watched(source: ByteSource, see: (bytes: number) => void): ByteSource {
  const { slice } = source;
  return {
    ...source,
    async *stream() {
      for await (const chunk of source.stream()) {
        yield chunk;
        see(chunk.length);
      }
    },
    ...(slice && {
      slice: async (start, end) => {
        const bytes = await slice(start, end);
        see(bytes.length);
        return bytes;
      },
    }),
  };
}
