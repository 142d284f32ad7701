import { readFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, test } from "vitest";
import { idxMatrix, readIdx } from "../../src/data/idx.js";
import { readIdxTable } from "../../src/data/idx-table.js";
import { readTable } from "../../src/data/read.js";
import { bytesSource } from "../../src/data/source.js";
import type { Table } from "../../src/data/table.js";
import { TableBuilder } from "../../src/data/table-builder.js";
import { FUZZ_TIME, fuzz, oneOf, oneOfTexts } from "../fuzz.js";
import { fixture, plain, utf8 } from "./helpers.js";
import { dataPage, dictionaryPage, parquetFile } from "./parquet-writer.js";

/** A table that was accepted is whole: every column has a cell for every row, numbers are finite or missing, codes have levels. */
function isWhole({ rows, columns }: Table): void {
  expect(rows).toBeGreaterThan(0);
  expect(new Set(columns.map(({ name }) => name)).size).toBe(columns.length);
  for (const column of columns) {
    const cells = column.kind === "numeric" ? column.values : column.codes;
    expect(cells).toHaveLength(rows);
    if (column.kind === "numeric") expect(column.values.some((value) => Math.abs(value) === Infinity)).toBe(false);
    else expect(column.codes.every((code) => code >= -1 && code < column.levels.length)).toBe(true);
  }
}

const read = (name: string) => (bytes: Uint8Array) => readTable(bytes, { name });

const csv = [
  "a,b,target\n1,x,0.5\n2,y,1.5\n,z,-2e3\n4.50,x,7\n",
  'name;value\r\n"a ""quoted"" one";1,5\r\n"two\nlines";2\r\nNA;3\r\n',
  "1\t2\t3\n4\t5\t6\n-7\t8e2\t9\n",
  "x\r1\r2\r3\r",
];
const jsonLines = [
  '{"a":1,"b":"x","c":true}\n\n{"a":null,"b":"12","d":4}\r\n{"b":"NA","c":false,"a":-2.5e3}\n',
  '{"__proto__":1,"constructor":2}\n{"__proto__":4,"toString":"é"}\n',
];

const columns = [
  { name: "double", data: [1.5, null, -2, 4], type: "DOUBLE" },
  { name: "int", data: [1, 2, 3, 4], type: "INT32", nullable: false },
  { name: "long", data: [1n, null, 3n, 4n], type: "INT64" },
  { name: "flag", data: [true, false, null, true], type: "BOOLEAN" },
  { name: "text", data: ["a", "b", "a", "a"], type: "STRING" },
] as const satisfies Parameters<typeof parquetWriteBuffer>[0]["columnData"];
type Options = Omit<Parameters<typeof parquetWriteBuffer>[0], "columnData">;
const packedParquet = (options: Options): Uint8Array =>
  new Uint8Array(parquetWriteBuffer({ columnData: columns.map((column) => ({ ...column })), ...options }));
const encodedParquet = (
  encoding: "DELTA_BINARY_PACKED" | "BYTE_STREAM_SPLIT" | "DELTA_BYTE_ARRAY" | "DELTA_LENGTH_BYTE_ARRAY",
) =>
  new Uint8Array(
    parquetWriteBuffer({
      codec: "UNCOMPRESSED",
      columnData: encoding.includes("BYTE_ARRAY")
        ? [{ name: "t", data: ["aab", "aac", "b", "bcd"], type: "STRING", encoding, nullable: false }]
        : [{ name: "k", data: [10, 12, 9, 40], type: "INT32", encoding, nullable: false }],
    }),
  );
const parquet = [
  packedParquet({}),
  packedParquet({ codec: "UNCOMPRESSED", rowGroupSize: 3 }),
  packedParquet({ codec: "GZIP", compressors: { GZIP: (bytes) => gzipSync(bytes) } }),
  packedParquet({ codec: "BROTLI", compressors: { BROTLI: (bytes) => brotliCompressSync(bytes) } }),
  encodedParquet("DELTA_BINARY_PACKED"),
  encodedParquet("BYTE_STREAM_SPLIT"),
  encodedParquet("DELTA_BYTE_ARRAY"),
  encodedParquet("DELTA_LENGTH_BYTE_ARRAY"),
  // Pages of the first kind: levels and a dictionary in runs, plain integers in LZ4 behind lengths and in a frame of Zstandard.
  parquetFile(4, [
    {
      type: 1,
      optional: true,
      pages: [dictionaryPage(2, [7, 0, 0, 0, 9, 0, 0, 0]), dataPage(4, 8, [2, 0, 0, 0, 3, 0b1011, 1, 3, 0b101])],
    },
    { type: 1, codec: 5, pages: [dataPage(4, 0, [0, 0, 0, 16, 0, 0, 0, 18, 0xf0, 1, ...count(16)], 16)] },
    {
      type: 1,
      codec: 6,
      pages: [dataPage(4, 0, [0x28, 0xb5, 0x2f, 0xfd, 0x20, 16, 0x81, 0, 0, ...count(16)], 16)],
    },
  ]),
];

