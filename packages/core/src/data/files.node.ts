import { constants, createReadStream } from "node:fs";
import { access, chmod, open, readdir, readlink, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AifError, inputError } from "../errors.js";
import { makeFolder } from "./make-folder.node.js";
import { nearest, quoted } from "./names.js";
import { type ByteSource, onceSource } from "./source.js";
import { gunzipped } from "./unpack.js";

const chunkBytes = 1 << 20;

/** @throws AifError "input": there is no such file, it is a folder, or it may not be read */
export async function fileSource(path: string): Promise<ByteSource> {
  const found = await stat(path).catch(async (cause: unknown) => {
    throw await readingError(path, cause);
  });
  if (found.isDirectory()) {
    throw inputError(`${path} is a folder; name a file in it, or a pattern such as ${quoted(join(path, "*.csv"))}.`);
  }
  await access(path, constants.R_OK).catch(async (cause: unknown) => {
    throw await readingError(path, cause);
  });
  // A pipe or device has no size and can be read once.
  if (!found.isFile()) return onceSource(fileChunks(path), path);
  return {
    name: path,
    size: found.size,
    stream: () => fileChunks(path),
    slice: (start, end) => filePart(path, start, end),
    beside: (name) => fileBeside(path, name),
  };
}

/** A plain file may stand beside a gzipped one, and the other way round. */
async function fileBeside(path: string, name: string): Promise<ByteSource | null> {
  const plain = name.replace(/\.gz$/, "");
  for (const candidate of new Set([name, plain, `${plain}.gz`])) {
    const other = join(dirname(path), candidate);
    if (!(await stat(other).catch(() => null))?.isFile()) continue;
    const source = await fileSource(other);
    return candidate === plain ? source : gunzipped(source);
  }
  return null;
}

async function* fileChunks(path: string): AsyncGenerator<Uint8Array> {
  try {
    const stream: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: chunkBytes });
    for await (const chunk of stream) yield chunk;
  } catch (cause) {
    throw await readingError(path, cause);
  }
}

async function filePart(path: string, start: number, end: number): Promise<Uint8Array> {
  const file = await open(path).catch(async (cause: unknown) => {
    throw await readingError(path, cause);
  });
  try {
    const bytes = new Uint8Array(end - start);
    let at = 0;
    while (at < bytes.length) {
      const { bytesRead } = await file.read(bytes, at, Math.min(bytes.length - at, 1 << 30), start + at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return at === bytes.length ? bytes : bytes.subarray(0, at);
  } finally {
    await file.close();
  }
}

const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "";

/** What stands in the way of reading a file, as a sentence. */
export async function readingError(path: string, cause: unknown): Promise<AifError> {
  if (cause instanceof AifError) return cause;
  const code = codeOf(cause);
  if (code === "ENOENT" || code === "ENOTDIR") {
    const target = await linkTarget(path);
    if (target !== undefined) {
      const advice = "restore that file, or remove the link";
      return new AifError("input", `${path} is a link to ${target}, which is not there; ${advice}.`, { cause });
    }
    const near = await nearFile(path);
    const advice = near === undefined ? "check the path" : `did you mean ${near}?`;
    return new AifError("input", `There is no file ${path}; ${advice}${near === undefined ? "." : ""}`, { cause });
  }
  if (code === "EACCES" || code === "EPERM") {
    return new AifError("input", `${path} cannot be read for lack of permission; change its permissions or copy it.`, {
      cause,
    });
  }
  return new AifError("input", `${path} cannot be read (${code || "unknown cause"}); check the file and its disk.`, {
    cause,
  });
}

/** Where a link points; undefined: it is none. */
const linkTarget = (path: string): Promise<string | undefined> => readlink(path).catch(() => undefined);

async function nearFile(path: string): Promise<string | undefined> {
  const folder = dirname(path);
  const names = await readdir(folder).catch(() => []);
  const near = nearest(basename(path), names);
  return near === undefined ? undefined : join(folder, near);
}

/** What went wrong with a file to be written, as the sentence's end. */
const writingFaults: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "its folder does not exist; create the folder first"],
  ["ENOTDIR", "a part of its path is a file, not a folder; choose another path"],
  ["EEXIST", "it is a file, not a folder; choose another path"],
  ["EISDIR", "it is a folder; name a file in it"],
  ["EACCES", "there is no permission to write there; choose another folder"],
  ["EPERM", "there is no permission to write there; choose another folder"],
  ["EROFS", "the disk is read-only; choose another folder"],
  ["ENOSPC", "the disk is full; free some space or choose another disk"],
]);

function writingError(path: string, cause: unknown): AifError {
  const code = codeOf(cause);
  const fault = writingFaults.get(code) ?? `of an error of the system (${code || "unknown"}); check the path`;
  return new AifError("resource", `${path} cannot be written: ${fault}.`, { cause });
}

/** Makes a folder for files to be written, and those above it. @throws AifError "resource" */
export function makeOutputFolder(path: string): void {
  try {
    makeFolder(path);
  } catch (cause) {
    throw codeOf(cause) === "ENOENT"
      ? new AifError("resource", `${path} cannot be written: no folder can be made there; choose another path.`, {
          cause,
        })
      : writingError(path, cause);
  }
}

/**
 * Checks before long work that a file can be written: its folder exists and may be written to, and the path is no folder.
 * @throws AifError "resource"
 */
export async function assertWritable(path: string): Promise<void> {
  try {
    const folder = await stat(dirname(path));
    if (!folder.isDirectory()) throw Object.assign(new Error("not a folder"), { code: "ENOTDIR" });
    await access(dirname(path), constants.W_OK | constants.X_OK);
    const found = await stat(path).catch((cause: unknown) => {
      if (codeOf(cause) === "ENOENT") return null;
      throw cause;
    });
    if (found?.isDirectory()) throw Object.assign(new Error("a folder"), { code: "EISDIR" });
    if (found !== null) await access(path, constants.W_OK);
  } catch (cause) {
    throw writingError(path, cause);
  }
}

/**
 * Writes a file so that it is whole or not there: first under another name in the same folder, then renamed.
 * Devices and pipes (/dev/stdout) are written directly.
 * @throws AifError "resource"
 */
export async function writeFileAtomically(path: string, content: string | Uint8Array): Promise<void> {
  await assertWritable(path);
  const found = await stat(path).catch(() => null);
  if (found !== null && !found.isFile()) {
    await writeFile(path, content).catch((cause: unknown) => {
      throw writingError(path, cause);
    });
    return;
  }
  const target = await realpath(path).catch(() => path); // a link stays a link
  const name = `.${basename(target).slice(0, 100)}.${process.pid}.${Date.now().toString(36)}.tmp`;
  const temporary = join(dirname(target), name);
  try {
    // Who may read the file that is replaced may read the new one, and nobody else, not for a moment.
    const mode = found === null ? null : found.mode & 0o777;
    await writeFile(temporary, content, { flag: "wx", ...(mode === null ? {} : { mode }) });
    if (mode !== null) await chmod(temporary, mode);
    await rename(temporary, target);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw writingError(path, cause);
  }
}
