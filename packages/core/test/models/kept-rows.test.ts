/** V is kept from pass to pass, and written over only when no pass reads it any more. */
import { expect, test } from "vitest";
import { type Dataset, Matrix, matrixDataset } from "../../src/index.js";
import { KeptRows } from "../../src/models/kept-rows.js";
import { MonomialMap } from "../../src/models/monomial-map.js";

const squares = (): MonomialMap =>
  new MonomialMap(1, false, [{ name: "a^2", coefficient: 1, factors: [{ input: 0, power: 2 }] }]);
const of = (...values: number[]): Dataset =>
  matrixDataset(
    new Matrix(Float64Array.from(values), values.length, 1),
    values.map(() => 0),
  );

/** V of the first block as a pass would have it. */
function read(map: MonomialMap, data: Dataset): { readonly kept: KeptRows; readonly v: Float64Array } {
  const kept = KeptRows.of(map, data);
  if (!kept) throw new Error("These rows may be kept.");
  const [block] = data.blocks();
  return { kept, v: kept.block(block, map.formed.bind(map)).data };
}

test("the next pass of the same map over the same rows reads what is there", () => {
  const [map, data] = [squares(), of(1, 2, 3)];
  const first = read(map, data);
  first.kept.done();
  const second = read(map, data);
  second.kept.done();
  expect(second.v).toBe(first.v);
  expect([...second.v]).toEqual([1, 4, 9]);
});

test("other rows are written elsewhere while a pass goes on, and in its place afterwards", () => {
  const going = read(squares(), of(1, 2, 3));
  const beside = read(squares(), of(4, 5, 6));
  expect([...going.v]).toEqual([1, 4, 9]);
  expect([...beside.v]).toEqual([16, 25, 36]);
  beside.kept.done();
  const after = read(squares(), of(7, 8));
  expect(after.v.buffer).toBe(beside.v.buffer);
  expect([...after.v]).toEqual([49, 64]);
  expect([...going.v]).toEqual([1, 4, 9]);
});

test("blocks that were cut otherwise before", () => {
  const [map, data] = [squares(), of(1, 2, 3, 4)];
  const { kept } = read(map, data);
  const cut = [...data.blocks(3)].map((block) => [...kept.block(block, map.formed.bind(map)).data]);
  expect(cut).toEqual([[1, 4, 9], [16]]);
});
