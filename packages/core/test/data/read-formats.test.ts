import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, test, vi } from "vitest";
import { readTable } from "../../src/data/read.js";
import { cells, columnOf, expectFailure, fixture, plain, read, utf8 } from "./helpers.js";

describe("JSON lines", () => {
  test("types, missing keys, keys that appear late", async () => {
    const table = await read(
      '{"a":1,"b":"x","c":true}\n\n{"a":null,"b":"12","d":4}\r\n{"b":"NA","c":false,"a":-2.5e3}\n',
    );
    expect(plain(table)).toEqual([
      ["a", "numeric", [1, null, -2500]],
      ["b", "categorical", ["x", "12", null]],
      ["c", "categorical", ["true", null, "false"]],
      ["d", "numeric", [null, 4, null]],
    ]);
    expect(columnOf(table, "c")).toMatchObject({ boolean: true });
  });

  test("names like __proto__", async () => {
    const table = await read('{"__proto__":1,"constructor":2,"a.b":3}\n{"__proto__":4,"constructor":5,"a.b":6}\n');
    expect(plain(table).map(([name, , values]) => [name, values])).toEqual([
      ["__proto__", [1, 4]],
      ["constructor", [2, 5]],
      ["a.b", [3, 6]],
    ]);
  });

  const faults: readonly (readonly [string, string, RegExp])[] = [
    ["a broken line", '{"a":1}\n{"a":\n', /line 2 is not valid JSON/],
    ["NaN", '{"a":1}\n{"a":NaN}\n', /line 2 is not valid JSON/],
    ["no object", '{"a":1}\n[1]\n', /line 2 is not a JSON object/],
    ["a nested value", '{"a":1}\n{"a":[1]}\n', /data row 2 \(line 2\): column "a" holds a nested value/],
    ["too large a number", '{"a":1}\n{"a":1e999}\n', /data row 2 \(line 2\): column "a" holds Infinity/],
  ];
  test.each(faults)("%s", (_, text, message) => expectFailure(() => read(text), "input", message));

  test("an array is refused with advice", () =>
    expectFailure(() => read('[{"a":1}]', { name: "t.json" }), "input", /t\.json holds one JSON array/));
});

const file = (columnData: Parameters<typeof parquetWriteBuffer>[0]["columnData"], rowGroupSize = 2): Uint8Array =>
  new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize }));

