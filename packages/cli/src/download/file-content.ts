import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";

/** What a gzipped file holds: packing may differ from place to place, the content may not. */
export interface FileContent {
  /** Bytes, unpacked. */
  readonly size: number;
  /** Of the unpacked bytes. */
  readonly sha256: string;
}

class TooLong extends Error {}

/** Whether a gzipped file unpacks to this content; what is cut off or damaged does not. */
export async function isContent(path: string, { size, sha256 }: FileContent): Promise<boolean> {
  const hash = createHash("sha256");
  let found = 0;
  try {
    await pipeline(createReadStream(path), createGunzip(), async (chunks: AsyncIterable<Uint8Array>) => {
      for await (const chunk of chunks) {
        found += chunk.length;
        if (found > size) throw new TooLong();
        hash.update(chunk);
      }
    });
  } catch {
    return false;
  }
  return found === size && hash.digest("hex") === sha256;
}
