import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { inputError } from "../errors.js";
import { fileSource, readingError } from "./files.node.js";
import { filesMatching, isPattern } from "./glob.node.js";
import { listed, quoted } from "./names.js";
import { type Note, note } from "./notes.js";
import { refuseRepeated } from "./same-file.node.js";
import { type ByteSource, onceSource, oneSource, type Sources } from "./source.js";
import { isUrl, urlSource } from "./url-source.js";

/**
 * The file at a path or an http address, every file that a pattern names, or, behind an @, those that a list names, one a line, in its
 * order. A file whose name looks like one of these is still found.
 * @throws AifError "input": a file that cannot be read, the same one twice, or no file at all
 */
export async function pathSources(path: string): Promise<Sources> {
  if (isUrl(path)) return oneSource(await urlSource(path));
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (!exists && path.startsWith("@")) return listedSources(path.slice(1));
  if (exists || !isPattern(path)) return oneSource(await fileSource(path));
  return matchingSources(path);
}

export const stdinSource = (): ByteSource => onceSource(process.stdin, "stdin");

async function matchingSources(pattern: string): Promise<Sources> {
  const { files, folders } = await filesMatching(pattern);
  if (files.length === 0) {
    throw inputError(
      folders.length === 0
        ? `No file matches ${quoted(pattern)}; check the pattern and the folder.`
        : `${quoted(pattern)} matches folders only (${listed(folders, 3)}); name the files in them, such as ${quoted(join(pattern, "*"))}.`,
    );
  }
  const sources = await Promise.all(files.map(fileSource));
  await refuseRepeated(
    quoted(pattern),
    files.map((at) => ({ at, name: at, place: "" })),
  );
  return { sources, name: nameOfAll(sources, pattern), notes: folderNotes(pattern, folders) };
}

function folderNotes(pattern: string, folders: readonly string[]): Note[] {
  if (folders.length === 0) return [];
  const which = folders.length === 1 ? `${listed(folders)} is a folder` : `${listed(folders, 3)} are folders`;
  const inside = quoted(join(pattern, "*"));
  return [note("folder-skipped", `${which}: ${quoted(pattern)} reads no file inside (${inside} names them).`)];
}

/** Paths are relative to the list's folder. */
async function listedSources(list: string): Promise<Sources> {
  const text = await readFile(list, "utf8").catch(async (cause: unknown) => {
    throw await readingError(list, cause);
  });
  const lines = text.split(/\r?\n/).map((line, k) => ({ path: line.trim(), place: ` in line ${k + 1}` }));
  const named = lines.filter(({ path }) => path !== "" && !path.startsWith("#"));
  if (named.length === 0) throw inputError(`${list} names no file; write a path or an address on each line.`);
  const files = named.map(({ path, place }) => ({ at: isUrl(path) ? path : resolve(dirname(list), path), place }));
  const sources = await Promise.all(files.map(({ at }) => (isUrl(at) ? urlSource(at) : fileSource(at))));
  await refuseRepeated(
    list,
    files.map((file, k) => ({ ...file, name: sources[k].name })),
  );
  return { sources, name: nameOfAll(sources, `@${list}`), notes: [] };
}

const nameOfAll = (sources: readonly ByteSource[], whole: string): string =>
  sources.length === 1 ? sources[0].name : `${sources.length} files (${whole})`;