describe("Parquet", () => {
  const sample = file([
    { name: "double", data: [1.5, null, Number.NaN, -2], type: "DOUBLE" },
    { name: "int", data: [1, 2, 3, 4], type: "INT32" },
    { name: "long", data: [1n, null, 3n, 2n ** 53n - 1n], type: "INT64" },
    { name: "flag", data: [true, false, null, true], type: "BOOLEAN" },
    { name: "text", data: ["12", "b", null, "?"], type: "STRING" },
    {
      name: "when",
      data: [new Date("2024-02-29"), new Date("2024-02-29T12:30:00Z"), null, new Date(0)],
      type: "TIMESTAMP",
    },
    { name: "__proto__", data: [1, 2, 3, 4], type: "INT32" },
    { name: "a.b", data: [5, 6, 7, 8], type: "INT32" },
  ]);

  test.each([1, 2, 7, 8, 9, 20, 5000])("a text that is the same in all of %i rows", async (rows) => {
    const data = Array.from({ length: rows }, (_, i) => (i % 5 === 4 ? null : "same"));
    expect(plain(await readTable(file([{ name: "text", data, type: "STRING" }])))).toEqual([
      ["text", "categorical", data],
    ]);
  });

  test("types, nulls and several row groups", async () => {
    const table = await readTable(sample);
    expect(plain(table)).toEqual([
      ["double", "numeric", [1.5, null, null, -2]],
      ["int", "numeric", [1, 2, 3, 4]],
      ["long", "numeric", [1, null, 3, 2 ** 53 - 1]],
      ["flag", "categorical", ["true", "false", null, "true"]],
      ["text", "categorical", ["12", "b", null, null]],
      ["when", "categorical", ["2024-02-29", "2024-02-29T12:30:00.000Z", null, "1970-01-01"]],
      ["__proto__", "numeric", [1, 2, 3, 4]],
      ["a.b", "numeric", [5, 6, 7, 8]],
    ]);
    expect(columnOf(table, "flag")).toMatchObject({ boolean: true });
  });

  test("from a stream, a blob and gzip", async () => {
    const wanted = plain(await readTable(sample));
    expect(plain(await readTable(new Blob([sample.slice()])))).toEqual(wanted);
    expect(plain(await readTable(new Blob([sample.slice()]).stream()))).toEqual(wanted);
    expect(plain(await readTable(gzipSync(sample)))).toEqual(wanted);
  });

  test("chosen columns only", async () => {
    expect(plain(await readTable(sample, { columns: ["int"] }))).toEqual([["int", "numeric", [1, 2, 3, 4]]]);
  });

  test("whole numbers beyond 2^53 are refused by column and row", () =>
    expectFailure(
      () => readTable(file([{ name: "k", data: [1n, 2n, 2n ** 60n], type: "INT64" }]), { name: "t.parquet" }),
      "input",
      /t\.parquet, data row 3: column "k" holds 1152921504606846976, beyond the 2\^53/,
    ));

  test("infinite numbers are refused by column and row", () =>
    expectFailure(
      () =>
        readTable(file([{ name: "k", data: [1, 2, Number.POSITIVE_INFINITY], type: "DOUBLE" }]), { name: "t.parquet" }),
      "input",
      /t\.parquet, data row 3: column "k" holds Infinity/,
    ));

  test("nested columns are refused by name", () =>
    expectFailure(
      () =>
        readTable(
          file([
            { name: "k", data: [[1], [2]] as never, type: "JSON" },
            { name: "l", data: [1, 2] },
          ]),
          { name: "t.parquet" },
        ),
      "input",
      /column "k" holds/,
    ));

  test("cut in half, cut at the end, named wrongly", async () => {
    const name = "half.parquet";
    for (const part of [0.5, 0.9]) {
      await expectFailure(
        () => readTable(sample.slice(0, sample.length * part), { name }),
        "input",
        /half\.parquet is a damaged or cut off Parquet/,
      );
    }
    const holed = sample.slice();
    holed.fill(0, 200, sample.length - 8);
    await expectFailure(() => readTable(holed, { name }), "input", /half\.parquet/);
    await expectFailure(() => readTable(sample.slice(0, 6), { name }), "input", /cut off/);
    await expectFailure(
      () => readTable(utf8("a,b\n1,2\n"), { name }),
      "input",
      /not a Parquet file although it is named/,
    );
  });

  test("reports progress and can be cancelled", async () => {
    const rows: number[] = [];
    await readTable(sample, { onProgress: (progress) => rows.push(progress.rows) });
    expect(rows.at(-1)).toBeGreaterThan(0);
    const controller = new AbortController();
    const onProgress = (): void => controller.abort();
    await expectFailure(() => readTable(sample, { signal: controller.signal, onProgress }), "cancelled", /cancelled/);
  });

  test("packed by Snappy: long pages, and no memory of WebAssembly grows, which would slow every array down", async () => {
    const grow = vi.spyOn(WebAssembly.Memory.prototype, "grow");
    try {
      const noise = Float64Array.from({ length: 60_000 }, (_, i) => Math.sin(i * i));
      const steps = noise.map((_, i) => Math.floor(i / 1000));
      const table = await readTable(
        file(
          [
            { name: "noise", data: [...noise], type: "DOUBLE" },
            { name: "steps", data: [...steps], type: "DOUBLE" },
          ],
          noise.length,
        ),
        { name: "t.parquet" },
      );
      expect(cells(table, "noise")).toEqual([...noise]);
      expect(cells(table, "steps")).toEqual([...steps]);
      expect(grow).not.toHaveBeenCalled();
    } finally {
      grow.mockRestore();
    }
  });

  test("named .csv, it is still Parquet", async () => {
    expect((await readTable(sample, { name: "t.csv" })).rows).toBe(4);
  });
});

