import { stat } from "node:fs/promises";
import { hostname } from "node:os";
import { basename } from "node:path";
import { inputError } from "../../errors.js";
import { agree } from "../../parallel/agreement.js";
import type { Ranks } from "../../parallel/ranks.js";
import { pathSources } from "../path-sources.node.js";
import type { ByteSource, Sources } from "../source.js";
import type { RemoteSource } from "../url-source.js";

/** One file of a table. */
export interface Part {
  readonly source: ByteSource;
  readonly size: number;
  /** Says whether it is the file that it was: changes when the file does. */
  readonly fingerprint: string;
  /** @throws input: the file is gone, or another one */
  check(): Promise<void>;
}

/** All files of a table. */
export interface Parts extends Pick<Sources, "name" | "notes"> {
  readonly parts: readonly Part[];
}

/** The files of a table in the order of their names. @throws input: there is none, or one that cannot be read in pieces */
export async function partsOf(path: string): Promise<Parts> {
  if (path === "-") {
    throw inputError(
      "Standard input cannot be read in pieces: write it to a file first, or leave out --memory and --cache.",
    );
  }
  const { sources, name, notes } = await pathSources(path);
  return { parts: await Promise.all(sources.map(filePart)), name, notes };
}

/** The same, once all processes have found the same files. @throws as `partsOf`. usage: they differ */
export async function sharedParts(path: string, ranks: Ranks): Promise<Parts> {
  const found = await partsOf(path);
  const sizes = found.parts.map(({ source, size }) => [`the file ${basename(source.name)}`, `${size} bytes`]);
  await agree(ranks, Object.fromEntries(sizes), hostname());
  return found;
}

async function filePart(source: ByteSource): Promise<Part> {
  const { size, name } = source;
  if (isRemote(source)) {
    const { version } = source;
    return { source, size: size ?? 0, fingerprint: `${name} ${size} ${version}`, check: () => source.check() };
  }
  if (size === undefined) {
    throw inputError(`${name} is a pipe or a device and cannot be read in pieces; write its rows to a file first.`);
  }
  const modified = (await stat(name)).mtimeMs;
  return {
    source,
    size,
    fingerprint: `${name} ${size} ${modified}`,
    async check() {
      const now = await stat(name).catch(() => null);
      if (now === null) {
        throw inputError(`${name} is gone: it was there when the run began; put it back and run again.`);
      }
      if (now.size !== size || now.mtimeMs !== modified) {
        throw inputError(`${name} changed while it was read; run again once nobody writes to it.`);
      }
    },
  };
}

const isRemote = (source: ByteSource): source is RemoteSource => "version" in source && "check" in source;

/**
 * The files of one rank: as many in a row as come nearest to its share of all bytes, so that ranks follow each other in the order of
 * the rows. There may be none.
 */
export function shareOf<P extends { readonly size: number }>(parts: readonly P[], rank: number, ranks: number): P[] {
  const total = parts.reduce((sum, { size }) => sum + size, 0);
  let before = 0;
  return parts.filter(({ size }, k) => {
    // By bytes; by number where all files are empty.
    const middle = total > 0 ? (before + size / 2) / total : (k + 0.5) / parts.length;
    before += size;
    return Math.min(Math.floor(middle * ranks), ranks - 1) === rank;
  });
}
