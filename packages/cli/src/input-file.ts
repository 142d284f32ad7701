import { open } from "node:fs/promises";
import { inputError } from "./errors.js";

/** Of a file that is read whole: what Node can hold in one piece. */
const LARGEST = 2 ** 31 - 1;
const CHUNK = 1 << 20;

/**
 * A file that is read whole, whatever is behind its name: a device or pipe without an end stops at the limit.
 * @param shown what messages call it
 * @param largest in bytes
 * @throws input: there is none, it cannot be read, or it is too large
 */
export async function readInputFile(path: string, shown = path, largest = LARGEST): Promise<Uint8Array> {
  try {
    const file = await open(path);
    try {
      const found = await file.stat();
      if (found.isDirectory()) throw inputError(`${shown} is a folder; name a file in it.`);
      if (found.isFile() && found.size > largest) throw tooLarge(shown, largest);
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for await (const chunk of file.createReadStream({ highWaterMark: CHUNK, autoClose: false })) {
        chunks.push(chunk as Uint8Array);
        bytes += (chunk as Uint8Array).length;
        if (bytes > largest) throw tooLarge(shown, largest);
      }
      return Buffer.concat(chunks, bytes);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof Error && "code" in error && REASONS.has(String(error.code))) {
      throw inputError(`${shown} cannot be read: ${REASONS.get(String(error.code))}.`);
    }
    throw error;
  }
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "there is no such file"],
  ["ENOTDIR", "there is no such file"],
  ["EACCES", "its permissions forbid it"],
  ["EPERM", "its permissions forbid it"],
  ["EIO", "its disk fails"],
  ["ELOOP", "its links lead in a circle"],
  ["ENAMETOOLONG", "its name is too long"],
  ["ENXIO", "nothing is behind it"],
]);

const tooLarge = (shown: string, largest: number): Error =>
  inputError(`${shown} has more than ${Math.floor(largest / 2 ** 20)} MB, the most that is read of such a file.`);