/** A .npy file as NumPy writes it. */
function npy(descr: string, shape: readonly number[], body: Uint8Array, fortran = false): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? "True" : "False"}, 'shape': (${shape.join(", ")}${shape.length === 1 ? "," : ""}), }`;
  const header = `${text.padEnd(117)}\n`;
  return Buffer.concat([
    Buffer.from([0x93]),
    Buffer.from("NUMPY\u0001\u0000"),
    Buffer.from([header.length, 0]),
    Buffer.from(header),
    body,
  ]);
}

const bytesOf = (array: { buffer: ArrayBufferLike }): Uint8Array => new Uint8Array(array.buffer);

describe("NumPy", () => {
  const matrix = [
    [1.5, 3.25, 0.1],
    [-2, 4, 1e-300],
  ];

  test("files that NumPy wrote", async () => {
    expect(plain(await readTable(fixture("matrix.npy")))).toEqual([
      ["x1", "numeric", matrix[0]],
      ["x2", "numeric", matrix[1]],
    ]);
    expect(plain(await readTable(fixture("fortran.npy")))).toEqual([
      ["x1", "numeric", matrix[0].map(Math.fround)],
      ["x2", "numeric", matrix[1].map(Math.fround)],
    ]);
    expect(plain(await readTable(fixture("pair.npz")))).toEqual([
      ["x1", "numeric", matrix[0]],
      ["x2", "numeric", matrix[1]],
      ["y", "numeric", [1, -7, 2 ** 40]],
    ]);
    expect(plain(await readTable(fixture("packed.npz")))).toEqual([
      ["size", "numeric", matrix[0]],
      ["flag", "categorical", ["true", "false", "true"]],
      ["code", "numeric", [1, 2, 255]],
    ]);
  });

  const kinds: readonly (readonly [string, Uint8Array])[] = [
    ["<f8", bytesOf(Float64Array.of(1, 2))],
    ["<f4", bytesOf(Float32Array.of(1, 2))],
    ["|i1", bytesOf(Int8Array.of(1, 2))],
    ["<i2", bytesOf(Int16Array.of(1, 2))],
    ["<i4", bytesOf(Int32Array.of(1, 2))],
    ["<i8", bytesOf(BigInt64Array.of(1n, 2n))],
    ["|u1", bytesOf(Uint8Array.of(1, 2))],
    ["<u2", bytesOf(Uint16Array.of(1, 2))],
    ["<u4", bytesOf(Uint32Array.of(1, 2))],
    ["<u8", bytesOf(BigUint64Array.of(1n, 2n))],
    [">i2", Uint8Array.of(0, 1, 0, 2)],
  ];
  test.each(kinds)("%s", async (descr, body) => {
    expect(cells(await readTable(npy(descr, [2], body)), "x1")).toEqual([1, 2]);
  });

  test("C and Fortran order", async () => {
    const body = bytesOf(Int16Array.of(1, 2, 3, 4, 5, 6));
    expect(cells(await readTable(npy("<i2", [2, 3], body)), "x2")).toEqual([2, 5]);
    expect(cells(await readTable(npy("<i2", [2, 3], body, true)), "x2")).toEqual([3, 4]);
  });

  const faults: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ["objects", npy("|O", [2], Uint8Array.of()), /holds Python objects \(a pickle\), which are never opened/],
    ["text", npy("<U3", [2], Uint8Array.of()), /holds the type "U3"/],
    ["three dimensions", npy("|u1", [1, 1, 1], Uint8Array.of(1)), /3 dimensions/],
    ["cut off", npy("<f8", [3], new Uint8Array(20)), /is cut off: its shape \(3\) needs 24 bytes, it has 20/],
    [
      "too large",
      npy("<i8", [1], bytesOf(BigInt64Array.of(2n ** 60n))),
      /data row 1: column "x1" holds 1152921504606846976/,
    ],
    [
      "infinite",
      npy("<f8", [2], bytesOf(Float64Array.of(1, Number.NEGATIVE_INFINITY))),
      /data row 2: column "x1" holds -Infinity/,
    ],
    ["no rows", npy("<f8", [0, 2], Uint8Array.of()), /no data rows/],
    ["a zip without arrays", zipSync({ "a.txt": utf8("x") }), /zip archive without NumPy arrays/],
    [
      "lengths that differ",
      zipSync({ "X.npy": npy("|u1", [2, 1], Uint8Array.of(1, 2)), "y.npy": npy("|u1", [3], Uint8Array.of(1, 2, 3)) }),
      /array "y" has 3 rows, array "X" has 2/,
    ],
    [
      "a zip cut in half",
      zipSync({ "X.npy": npy("|u1", [2, 1], Uint8Array.of(1, 2)) }).subarray(0, 60),
      /damaged or cut off zip/,
    ],
  ];
  test.each(faults)("%s", (_, bytes, message) =>
    expectFailure(() => readTable(bytes, { name: "t.npy" }), "input", message),
  );

  test("a text file named .npy", () =>
    expectFailure(() => readTable(utf8("1,2\n"), { name: "t.npy" }), "input", /not a NumPy file although/));

  test("the fixtures' script lies beside them", async () => {
    expect(await readFile(fixture("make-numpy.py"), "utf8")).toContain("matrix.npy");
  });
});
