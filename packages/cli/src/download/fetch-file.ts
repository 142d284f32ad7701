import { open, rename, rm, stat } from "node:fs/promises";
import { AifError } from "@aif/core";
import { type FileContent, isContent } from "./file-content.js";

/** A file to be fetched, and what it must hold once it is unpacked. */
export interface RemoteFile extends FileContent {
  readonly name: string;
}

export interface FetchOptions {
  readonly signal: AbortSignal;
  readonly onBytes: (done: number, total: number | null) => void;
}

/** How a file came to be there. */
export type Fetched = "present" | "fetched" | "resumed";

/**
 * Fetches a file from the first mirror that has it. What has arrived is kept in `<path>.part`, from where the next call goes on
 * by a range; only what is whole and has the right content gets the file's name.
 * @throws input: no mirror answers, or none has the right content; cancelled
 */
export async function fetchFile(
  file: RemoteFile,
  path: string,
  mirrors: readonly string[],
  options: FetchOptions,
): Promise<Fetched> {
  if ((await sizeOf(path)) > 0) {
    if (await isContent(path, file)) return "present";
    throw new AifError(
      "input",
      `${path} is there, but its content is not that of ${file.name} (it may be damaged); remove it, or choose another --out.`,
    );
  }
  const failures: string[] = [];
  const left = [...mirrors];
  for (let mirror = left.shift(); mirror !== undefined; mirror = left.shift()) {
    const began = await sizeOf(`${path}.part`);
    try {
      await receive(new URL(file.name, mirror), `${path}.part`, options);
    } catch (error) {
      if (options.signal.aborted) throw new AifError("cancelled", "The work was cancelled.");
      failures.push(`${new URL(mirror).host}: ${reasonOf(error)}`);
      continue;
    }
    if (await isContent(`${path}.part`, file)) {
      await rename(`${path}.part`, path);
      return began > 0 ? "resumed" : "fetched";
    }
    await rm(`${path}.part`, { force: true });
    // What had arrived may be of another mirror, which packs the same content otherwise: once more from the beginning.
    if (began > 0) {
      left.unshift(mirror);
      continue;
    }
    failures.push(`${new URL(mirror).host}: not the content that is expected (size and SHA-256), nothing was kept`);
  }
  throw new AifError(
    "input",
    `${file.name} could not be fetched (${failures.join("; ")}): check the network and give the same command again, which goes on from what has arrived, or name another --mirror.`,
  );
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

/** All of it, from where the part ends. @throws where the answer is no file, or ends early */
async function receive(url: URL, part: string, { signal, onBytes }: FetchOptions): Promise<void> {
  const have = await sizeOf(part);
  const response = await fetch(url, { signal, headers: have > 0 ? { range: `bytes=${have}-` } : {} });
  // The part is already whole, or longer than the file.
  if (response.status === 416) {
    await response.body?.cancel();
    if (response.headers.get("content-range") === `bytes */${have}`) return;
    await rm(part, { force: true });
    throw new Error("what had arrived does not belong to this file, and was removed");
  }
  if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
  const from = response.status === 206 ? have : 0;
  const length = response.headers.get("content-length");
  const total = length === null ? null : from + Number(length);
  let done = from;
  // Chunk by chunk, so that what has arrived is kept when the connection breaks off.
  const handle = await open(part, from > 0 ? "a" : "w");
  try {
    for await (const chunk of response.body) {
      await handle.writeFile(chunk);
      done += chunk.length;
      onBytes(done, total);
    }
  } finally {
    await handle.close();
  }
  if (total !== null && done !== total) throw new Error(`the connection ended after ${done} of ${total} bytes`);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause : null;
  const code = cause && "code" in cause ? String(cause.code) : null;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "no such host, or no network";
  if (code === "ECONNREFUSED") return "connection refused";
  if (error.message === "terminated") return "the connection broke off";
  return cause?.message ?? error.message;
}
