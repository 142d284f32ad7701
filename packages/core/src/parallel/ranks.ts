import { AifError, type ErrorCode } from "../errors.js";

/**
 * The processes that work on one analysis together: each holds a share of the rows, and what is summed over its rows is added over
 * all. Nothing else is known of where they run.
 */
export interface Ranks {
  /** 0 … size − 1; rank 0 alone prints. */
  readonly rank: number;
  readonly size: number;
  /** Adds each array over all ranks, in place. All ranks get the same digits. @throws what stopped any of them. */
  add(...sums: Float64Array[]): Promise<void>;
  /** A short text of every rank, in rank order, on every rank. @throws what stopped any of them. */
  gather(text: string): Promise<string[]>;
}

/** This process by itself. */
export const ALONE: Ranks = {
  rank: 0,
  size: 1,
  add: async () => {},
  gather: async (text) => [text],
};

/** What stopped another rank. That one says it; here it only ends the work. */
export class RankError extends Error {
  override readonly name = "RankError";
  constructor(
    readonly rank: number,
    /** null: no error that a user can cause. */
    readonly code: ErrorCode | null,
    message: string,
  ) {
    super(message);
  }
}

/** An error as text, for another process or thread. */
export const errorText = (error: unknown): string =>
  JSON.stringify({
    code: error instanceof AifError ? error.code : null,
    message: error instanceof Error ? error.message || error.name : String(error),
  });

export const readErrorText = (text: string): { readonly code: ErrorCode | null; readonly message: string } =>
  JSON.parse(text);
