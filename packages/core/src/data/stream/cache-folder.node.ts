import {
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AifError } from "../../errors.js";
import { makeFolder } from "../make-folder.node.js";

/** Where caches lie, and whether they stay. */
export interface CacheFolder {
  readonly path: string;
  /** Whether caches stay when the work is done. */
  readonly stays: boolean;
  /** A file of a cache; it is removed at the end, unless caches stay. */
  file(name: string): string;
  /** Plain data that was written beside a cache; null where there is none that can be read. */
  readJson(name: string): unknown;
  writeJson(name: string, value: unknown): void;
  /** Removes what this run or another wrote under a name; who reads it now goes on reading it. */
  remove(name: string): void;
  /** Takes the name of a file that is open and not to stay: the system frees its space whatever ends the process, a kill too. */
  unname(name: string): void;
  /** Bytes that are free on its disk; null where the system does not say. */
  free(): number | null;
  /** Removes what was made here, unless it is to stay. */
  close(): void;
}

/**
 * A folder that only its owner can read. Whatever ends the process but a kill, the folder is cleared. Caches that do not stay lie in a
 * folder of their own, so that runs at the same time, and caches that were kept, do not meet.
 * @param path null: the system's folder for temporary files
 * @throws resource: it cannot be made
 */
export function cacheFolder(path: string | null, keep: boolean): CacheFolder {
  const { folder, ours } = made(path, keep);
  const files = new Set<string>();
  const clear = (): void => {
    if (keep) return;
    for (const file of files) rmSync(file, { force: true });
    try {
      for (const empty of ours) rmdirSync(empty);
    } catch {
      // Somebody put files of their own there, or it is gone already.
    }
  };
  process.on("exit", clear);
  return {
    path: folder,
    stays: keep,
    file(name) {
      const file = join(folder, name);
      files.add(file);
      return file;
    },
    readJson(name) {
      try {
        return JSON.parse(readFileSync(join(folder, name), "utf8"));
      } catch {
        return null;
      }
    },
    writeJson(name, value) {
      const file = join(folder, name);
      files.add(file);
      try {
        writeFileSync(`${file}.tmp`, JSON.stringify(value), { mode: 0o600 });
        renameSync(`${file}.tmp`, file);
      } catch (cause) {
        throw cannotMake(folder, cause);
      }
    },
    remove(name) {
      rmSync(join(folder, name), { force: true });
    },
    unname(name) {
      try {
        rmSync(join(folder, name), { force: true });
      } catch {
        // Not every system takes the name of an open file; it is removed at the end.
      }
    },
    free() {
      try {
        const { bavail, bsize } = statfsSync(folder);
        return bavail * bsize;
      } catch {
        return null;
      }
    },
    close() {
      process.off("exit", clear);
      clear();
    },
  };
}

/** The folder, and what was made for it that is to go at the end, the innermost first. */
function made(path: string | null, keep: boolean): { folder: string; ours: readonly string[] } {
  const parent = path ?? tmpdir();
  try {
    const isNew = path !== null && !existsSync(path);
    if (path !== null) makeFolder(path, 0o700);
    if (keep && path !== null) return { folder: path, ours: [] };
    const folder = mkdtempSync(join(parent, "aif-"));
    return { folder, ours: isNew ? [folder, parent] : [folder] };
  } catch (cause) {
    throw cannotMake(parent, cause);
  }
}

/** What the system's codes mean of a folder. */
const FAULTS: ReadonlyMap<string, string> = new Map([
  ["EACCES", "there is no permission to write there"],
  ["EPERM", "there is no permission to write there"],
  ["EROFS", "its disk is read-only"],
  ["ENOTDIR", "it is a file, not a folder"],
  ["EEXIST", "it is a file, not a folder"],
  ["ENOSPC", "the disk is full"],
  ["EDQUOT", "the disk is full"],
  ["ENOENT", "no folder can be made there"],
]);

function cannotMake(path: string, cause: unknown): AifError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown cause";
  const why = FAULTS.get(code) ?? `the system says ${code}`;
  return new AifError("resource", `The folder ${path} cannot hold the cache: ${why}; choose another with --cache.`, {
    cause,
  });
}
