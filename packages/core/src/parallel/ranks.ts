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
