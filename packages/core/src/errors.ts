/**
 * What went wrong, as a value a program can branch on. Every error that a user can cause is one of these:
 * `message` is one sentence that names the file, column, row or option and says what to do.
 */
export type ErrorCode =
  | "usage" // an option or argument that makes no sense
  | "input" // data that cannot be read or used
  | "numerical" // the computation has no answer, or none that can be trusted
  | "resource" // memory, a file that cannot be written
  | "cancelled"; // the caller's AbortSignal fired

/**
 * Every error that a caller can cause or that data can bring about. `code` says of which kind, `message` is one sentence
 * for people; settings are named in it as the command line names them (`--l2 0.01` for `l2: 0.01`).
 */
export class AifError extends Error {
  override readonly name = "AifError";
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export const usageError = (message: string): AifError => new AifError("usage", message);
export const inputError = (message: string): AifError => new AifError("input", message);
export const numericalError = (message: string, options?: ErrorOptions): AifError =>
  new AifError("numerical", message, options);

/** Throws a `cancelled` error once the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AifError("cancelled", "The work was cancelled.");
}
