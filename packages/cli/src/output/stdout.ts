import { AifError } from "@aif/core";
import { isPrinter } from "../ranks.js";

const codeOf = (error: Error): string => ("code" in error && typeof error.code === "string" ? error.code : "unknown");

/** Somebody who reads only the beginning (`aif … | head`) is no error; the stream's own event would end the program. */
export function toleratesClosedPipes(): void {
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
}

/** Writes all of a text to stdout, where this process is the one that prints. @throws resource: a full disk behind a redirection, but not a closed pipe */
export async function writeStdout(text: string): Promise<void> {
  if (!isPrinter()) return;
  const error = await new Promise<Error | null | undefined>((resolve) => {
    process.stdout.write(text, resolve);
  });
  if (!error || codeOf(error) === "EPIPE") return;
  const why = codeOf(error) === "ENOSPC" ? "the disk is full; free some space" : `the system says ${codeOf(error)}`;
  throw new AifError("resource", `The result cannot be written to standard output: ${why}.`, { cause: error });
}

/** Writes a line of diagnostics; nobody is left to tell where that fails. */
export const writeStderr = (text: string): Promise<void> =>
  new Promise((resolve) => {
    process.stderr.write(text, () => resolve());
  });
