import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import { type AifError, inputError } from "../errors.js";
import { isUrl } from "./url-source.js";

/** One of the files that are read together. */
export interface NamedFile {
  /** Path or address. */
  readonly at: string;
  /** As messages call it. */
  readonly name: string;
  /** Where it is named, as a message ends, " in line 3"; empty where that goes without saying. */
  readonly place: string;
}

/**
 * Whether all files are different ones, links and other ways of writing a path aside: the rows of one that is named twice would count
 * twice.
 * @param whole what names them, as messages call it
 * @throws AifError "input"
 */
export async function refuseRepeated(whole: string, files: readonly NamedFile[]): Promise<void> {
  const identities = await Promise.all(files.map(({ at }) => identityOf(at)));
  const first = new Map<string, NamedFile>();
  for (const [k, file] of files.entries()) {
    const before = first.get(identities[k]);
    if (before !== undefined) throw repeated(whole, before, file);
    first.set(identities[k], file);
  }
}

function repeated(whole: string, before: NamedFile, file: NamedFile): AifError {
  const again = file.name === before.name ? `again${file.place}` : `the same file again${file.place}, as ${file.name}`;
  return inputError(
    `${whole} names ${before.name}${before.place} and ${again}: its rows would count twice; name it once.`,
  );
}

const identityOf = (at: string): Promise<string> =>
  isUrl(at) ? Promise.resolve(new URL(at).href) : realpath(at).catch(() => resolve(at));
