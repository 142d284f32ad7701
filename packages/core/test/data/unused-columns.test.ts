import { existsSync } from "node:fs";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, test } from "vitest";
import { readTable, type TableInput } from "../../src/data/read.js";
import { openStreamed } from "../../src/data/stream/open.node.js";
import { expectFailure, plain, temporaryFolder, utf8 } from "./helpers.js";

const folder = temporaryFolder();

const parquet = (name: string, data: unknown[], type: "INT64" | "DOUBLE" | "JSON"): Uint8Array => {
  const columnData = [
    { name, data: data as never, type },
    { name: "y", data: [1, 2, 3], type: "DOUBLE" as const },
  ];
  return new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 2 }));
};

/** One column of 64-bit integers. */
function npy(values: readonly bigint[]): Uint8Array {
  const shape = `{'descr': '<i8', 'fortran_order': False, 'shape': (${values.length},), }`.padEnd(117);
  const head = utf8(`\u0000NUMPY\u0001\u0000\u0076\u0000${shape}\n`);
  head[0] = 0x93;
  return new Uint8Array([...head, ...new Uint8Array(new BigInt64Array(values).buffer)]);
}

const tables: readonly (readonly [string, TableInput, string, RegExp, readonly (number | null)[]])[] = [
  ["an infinite number in a CSV", utf8("k,y\n1,1\ninf,2\n3,3\n"), "k", /column "k" holds inf/, [1, null, 3]],
  ["a nested value in JSON", utf8('{"k":1,"y":1}\n{"k":[2],"y":2}\n{"k":3,"y":3}\n'), "k", /nested/, [1, null, 3]],
  ["a large integer in Parquet", parquet("k", [1n, 2n ** 60n, 3n], "INT64"), "k", /beyond the 2\^53/, [1, null, 3]],
  ["an infinite number in Parquet", parquet("k", [1, 1 / 0, 3], "DOUBLE"), "k", /holds Infinity/, [1, null, 3]],
  ["lists in Parquet", parquet("k", [[1], [2], [3]], "JSON"), "k", /column "k" holds/, [null, null, null]],
  ["a large integer in an array", npy([1n, 2n ** 60n, 3n]), "x1", /beyond the 2\^53/, [1, null, 3]],
];

describe("a cell that no column can hold", () => {
  test.each(tables)("%s is refused with the way out, and is missing where nobody uses its column", async (...row) => {
    const [, input, name, message, values] = row;
    await expectFailure(() => readTable(input), "input", message);
    await expectFailure(() => readTable(input), "input", /--exclude/);
    await expectFailure(() => readTable(input, { unused: ["y"] }), "input", message);
    const [found] = plain(await readTable(input, { unused: [name] }));
    expect(found).toEqual([name, "numeric", values]);
    expect(plain(await readTable(input, { unused: ["#1"] }))[0]).toEqual(found);
  });

  test("is no hindrance to streaming, and its cache is used again by those only who leave its column out", async () => {
    const path = await folder.write("lists.csv", `a,k,y,b\n${"1,2,3,1\n2,inf,1,2\n4,1,2,2\n3,1,1,3\n".repeat(20)}`);
    const cache = folder.path("cache");
    const open = async (exclude: string[]): Promise<boolean> => {
      let kept = false;
      const onCache = (_folder: string, _bytes: number, before: boolean): void => {
        kept = before;
      };
      const options = { encode: { target: "y", exclude }, split: { kind: "training" as const }, seed: 0 };
      (await openStreamed(path, { ...options, cache, keepCache: true, onCache })).close();
      return kept;
    };
    await expectFailure(() => open([]), "input", /data row 2 \(line 3\): column "k" holds inf/);
    expect([await open(["k"]), await open(["k"]), await open(["k", "b"])]).toEqual([false, true, true]);
    await expectFailure(() => open([]), "input", /column "k" holds inf/);
    expect(existsSync(cache)).toBe(true);
  });

  test("is refused of a column that groups rows although it is left out as a feature", async () => {
    const path = await folder.write("groups.csv", `a,k,y\n${"1,2,3\n2,inf,1\n4,1,2\n3,1,1\n".repeat(20)}`);
    const encode = { target: "y", exclude: ["k"], by: "k" };
    const open = () => openStreamed(path, { encode, split: { kind: "training" }, seed: 0 });
    await expectFailure(open, "input", /column "k" holds inf/);
  });
});
