import { EachRank } from "../../parallel/passes.js";
import type { Ranks } from "../../parallel/ranks.js";
import { LISTED_ROWS, largestRows, type RowShare } from "../threat-section.js";

/** The rows with the largest values, put together block by block and rank by rank. */
export class LargestRows {
  private readonly each: EachRank;
  private largest: RowShare[] = [];

  constructor(ranks: Ranks) {
    // Of every rank: how many, then rows of the file and values.
    this.each = new EachRank(ranks, 1 + 2 * LISTED_ROWS);
  }

  /** To be added over the ranks when all blocks have been seen. */
  get sums(): Float64Array[] {
    return [this.each.all];
  }

  see(values: Float64Array, sourceRows: Float64Array): void {
    this.largest = topOf([...this.largest, ...largestRows(values, (i) => sourceRows[i])]);
    this.each.own.set([this.largest.length, ...this.largest.flatMap(({ row, value }) => [row, value])]);
  }

  /** Of all ranks. */
  found(): RowShare[] {
    const { all, own } = this.each;
    const lists = Array.from({ length: all.length / own.length }, (_, rank) =>
      all.subarray(rank * own.length, (rank + 1) * own.length),
    );
    return topOf(
      lists.flatMap((list) =>
        Array.from({ length: list[0] }, (_, k) => ({ row: list[1 + 2 * k], value: list[2 + 2 * k] })),
      ),
    );
  }
}

const topOf = (rows: readonly RowShare[]): RowShare[] =>
  rows.toSorted((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, LISTED_ROWS);
