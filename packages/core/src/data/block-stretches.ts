import type { Block } from "./dataset.js";

/** Rows `from` (inclusive) to `to` (exclusive) of a block. */
export function rowsOfBlock(block: Block, from: number, to: number): Block {
  const { x, y, w, firstRow, measured } = block;
  if (from === 0 && to === y.length) return block;
  return {
    ...block,
    x: x.rowRange(from, to),
    y: y.subarray(from, to),
    w: w.subarray(from, to),
    firstRow: firstRow + from,
    ...(measured && { measured: measured.rowRange(from, to) }),
  };
}

/** A block cut into shorter ones. */
export function* shorter(block: Block, rows: number): Generator<Block> {
  const { length } = block.y;
  for (let from = 0; from < length; from += rows) yield rowsOfBlock(block, from, Math.min(from + rows, length));
}
