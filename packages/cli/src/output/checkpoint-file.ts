import { stat } from "node:fs/promises";
import { assertWritable } from "@aif/core/node";
import { usageError } from "../errors.js";
import { readInputFile } from "../input-file.js";

/** A checkpoint as it was asked for. */
export interface CheckpointFile {
  /** null: none. */
  readonly checkpoint: string | null;
  readonly resume: boolean;
}

/**
 * What the file of --checkpoint holds to go on from: null without --resume.
 * @throws usage: a file that exists without --resume, --resume without a file. resource: a file that cannot be written. input: one
 * that cannot be read.
 */
export async function readCheckpoint({ checkpoint: path, resume }: CheckpointFile): Promise<string | null> {
  if (path === null) {
    if (resume) throw usageError("--resume goes on from a file: name it with --checkpoint.");
    return null;
  }
  await assertWritable(path);
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (exists && !resume) {
    throw usageError(`${path} exists already: go on from it with --resume, or name another file with --checkpoint.`);
  }
  if (!exists && resume) {
    throw usageError(`There is no checkpoint ${path} to resume from: leave out --resume to start anew.`);
  }
  if (!resume) return null;
  return new TextDecoder().decode(await readInputFile(path, `The checkpoint ${path}`, LARGEST));
}

/** V8 reads no longer text than half a gigabyte. */
const LARGEST = 2 ** 29 - 25;
