import { createHash } from "node:crypto";
import { basename } from "node:path";
import { usageError } from "../errors.js";
import { pathSources } from "./path-sources.node.js";
import type { ByteSource } from "./source.js";

/** Of so many files of a pattern, evenly spread, the content is looked at too. */
const LOOKED_AT = 64;
/** Bytes at either end. */
const END_BYTES = 4096;

/**
 * What tells two views of the same files apart, cheaply: of each file its name and size, and of some a hash of their first and last
 * bytes.
 * @param path a path or pattern
 * @throws usage: stdin. input: a file that is missing or cannot be read.
 */
export async function fileFacts(path: string): Promise<Readonly<Record<string, string>>> {
  if (path === "-") {
    throw usageError("Standard input is read once and by one process: name files instead of -.");
  }
  const { sources } = await pathSources(path);
  const every = Math.ceil(sources.length / LOOKED_AT);
  const facts = sources.map(async (source, k): Promise<[string, string]> => {
    const size = source.size === undefined ? "a pipe" : `${source.size} bytes`;
    const ends = k % every === 0 ? await endsOf(source) : null;
    return [basename(source.name), ends === null ? size : `${size} with the hash ${ends}`];
  });
  return Object.fromEntries(await Promise.all(facts));
}

async function endsOf({ size, slice }: ByteSource): Promise<string | null> {
  if (size === undefined || !slice) return null;
  const hash = createHash("sha256");
  hash.update(await slice(0, Math.min(size, END_BYTES)));
  hash.update(await slice(Math.max(0, size - END_BYTES), size));
  return hash.digest("hex").slice(0, 12);
}
