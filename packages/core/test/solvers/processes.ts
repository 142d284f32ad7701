/** Rows that pass by, as in a process that shares them with others. */
import type { Dataset } from "../../src/index.js";

/** @param add what the other processes add to the sums of a pass */
export function passing<T extends Dataset>(data: T, add: (sums: readonly Float64Array[]) => void): T {
  return Object.assign(Object.create(data), {
    async pass({ sums, visit }: Parameters<NonNullable<Dataset["pass"]>>[0]) {
      for (const block of data.blocks()) await visit(block);
      add(sums);
    },
  });
}

/** Another process with the same rows. */
export const twice = (sums: readonly Float64Array[]): void => {
  for (const sum of sums) sum.forEach((value, j) => (sum[j] = 2 * value));
};
