/** Blocks cut shorter and joined to longer ones. */
import { describe, expect, test } from "vitest";
import { longer, shorter } from "../../src/data/block-stretches.js";
import type { Block } from "../../src/data/dataset.js";
import { matrixDataset } from "../../src/data/matrix-dataset.js";
import { Matrix } from "../../src/linalg/matrix.js";

const n = 11;
const x = new Matrix(
  Float64Array.from({ length: 2 * n }, (_, at) => at),
  n,
  2,
);
const data = matrixDataset(
  x,
  Float64Array.from({ length: n }, (_, i) => 100 + i),
);

/** What blocks have of the rows, in order. */
const seen = (blocks: readonly Block[]) => ({
  x: blocks.flatMap((block) => [...block.x.data]),
  y: blocks.flatMap((block) => [...block.y]),
  w: blocks.flatMap((block) => [...block.w]),
});
const sizes = (blocks: readonly Block[]): number[][] => blocks.map(({ firstRow, x: { rows } }) => [firstRow, rows]);

describe("blocks joined to longer ones", () => {
  test("neighbours in one piece, as many as there is room for", () => {
    const blocks = [...longer(data.blocks(2), 5)];
    expect(sizes(blocks)).toEqual([
      [0, 4],
      [4, 4],
      [8, 3],
    ]);
    expect(seen(blocks)).toEqual(seen([...data.blocks(n)]));
    expect(blocks.every(({ x: { data: own }, lasting }) => own.buffer === x.data.buffer && lasting === true)).toBe(
      true,
    );
  });

  test("no room, no other block than before", () => {
    expect(sizes([...longer(data.blocks(4), 0)])).toEqual(sizes([...data.blocks(4)]));
  });

  test("rows that do not last are passed on at once, one block after the other", () => {
    const chosen = data.select(Int32Array.of(3, 0, 7, 5, 1));
    let asked = 0;
    const source = function* (): Generator<Block> {
      for (const block of chosen.blocks(2)) {
        asked++;
        yield block;
      }
    };
    let got = 0;
    const found: number[] = [];
    for (const block of longer(source(), 100)) {
      expect(asked).toBe(++got);
      found.push(...block.y);
    }
    expect(found).toEqual([103, 100, 107, 105, 101]);
  });

  test("rows of other arrays are no neighbours", () => {
    const [one, next] = [...data.blocks(6)];
    const copied = { ...next, x: new Matrix(next.x.data.slice(), next.x.rows, 2) };
    expect(sizes([...longer([one, copied], n)])).toEqual([
      [0, 6],
      [6, 5],
    ]);
    expect(sizes([...longer([next, one], n)])).toEqual([
      [6, 5],
      [0, 6],
    ]);
  });

  test("what is cut is joined again", () => {
    const [whole] = [...data.blocks(n)];
    const cut = [...shorter(whole, 3)];
    expect(sizes(cut).map(([, rows]) => rows)).toEqual([3, 3, 3, 2]);
    expect(seen([...longer(cut, n)])).toEqual(seen([whole]));
    expect(sizes([...longer(cut, n)])).toEqual([[0, n]]);
  });
});
