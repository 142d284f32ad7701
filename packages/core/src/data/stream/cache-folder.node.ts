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
 * A folder that only its owner can read. Whatever ends the process but a kill, it is cleared; a kill finds nothing there once the files
 * in it have lost their names. Caches that do not stay lie in a folder of their own, so that runs at the same time, and caches that were
 * kept, do not meet.
 * @param path null: the system's folder for temporary files
 * @throws resource: it cannot be made
 */
export function cacheFolder(path: string | null, keep: boolean): CacheFolder {
  const parent = path ?? tmpdir();
  const isNew = path !== null && !existsSync(path);
  const stays = keep && path !== null;
  let folder = made(parent, path, stays);
  /** Whether the folder of its own is there. */
  let present = true;
  const files = new Set<string>();
  const leave = (): void => {
    if (keep || !present) return;
    try {
      rmdirSync(folder);
      present = false;
    } catch {
      // Somebody put files of their own there, or it is gone already.
    }
  };
  const clear = (): void => {
    if (keep) return;
    for (const file of files) rmSync(file, { force: true });
    leave();
    try {
      if (isNew) rmdirSync(parent);
    } catch {
      // As above.
    }
  };
  process.on("exit", clear);
  return {
    get path() {
      return folder;
    },
    stays: keep,
    file(name) {
      if (!present) folder = made(parent, path, stays);
      present = true;
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

/** The folder named, or a new one in it. */
function made(parent: string, path: string | null, stays: boolean): string {
  try {
    if (path !== null) makeFolder(path, 0o700);
    return stays ? parent : mkdtempSync(join(parent, "aif-"));
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
