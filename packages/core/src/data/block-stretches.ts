import { Matrix } from "../linalg/matrix.js";
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

/** Blocks of up to so many rows from shorter ones: neighbours that lie in one piece are joined, and nothing is copied. */
export function* longer(blocks: Iterable<Block>, rows: number): Generator<Block> {
  let open: Block | null = null;
  for (const block of blocks) {
    if (open && open.y.length + block.y.length <= rows && inOnePiece(open, block)) open = joined(open, block);
    else {
      if (open) yield open;
      open = block;
    }
    // Rows that do not last are gone when the next block is asked for.
    if (!block.lasting) {
      yield open;
      open = null;
    }
  }
  if (open) yield open;
}

const inOnePiece = (one: Block, next: Block): boolean =>
  next.lasting === true && follows(one.x.data, next.x.data) && follows(one.y, next.y) && follows(one.w, next.w);

const follows = (one: Float64Array, next: Float64Array): boolean =>
  one.buffer === next.buffer && one.byteOffset + one.byteLength === next.byteOffset;

const joined = (one: Block, next: Block): Block => ({
  x: new Matrix(together(one.x.data, next.x.data), one.x.rows + next.x.rows, one.x.columns),
  y: together(one.y, next.y),
  w: together(one.w, next.w),
  firstRow: one.firstRow,
  lasting: true,
});

const together = (one: Float64Array, next: Float64Array): Float64Array =>
  new Float64Array(one.buffer, one.byteOffset, one.length + next.length);
