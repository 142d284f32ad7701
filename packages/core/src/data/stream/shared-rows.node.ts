import type { Ranks } from "../../parallel/ranks.js";
import { CacheReader } from "./cache-file.node.js";
import type { CachedRows } from "./cached-rows.node.js";
import { type CachedBlocks, CachedTable } from "./cached-table.js";

/** The cached rows of this rank as a table, where every rank has its own cache. */
export const wholeTable = (rows: CachedRows, ranks: Ranks): CachedTable =>
  tableOf(rows, ranks, 0, rows.index.rows.length);

/** A share of one cache that several ranks read side by side, threads of one process: a run of its blocks. */
export function sharedTable(rows: CachedRows, ranks: Ranks): CachedTable {
  const blocks = rows.index.rows.length;
  const from = (rank: number): number => Math.floor((blocks * rank) / ranks.size);
  return tableOf(rows, ranks, from(ranks.rank), from(ranks.rank + 1));
}

function tableOf(rows: CachedRows, ranks: Ranks, from: number, to: number): CachedTable {
  const { source, survey, index, firstRow } = rows;
  const count = (first: number, last: number): number =>
    index.rows.slice(first, last).reduce((sum, length) => sum + length, 0);
  const blocks = blocksOf(rows, from, to);
  return new CachedTable(source, blocks, survey, firstRow + count(0, from), count(from, to), ranks);
}

function blocksOf(rows: CachedRows, from: number, to: number): CachedBlocks {
  const { pass, index, file, handle, whose } = rows;
  const rowsOf = (k: number): string => {
    const first = index.before[k];
    return `data rows ${first + 1} to ${first + index.rows[k]} of ${pass.parts[index.files[k]].name}${whose}`;
  };
  const reader = new CacheReader(file, index, rowsOf, handle);
  return {
    parts: pass.parts,
    texts: pass.texts,
    rounding: pass.rounding,
    count: to - from,
    rowsOf: (k) => index.rows[from + k],
    fileOf: (k) => index.files[from + k],
    block: (k) => reader.block(from + k),
  };
}
