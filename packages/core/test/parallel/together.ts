import type { Ranks } from "../../src/parallel/ranks.js";

/** Ranks in one process: what `work` does on each of them, at once. */
export function together<T>(size: number, work: (ranks: Ranks) => Promise<T>): Promise<T[]> {
  const rounds: { parts: unknown[]; present: number; open: () => void; closed: Promise<void> }[] = [];
  const meet = async (rank: number, round: number, part: unknown): Promise<unknown[]> => {
    if (!rounds[round]) {
      let open = (): void => {};
      const closed = new Promise<void>((resolve) => {
        open = resolve;
      });
      rounds[round] = { parts: [], present: 0, open, closed };
    }
    const here = rounds[round];
    here.parts[rank] = part;
    if (++here.present === size) here.open();
    await here.closed;
    return here.parts;
  };
  return Promise.all(
    Array.from({ length: size }, (_, rank) => {
      let round = 0;
      return work({
        rank,
        size,
        add: async (...sums) => {
          const parts = (await meet(
            rank,
            round++,
            sums.map((sum) => sum.slice()),
          )) as Float64Array[][];
          for (const [s, sum] of sums.entries()) {
            sum.fill(0);
            for (const part of parts) for (let k = 0; k < sum.length; k++) sum[k] += part[s][k];
          }
        },
        gather: async (text) => (await meet(rank, round++, text)) as string[],
      });
    }),
  );
}
