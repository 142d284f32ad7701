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
  /** The folder that was asked for. */
  readonly path: string;
  /** Whether caches stay when the work is done. */
  readonly stays: boolean;
  /** A file of a cache, in a folder that is there from now on; it is removed at the end, unless caches stay. */
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
 * A folder that only its owner can read. Whatever ends the process but a kill, it is cleared. Caches that do not stay lie in a folder of
 * their own, so that runs at the same time, and caches that were kept, do not meet; it is there from a file's making to the loss of that
 * file's name, so that a kill finds nothing to leave.
 * @param path null: the system's folder for temporary files
 * @throws resource: it cannot be made
 */
export function cacheFolder(path: string | null, keep: boolean): CacheFolder {
  const parent = path ?? tmpdir();
  const isNew = path !== null && !existsSync(path);
  const stays = keep && path !== null;
  /** Where files lie; null: nowhere yet, or no more. */
  let folder: string | null = null;
  const files = new Set<string>();
  const make = (): string => {
    try {
      if (path !== null) makeFolder(path, 0o700);
      return stays ? parent : mkdtempSync(join(parent, "aif-"));
    } catch (cause) {
      throw cannotMake(parent, cause);
    }
  };
  const file = (name: string): string => {
    folder ??= make();
    const path = join(folder, name);
    files.add(path);
    return path;
  };
  const remove = (name: string): void => {
    if (folder !== null) rmSync(join(folder, name), { force: true });
  };
  const leave = (): void => {
    if (keep || folder === null) return;
    try {
      rmdirSync(folder);
      folder = null;
    } catch {
      // Somebody put files of their own there, or it is gone already.
    }
  };
  const clear = (): void => {
    if (keep) return;
    for (const path of files) rmSync(path, { force: true });
    leave();
    try {
      if (isNew) rmdirSync(parent);
    } catch {
      // As above.
    }
  };
  // A place that takes no folder is refused before any work is done.
  folder = make();
  leave();
  process.on("exit", clear);
  return {
    path: parent,
    stays: keep,
    file,
    readJson(name) {
      if (folder === null) return null;
      try {
        return JSON.parse(readFileSync(join(folder, name), "utf8"));
      } catch {
        return null;
      }
    },
    writeJson(name, value) {
      const path = file(name);
      try {
        writeFileSync(`${path}.tmp`, JSON.stringify(value), { mode: 0o600 });
        renameSync(`${path}.tmp`, path);
      } catch (cause) {
        throw cannotMake(parent, cause);
      }
    },
    remove,
    unname(name) {
      try {
        remove(name);
        leave();
      } catch {
        // Not every system takes the name of an open file; it is removed at the end.
      }
    },
    free() {
      try {
        const { bavail, bsize } = statfsSync(parent);
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
