/** Parquet files as a test wants them, right or wrong: what the writer of the tests' own library would never write. */

type Field = readonly [number, number | bigint | string | Uint8Array | readonly string[] | Struct | readonly Struct[]];
/** Fields of Thrift's compact protocol: numbers are I32, BigInts I64. */
export type Struct = readonly Field[];

const varint = (value: bigint): number[] =>
  value < 128n ? [Number(value)] : [Number(value & 127n) | 128, ...varint(value >> 7n)];
const zigZag = (value: bigint): bigint => BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));

/** A struct's bytes. */
export function thrift(struct: Struct): number[] {
  let before = 0;
  const out = struct.flatMap(([number, value]) => {
    const [type, body] = element(value);
    const head = [((number - before) << 4) | type, ...body];
    before = number;
    return head;
  });
  return [...out, 0];
}

function element(value: Field[1]): [number, number[]] {
  if (typeof value === "number") return [5, varint(zigZag(BigInt(value)))];
  if (typeof value === "bigint") return [6, varint(zigZag(value))];
  if (typeof value === "string") return element(new TextEncoder().encode(value));
  if (value instanceof Uint8Array) return [8, [...varint(BigInt(value.length)), ...value]];
  if (isTexts(value)) return [9, [0xf8, ...varint(BigInt(value.length)), ...value.flatMap((text) => element(text)[1])]];
  if (isStructs(value)) return [9, [0xfc, ...varint(BigInt(value.length)), ...value.flatMap(thrift)]];
  return [12, thrift(value)];
}

/** A struct is a list of fields, which begin with a number. */
const isStructs = (value: Struct | readonly Struct[]): value is readonly Struct[] => typeof value[0]?.[0] !== "number";

const isTexts = (value: readonly unknown[]): value is readonly string[] => typeof value[0] === "string";

export interface Column {
  /** Type in parquet.thrift: 0 BOOLEAN, 1 INT32, 2 INT64, 5 DOUBLE, 6 BYTE_ARRAY. */
  readonly type: number;
  readonly optional?: boolean;
  /** 0 none, 2 GZIP, 4 BROTLI, 5 LZ4, 6 ZSTD, 7 LZ4_RAW. */
  readonly codec?: number;
  /** Header and bytes, as they lie in the file. */
  readonly pages: readonly Page[];
}

export interface Page {
  readonly header: Struct;
  readonly bytes: readonly number[];
}

/** A data page of the first kind. */
export const dataPage = (values: number, encoding: number, bytes: readonly number[], length = bytes.length): Page => ({
  header: [
    [1, 0],
    [2, length],
    [3, bytes.length],
    [
      5,
      [
        [1, values],
        [2, encoding],
        [3, 3],
        [4, 3],
      ],
    ],
  ],
  bytes,
});

/** A page of different values. */
export const dictionaryPage = (values: number, bytes: readonly number[]): Page => ({
  header: [
    [1, 2],
    [2, bytes.length],
    [3, bytes.length],
    [
      7,
      [
        [1, values],
        [2, 0],
      ],
    ],
  ],
  bytes,
});

/** One group of rows of columns x1, x2, …. */
export function parquetFile(rows: number | bigint, columns: readonly Column[]): Uint8Array {
  const out = [...new TextEncoder().encode("PAR1")];
  const chunks = columns.map(({ type, codec = 0, pages }, k): Struct => {
    const start = out.length;
    for (const { header, bytes } of pages) out.push(...thrift(header), ...bytes);
    const size = BigInt(out.length - start);
    return [
      [2, BigInt(start)],
      [
        3,
        [
          [1, type],
          [3, [`x${k + 1}`]],
          [4, codec],
          [5, BigInt(rows)],
          [6, size],
          [7, size],
          [9, BigInt(start)],
        ],
      ],
    ];
  });
  const footer = thrift([
    [1, 1],
    [
      2,
      [
        [
          [4, "root"],
          [5, columns.length],
        ],
        ...columns.map(
          ({ type, optional = false }, k): Struct => [
            [1, type],
            [3, optional ? 1 : 0],
            [4, `x${k + 1}`],
          ],
        ),
      ],
    ],
    [3, BigInt(rows)],
    [
      4,
      [
        [
          [1, chunks],
          [2, BigInt(out.length)],
          [3, BigInt(rows)],
        ],
      ],
    ],
  ]);
  const length = new Uint8Array(Uint32Array.of(footer.length).buffer);
  return Uint8Array.from([...out, ...footer, ...length, ...new TextEncoder().encode("PAR1")]);
}