function count(length: number): number[] {
  return Array.from({ length }, (_, k) => (k % 4 === 0 ? k : 0));
}

const pictures = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, ...count(12));
const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 1, 7);

async function idxTable(pixels: Uint8Array, classes: Uint8Array): Promise<Table> {
  const table = new TableBuilder(undefined, new Set());
  const source = bytesSource(pixels, "t-images-idx3-ubyte");
  table.file(source.name);
  await readIdxTable({ ...source, beside: async (name) => bytesSource(classes, name) }, table);
  return table.finish(source.name);
}

const npy = ["matrix.npy", "fortran.npy"].map((name) => new Uint8Array(readFileSync(fixture(name))));
const npz = [
  ...["pair.npz", "packed.npz"].map((name) => new Uint8Array(readFileSync(fixture(name)))),
  zipSync({ "X.npy": npy[0], "y.npy": npy[1] }, { level: 0 }),
];
const packed = [gzipSync(csv[0]), Buffer.concat([gzipSync("a,b\n1,2\n"), gzipSync("3,4\n5,6\n")])];

describe("damaged tables give an error in one sentence or a whole table, soon and in little memory", () => {
  test("what is damaged below can be read", async () => {
    for (const text of csv) isWhole(await read("t.csv")(utf8(text)));
    for (const text of jsonLines) isWhole(await read("t.jsonl")(utf8(text)));
    for (const bytes of parquet) isWhole(await read("t.parquet")(bytes));
    for (const bytes of [...npy, ...npz, ...packed]) isWhole(await read("t")(bytes));
    isWhole(await idxTable(pictures, labels));
    expect(plain(await read("t.parquet")(parquet.at(-1) ?? new Uint8Array(0)))).toEqual([
      ["x1", "numeric", [9, 7, null, 9]],
      ["x2", "numeric", [0, 4, 8, 12]],
      ["x3", "numeric", [0, 4, 8, 12]],
    ]);
  });

  const signs = [",", ";", "\t", "|", '"', '""', "\n", "\r\n", "\r", "\0", "\ufeff", "1e999", "-0x1", "NaN", "é", "  "];
  test("CSV", () => fuzz(oneOfTexts(signs, ...csv), read("t.csv"), isWhole), FUZZ_TIME);

  const grammar = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    '"',
    "\\u0000",
    "\\",
    "1e999",
    "-",
    "null",
    '{"__proto__":',
    "\n",
    "9".repeat(400),
  ];
  test("JSON lines", () => fuzz(oneOfTexts(grammar, ...jsonLines), read("t.jsonl"), isWhole), FUZZ_TIME);

  test(
    "gzip, whose contents are checked",
    () => {
      const whole = Promise.all(packed.map(async (bytes) => plain(await read("t.csv.gz")(bytes))));
      return fuzz(
        oneOf(...packed),
        async (bytes) => [await read("t.csv.gz")(bytes), await whole] as const,
        ([table, [first, second]]) => {
          // What is neither is one of the files behind each other, which gzip lets stand alone.
          if (table.columns.length === 3) expect(plain(table)).toEqual(first);
          else if (table.rows === 3) expect(plain(table)).toEqual(second);
          else isWhole(table);
        },
        { accepted: 5 },
      );
    },
    FUZZ_TIME,
  );

  test("NumPy arrays", () => fuzz(oneOf(...npy), read("t.npy"), isWhole), FUZZ_TIME);
  test("zip archives of arrays", () => fuzz(oneOf(...npz), read("t.npz"), isWhole), FUZZ_TIME);
  test("Parquet", () => fuzz(oneOf(...parquet), read("t.parquet"), isWhole), FUZZ_TIME);

  test(
    "IDX",
    () =>
      fuzz(
        oneOf(pictures, gzipSync(pictures)),
        (bytes) => readIdx(bytes),
        (array) => {
          expect(idxMatrix(array).data).toHaveLength(array.shape.reduce((product, side) => product * side, 1));
        },
      ),
    FUZZ_TIME,
  );
  test(
    "IDX pictures and their labels",
    async () => {
      await fuzz(oneOf(pictures, labels), (bytes) => idxTable(bytes, labels), isWhole, { cases: 400 });
      await fuzz(oneOf(labels), (bytes) => idxTable(pictures, bytes), isWhole, { cases: 400 });
    },
    2 * FUZZ_TIME,
  );
});
