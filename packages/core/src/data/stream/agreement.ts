import { AifError, type ErrorCode } from "../../errors.js";
import type { Ranks } from "../../parallel/ranks.js";

/** What every rank found, in rank order. Plain data: arrays, records, finite numbers. */
export async function fromAll<T>(ranks: Ranks, own: T): Promise<T[]> {
  const texts = await ranks.gather(JSON.stringify(own));
  return texts.map((text) => JSON.parse(text) as T);
}

type Outcome<T> = { readonly value: T } | { readonly code: ErrorCode; readonly message: string };

/** The same for work that may fail on one rank: then all fail with its sentence. @throws what stopped the first of them */
export async function fromAllOrNone<T>(ranks: Ranks, work: () => Promise<T>): Promise<T[]> {
  if (ranks.size === 1) return [await work()];
  let failure: unknown = null;
  const own = await work().then(
    (value): Outcome<T> => ({ value }),
    (error: unknown): Outcome<T> => {
      failure = error;
      const code = error instanceof AifError ? error.code : "resource";
      return { code, message: error instanceof Error ? error.message : String(error) };
    },
  );
  const all = await fromAll(ranks, own);
  if (failure !== null) throw failure;
  return all.map((outcome) => {
    if ("value" in outcome) return outcome.value;
    throw new AifError(outcome.code, outcome.message);
  });
}

/** Sums over all ranks, in place, of arrays of any length. */
export async function addAll(ranks: Ranks, ...sums: Float64Array[]): Promise<void> {
  if (ranks.size > 1) await ranks.add(...sums);
}
