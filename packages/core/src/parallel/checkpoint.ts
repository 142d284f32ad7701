import type { Ranks } from "./ranks.js";

/**
 * Where long work keeps what it has found out, so that a run that was cut off goes on to the same digits. All that an analysis by
 * passes decides follows from the sums of its passes: a run that goes on takes over those that were saved, stage by stage, and
 * asks the rows only for the rest.
 */
export interface Checkpoint {
  /** What was saved under this name, or null. The same on all ranks. */
  load(stage: string): readonly string[] | null;
  /** Called by all ranks with the same data. */
  save(stage: string, data: readonly string[]): Promise<void>;
}

const CHUNK = 8192;

/** The bytes of numbers as text, to the last digit. */
export function encodeNumbers(values: Float64Array): string {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += CHUNK) parts.push(String.fromCharCode(...bytes.subarray(at, at + CHUNK)));
  return btoa(parts.join(""));
}

/** Reads what `encodeNumbers` wrote into an array of the same length. @returns whether it has that length. */
export function decodeNumbers(text: string, to: Float64Array): boolean {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  if (bytes.length !== to.byteLength) return false;
  new Uint8Array(to.buffer, to.byteOffset, to.byteLength).set(bytes);
  return true;
}

/** Ranks that take one question after the other, and remember what texts were gathered. */
export function orderly(ranks: Ranks, checkpoint: Checkpoint | undefined): Ranks {
  let last: Promise<unknown> = Promise.resolve();
  let gathered = 0;
  const inTurn = <T>(ask: () => Promise<T>): Promise<T> => {
    const answer = last.then(ask, ask);
    last = answer.catch(() => undefined);
    return answer;
  };
  return {
    rank: ranks.rank,
    size: ranks.size,
    add: (...sums) => inTurn(() => ranks.add(...sums)),
    gather(text) {
      gathered++;
      const stage = `texts ${gathered}`;
      const known = checkpoint?.load(stage);
      if (known) return Promise.resolve([...known]);
      return inTurn(async () => {
        const texts = await ranks.gather(text);
        await checkpoint?.save(stage, texts);
        return texts;
      });
    },
  };
}
