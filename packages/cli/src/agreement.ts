import { agree, type Ranks } from "@aif/core";
import { fileFacts } from "@aif/core/node";
import { ranks } from "./ranks.js";
import { version } from "./version.js";

/**
 * The processes that do this work together, once they have compared version, options and files.
 * @param options as resolved: plain data
 * @param files paths and patterns that are read
 * @throws usage: a rank that would do other work. input: a file that is missing.
 */
export async function workTogether(options: unknown, files: readonly string[]): Promise<Ranks> {
  const all = ranks();
  if (all.size === 1) return all;
  const found = await Promise.all(files.map(async (path) => [path, await fileFacts(path)] as const));
  await agree(all, { version, options, files: Object.fromEntries(found) }, all.host);
  return all;
}
