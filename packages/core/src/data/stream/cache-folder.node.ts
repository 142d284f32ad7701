import {
  existsSync,
  mkdirSync,
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
  /** Bytes that are free on its disk; null where the system does not say. */
  free(): number | null;
  /** Removes what was made here, unless it is to stay. */
  close(): void;
}

/**
 * A folder that only its owner can read. Whatever ends the process but a kill, the folder is cleared.
 * @param path null: a new one in the system's folder for temporary files
 * @throws resource: it cannot be made
 */
export function cacheFolder(path: string | null, keep: boolean): CacheFolder {
  const { folder, ours } = made(path);
  const files = new Set<string>();
  const clear = (): void => {
    if (keep) return;
    for (const file of files) rmSync(file, { force: true });
    try {
      if (ours) rmdirSync(folder);
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

function made(path: string | null): { folder: string; ours: boolean } {
  try {
    if (path === null) return { folder: mkdtempSync(join(tmpdir(), "aif-")), ours: true };
    const ours = !existsSync(path);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return { folder: path, ours };
  } catch (cause) {
    throw cannotMake(path ?? tmpdir(), cause);
  }
}

function cannotMake(path: string, cause: unknown): AifError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown cause";
  const why =
    code === "EACCES" || code === "EPERM" || code === "EROFS"
      ? "there is no permission to write there"
      : code === "ENOTDIR" || code === "EEXIST"
        ? "it is a file, not a folder"
        : code === "ENOSPC" || code === "EDQUOT"
          ? "the disk is full"
          : `the system says ${code}`;
  return new AifError("resource", `The folder ${path} cannot hold the cache: ${why}; choose another with --cache.`, {
    cause,
  });
}
