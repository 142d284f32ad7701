import { agree, type Facts, type Ranks } from "@aif/core";
import { fileFacts } from "@aif/core/node";
import { ranks } from "./ranks.js";
import { version } from "./version.js";

/**
 * What a piece of work depends on.
 * @param options as resolved: plain data
 * @param files paths and patterns that are read
 * @throws usage: standard input. input: a file that is missing.
 */
export async function factsOf(options: unknown, files: readonly string[]): Promise<Facts> {
  const found = await Promise.all(files.map(async (path) => [path, await fileFacts(path)] as const));
  return { version, options, files: Object.fromEntries(found) };
}

/**
 * The processes that do this work together, once they have compared version, options and files.
 * @throws usage: a rank that would do other work. Also as `factsOf`
 */
export async function workTogether(options: unknown, files: readonly string[]): Promise<Ranks> {
  const all = ranks();
  if (all.size > 1) await agree(all, await factsOf(options, files), all.host);
  return all;
}
