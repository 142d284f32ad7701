import type { Ranks } from "../../../src/parallel/ranks.js";

/** Ranks that run side by side in this process, for tests: each waits until all have come to the same call. */
export function inProcessRanks(size: number): Ranks[] {
  type Call = { arrive: (own: unknown, settle: (all: unknown[]) => void) => void };
  const calls: Call[] = [];
  const meeting = (at: number): Call => {
    calls[at] ??= (() => {
      const there: { own: unknown; settle: (all: unknown[]) => void }[] = [];
      return {
        arrive(own: unknown, settle: (all: unknown[]) => void) {
          there.push({ own, settle });
          if (there.length === size) for (const one of there) one.settle(there.map((other) => other.own));
        },
      };
    })();
    return calls[at];
  };
  return Array.from({ length: size }, (_, rank) => {
    let at = 0;
    const meet = async <T>(own: T): Promise<T[]> => {
      const all = await new Promise<unknown[]>((settle) => {
        meeting(at++).arrive({ rank, own }, settle);
      });
      const sorted = (all as { rank: number; own: T }[]).toSorted((a, b) => a.rank - b.rank);
      return sorted.map(({ own: value }) => value);
    };
    return {
      rank,
      size,
      async add(...sums) {
        const all = await meet(sums.map((sum) => sum.slice()));
        sums.forEach((sum, k) => {
          const lengths = new Set(all.map((arrays) => arrays[k]?.length));
          if (lengths.size !== 1) throw new Error("Ranks add arrays of different lengths.");
          sum.fill(0);
          for (const arrays of all) for (let i = 0; i < sum.length; i++) sum[i] += arrays[k][i];
        });
      },
      gather: (text) => meet(text),
    };
  });
}
