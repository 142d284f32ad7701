import { AifError } from "../errors.js";
import type { Ranks } from "./ranks.js";

/** What a rank brings to a round: numbers to be added, or a text that all are to have. */
export type Contribution = readonly Float64Array[] | string;

/** What a round gives to every rank: the sums, or the texts in rank order. */
export type RoundResult = readonly Float64Array[] | readonly string[];

interface Waiting {
  readonly what: Contribution;
  resolve(result: RoundResult): void;
  reject(error: unknown): void;
}

/**
 * Where ranks of one process meet: a round is over when each of them has brought its part, and numbers are added in rank order, so
 * that their digits do not depend on who came first.
 */
export class Meeting {
  /** What each rank has brought that others have not yet. */
  private readonly queues: Waiting[][];
  private failure: { readonly error: unknown } | null = null;

  constructor(readonly size: number) {
    this.queues = Array.from({ length: size }, () => []);
  }

  /** What the next round of this rank gives. @throws what ended the meeting */
  bring(rank: number, what: Contribution): Promise<RoundResult> {
    if (this.failure) return Promise.reject(this.failure.error);
    const found = new Promise<RoundResult>((resolve, reject) => {
      this.queues[rank].push({ what, resolve, reject });
    });
    if (this.queues.every((queue) => queue.length > 0)) {
      const round = this.queues.flatMap((queue) => queue.splice(0, 1));
      this.conclude(round);
    }
    return found;
  }

  /** Ends the meeting: whoever waits, or comes later, hears why. */
  end(error: unknown): void {
    this.failure ??= { error };
    for (const { reject } of this.queues.flatMap((queue) => queue.splice(0))) reject(error);
  }

  /** A rank that brings its parts from here. */
  ranks(rank: number): Ranks {
    return ranksBringing(rank, this.size, (what) => this.bring(rank, what));
  }

  private conclude(round: readonly Waiting[]): void {
    try {
      const result = together(round.map(({ what }) => what));
      for (const { resolve } of round) resolve(result);
    } catch (error) {
      for (const { reject } of round) reject(error);
      this.end(error);
    }
  }
}

/** Ranks that meet elsewhere. @param bring takes a rank's part of a round there, and has what the round gave. */
export const ranksBringing = (
  rank: number,
  size: number,
  bring: (what: Contribution) => Promise<RoundResult>,
): Ranks => ({
  rank,
  size,
  async add(...sums) {
    const found = (await bring(sums.map((sum) => sum.slice()))) as readonly Float64Array[];
    for (const [k, sum] of sums.entries()) sum.set(found[k]);
  },
  gather: async (text) => [...((await bring(text)) as readonly string[])],
});

const shapeOf = (what: Contribution): string =>
  typeof what === "string" ? "a text" : what.map(({ length }) => length).join(", ");

function together(parts: readonly Contribution[]): RoundResult {
  const shape = shapeOf(parts[0]);
  if (parts.some((part) => shapeOf(part) !== shape)) {
    throw new Error("Ranks of one process lost each other's step.");
  }
  if (typeof parts[0] === "string") return parts as readonly string[];
  const all = parts as readonly (readonly Float64Array[])[];
  return all[0].map((first, s) => {
    const sum = new Float64Array(first.length);
    for (const part of all) for (let k = 0; k < sum.length; k++) sum[k] += part[s][k];
    return sum;
  });
}

/** What ends a meeting that somebody called off. */
export const calledOff = (): AifError => new AifError("cancelled", "The work was cancelled.");
