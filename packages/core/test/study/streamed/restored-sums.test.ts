import { expect, test } from "vitest";
import type { StreamedDataset } from "../../../src/data/streamed-dataset.js";
import { encodeNumbers } from "../../../src/parallel/checkpoint.js";
import { ALONE } from "../../../src/parallel/ranks.js";
import { passesOver } from "../../../src/study/streamed/rows-view.js";

test.each([
  ["all of them", [2, 1], [3, 4, 5]],
  ["none where one has another length", [2, 2], [0, 0, 0, 0]],
])("a checkpoint gives a pass its sums, %s", async (_, lengths, expected) => {
  const noRows = { features: [], ownRows: 0, blocks: () => [] } as unknown as StreamedDataset;
  const saved = [Float64Array.of(3, 4), Float64Array.of(5)].map(encodeNumbers);
  const checkpoint = { load: () => saved, save: async () => {} };
  const pass = passesOver(noRows, {
    name: "rows",
    rowsPerBlock: 8,
    ranks: ALONE,
    count: { passes: 0, phase: "" },
    checkpoint,
  });
  const sums = lengths.map((length) => new Float64Array(length));
  await pass({ sums, visit: () => {} });
  expect(sums.flatMap((sum) => [...sum])).toEqual(expected);
});
