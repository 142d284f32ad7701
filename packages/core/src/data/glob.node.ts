import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { isAbsolute, join, sep } from "node:path";

const special = /[*?[\]{}]/;

/** Whether a path is a pattern: it holds `*`, `?`, `[…]` or `{a,b}`. */
export const isPattern = (path: string): boolean => special.test(path);

/** What a pattern names, sorted. */
export interface Matches {
  readonly files: string[];
  /** Folders of a name that fits, whose files the pattern does not reach. */
  readonly folders: string[];
}

/**
 * What a pattern names, sorted by name. `*` and `?` stay within a folder, `**` is any number of folders,
 * `[a-c]` one character, `{a,b}` either. Hidden files only where the pattern shows their dot.
 */
export async function filesMatching(pattern: string): Promise<Matches> {
  const parts = pattern.split(/[\\/]/);
  const fixed = parts.findIndex((part) => isPattern(part));
  const root = parts.slice(0, fixed).join(sep) || (isAbsolute(pattern) ? sep : "");
  const found = await within(root, parts.slice(fixed));
  const paths = (folders: boolean): string[] =>
    [...new Set(found.filter(({ isFolder }) => isFolder === folders).map(({ path }) => path))].toSorted();
  const goesDown = parts.slice(-2).includes("**");
  return { files: paths(false), folders: goesDown ? [] : paths(true) };
}

interface Match {
  readonly path: string;
  readonly isFolder: boolean;
}

async function within(folder: string, parts: readonly string[]): Promise<Match[]> {
  const [part, ...rest] = parts;
  const entries = await readdir(folder === "" ? "." : folder, { withFileTypes: true }).catch(() => []);
  const found: Match[] = [];
  if (part === "**") found.push(...(await within(folder, rest.length > 0 ? rest : ["*"])));
  const wanted = part === "**" ? /^[^.]/ : nameExpression(part);
  for (const entry of entries) {
    if (!wanted.test(entry.name)) continue;
    const path = join(folder, entry.name);
    if (part === "**") {
      if (entry.isDirectory()) found.push(...(await within(path, parts)));
    } else if (rest.length > 0) {
      if (!entry.isFile()) found.push(...(await within(path, rest)));
    } else found.push({ path, isFolder: await leadsToFolder(entry, path) });
  }
  return found;
}

const leadsToFolder = async (entry: Dirent, path: string): Promise<boolean> =>
  entry.isDirectory() || (entry.isSymbolicLink() && ((await stat(path).catch(() => null))?.isDirectory() ?? false));

/** One part of a pattern as an expression for names. */
function nameExpression(part: string): RegExp {
  let out = part.startsWith(".") ? "" : "(?!\\.)";
  let depth = 0;
  for (let i = 0; i < part.length; i++) {
    const character = part[i];
    const bracket = character === "[" ? part.indexOf("]", i + 2) : -1;
    if (bracket > 0) {
      out += `[${part
        .slice(i + 1, bracket)
        .replace(/^!/, "^")
        .replaceAll("\\", "\\\\")}]`;
      i = bracket;
    } else if (character === "{") {
      depth++;
      out += "(?:";
    } else if (character === "}" && depth > 0) {
      depth--;
      out += ")";
    } else if (character === "," && depth > 0) out += "|";
    else if (character === "*") out += "[^/]*";
    else if (character === "?") out += "[^/]";
    else out += character.replace(/[.+^$()|\\[\]{}]/g, "\\$&");
  }
  return new RegExp(`^${out}${")".repeat(depth)}$`, "s");
}
