import readings from "./readings.json" with { type: "json" };

/** Survivors that were read and cannot be told from the sources as they are by any result, with the reason. */
export interface Reading {
  /** Below packages/core/src. */
  readonly file: string;
  /** The line that the error begins in, trimmed. */
  readonly line: string;
  readonly rule: string;
  readonly replacement: string;
  readonly why: string;
}

export const READINGS: readonly Reading[] = readings;
