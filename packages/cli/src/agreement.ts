import { basename } from "node:path";
import { agree, type Facts, type Ranks } from "@aif/core";
import { fileFacts } from "@aif/core/node";
import type { OptionWords } from "./option-words.js";
import { ranks } from "./ranks.js";
import { version } from "./version.js";

/**
 * What a piece of work depends on, by what its user calls it.
 * @param options as resolved
 * @param files paths and patterns that are read
 * @throws usage: standard input. input: a file that is missing.
 */
export async function factsOf(options: OptionWords, files: readonly string[]): Promise<Facts> {
  const found = await Promise.all(
    files.map(async (path) =>
      Object.entries(await fileFacts(path)).map(([name, fact]) => [
        `the file ${name === basename(path) ? path : `${name} of ${path}`}`,
        fact,
      ]),
    ),
  );
  return { "the version of aif": version, ...options, ...Object.fromEntries(found.flat()) };
}

/**
 * The processes that do this work together, once they have compared version, options and files.
 * @throws usage: a rank that would do other work. Also as `factsOf`
 */
export async function workTogether(options: OptionWords, files: readonly string[]): Promise<Ranks> {
  const all = ranks();
  if (all.size > 1) await agree(all, await factsOf(options, files), all.host);
  return all;
}
