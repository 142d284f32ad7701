import type { Ranks } from "./ranks.js";

/** What is asked of all rows: numbers that every block adds to. `View` is what a block looks like to whoever asks. */
export interface Collector<View> {
  /** Begin at 0; `visit` adds the block's share, and the pass adds over the ranks when all blocks have been seen. */
  readonly sums: readonly Float64Array[];
  /** How many of the rows here, from the first on, need not pass again (default 0): they may do so all the same. */
  readonly seen?: number;
  visit(view: View): void | Promise<void>;
}

/** Answers a question with one pass over all rows of all ranks. */
export type Pass<View> = (collector: Collector<View>) => Promise<void>;

/**
 * Runs tasks side by side: what they ask of the rows at the same time is answered by one pass. A pass begins when every task that
 * is not finished waits for one, so that the passes are the same on all ranks and there are no more of them than the longest task
 * needs. A task may wait for nothing but its own passes.
 * @throws what the first of the tasks threw, after all have ended.
 */
export async function sideBySide<View, T>(
  pass: Pass<View>,
  tasks: readonly ((pass: Pass<View>) => Promise<T>)[],
): Promise<T[]> {
  const waiting = new Map<number, Waiting<View>>();
  let open = tasks.length;
  let failure: { readonly error: unknown } | null = null;
  const end = (error: unknown): void => {
    failure ??= { error };
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  const next = (): void => {
    if (failure) return end(failure.error);
    if (waiting.size === 0 || waiting.size < open) return;
    const asked = [...waiting.keys()].toSorted((a, b) => a - b).flatMap((task) => waiting.get(task) ?? []);
    waiting.clear();
    pass(together(asked.map(({ collector }) => collector))).then(
      () => {
        for (const { resolve } of asked) resolve();
      },
      (error) => {
        for (const { reject } of asked) reject(error);
      },
    );
  };
  const ended = await Promise.allSettled(
    tasks.map(async (task, k) => {
      const own: Pass<View> = (collector) =>
        new Promise((resolve, reject) => {
          waiting.set(k, { collector, resolve, reject });
          next();
        });
      try {
        return await task(own);
      } catch (error) {
        failure ??= { error };
        throw error;
      } finally {
        open--;
        next();
      }
    }),
  );
  if (failure) throw (failure as { readonly error: unknown }).error;
  return ended.map((outcome) => (outcome as PromiseFulfilledResult<T>).value);
}

interface Waiting<View> {
  readonly collector: Collector<View>;
  resolve(): void;
  reject(error: unknown): void;
}

/** Several questions as one. */
function together<View>(collectors: readonly Collector<View>[]): Collector<View> {
  return {
    sums: collectors.flatMap(({ sums }) => sums),
    seen: Math.min(...collectors.map(({ seen = 0 }) => seen)),
    async visit(view) {
      for (const collector of collectors) await collector.visit(view);
    },
  };
}

/** Numbers of every rank side by side: their sum over the ranks brings those of all to each. */
export class EachRank {
  /** size·width; one of a collector's `sums`. */
  readonly all: Float64Array;
  /** width: those of this rank, 0 to begin with. */
  readonly own: Float64Array;

  constructor(
    { rank, size }: Ranks,
    private readonly width: number,
  ) {
    this.all = new Float64Array(size * width);
    this.own = this.all.subarray(rank * width, (rank + 1) * width);
  }

  /** width: those of one rank. */
  ofRank(rank: number): Float64Array {
    return this.all.subarray(rank * this.width, (rank + 1) * this.width);
  }

  /** Number k of every rank, in rank order. */
  ofAll(k: number): Float64Array {
    return this.all.filter((_, at) => at % this.width === k);
  }

  smallest(k: number): number {
    return Math.min(...this.ofAll(k));
  }

  largest(k: number): number {
    return Math.max(...this.ofAll(k));
  }
}
