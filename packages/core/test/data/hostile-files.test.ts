/** Small files that are made to fill a machine, or to keep it busy for ever: each ends in a sentence, at once. */
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { zipSync } from "fflate";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, test } from "vitest";
import { readTable } from "../../src/data/read.js";
import { AifError, type ErrorCode } from "../../src/errors.js";
import { cpuTime } from "../cpu-time.js";
import { expectFailure, read, utf8 } from "./helpers.js";
import { dataPage, dictionaryPage, type Page, parquetFile, thrift } from "./parquet-writer.js";

const megabyte = 2 ** 20;

/** Refused with less than 300 MB of memory more than any test before it took, within seconds of the processor. */
async function refused(
  bytes: Uint8Array,
  message: RegExp,
  code: ErrorCode = "input",
  name = "t",
  memoryBytes = 64 * megabyte,
): Promise<void> {
  const memory = process.resourceUsage().maxRSS;
  const start = cpuTime();
  await expectFailure(() => readTable(bytes, { name, memoryBytes }), code, message);
  expect(cpuTime() - start).toBeLessThan(10_000); // what grows with the square of a length takes minutes
  expect((process.resourceUsage().maxRSS - memory) * 1024).toBeLessThan(300 * megabyte);
}

const npyText = (text: string, version = 1): Uint8Array =>
  Buffer.concat([
    Buffer.from([0x93]),
    Buffer.from("NUMPY"),
    Buffer.from([version, 0]),
    Buffer.from(
      version === 1 ? [text.length & 255, text.length >> 8] : new Uint8Array(Uint32Array.of(2 ** 32 - 1).buffer),
    ),
    Buffer.from(text),
  ]);
const npyShape = (shape: string): Uint8Array =>
  npyText(`{'descr': '|u1', 'fortran_order': False, 'shape': (${shape}), }\n`);

describe("packed files", () => {
  // 16 MB are just what any file may unpack to: as texts, all at once, these took gigabytes.
  test.each([
    ["line ends", "\n", "a\n", (k: number) => `${k}\n`],
    ["short rows", "1,2\n", "a,b\n", (k: number) => `${k},1\n`],
    ["empty lines of JSON", "\n", "", (k: number) => `{"a":${k}}\n`],
  ])(
    "15 MB of %s, and then more",
    async (_what, unit, head, row) => {
      const uneven = Array.from({ length: 1500 }, (_, k) => row((k * 7919 * 104_729) % 999_983)).join("");
      const fifteen = unit.repeat((15 * megabyte) / unit.length);
      await refused(gzipSync(head + row(1) + fifteen + uneven + fifteen + fifteen), /unpacks to more than 300 times/);
    },
    20_000,
  );

  test("10 MB of gzip that unpack to 10 GB", async () => {
    const member = gzipSync(Buffer.alloc(16 * megabyte, "1,2\n"));
    const bomb = Buffer.concat(Array.from({ length: Math.ceil((10 * megabyte) / member.length) }, () => member));
    await refused(bomb, /t unpacks to more than 300 times its size/);
  }, 20_000);

  test("a table of ones that packs well, but not too well, and does not fit", async () => {
    const text = Array.from({ length: 300_000 }, (_, k) => `${k % 97}\n`).join("");
    const message =
      /t is too large for this machine: its first \d+ rows of 1 columns take \d+ MB where 2 MB are to spare/;
    await refused(gzipSync(`a\n${text}`), message, "resource", "t", 2 * megabyte);
  });

  test("gzip in gzip", () => refused(gzipSync(gzipSync("a\n1\n")), /packed with gzip twice/));

  test("a changed byte, which the check sum shows", () => {
    const file = gzipSync("a,b\n1,2\n3,4\n", { level: 0 });
    const at = file.indexOf("3,4");
    file[at] = "8".charCodeAt(0);
    return refused(file, /is a damaged or cut off gzip file/);
  });

  test.each([
    ["a header whose text does not end", [0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0], [0x41]],
    ["blocks without content", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0xff, 0xff]],
  ])("gzip of 20 MB that is %s", (_what, head, body) => {
    const file = Buffer.alloc(20 * megabyte, Uint8Array.from(body));
    file.set(head);
    return refused(
      body.length > 1 ? Buffer.concat([Buffer.from(head), file.subarray(10)]) : file,
      /damaged or cut off gzip/,
    );
  });

  test("members without content between others, as bgzip writes them, are nothing bad", async () => {
    const empty = gzipSync("");
    const file = Buffer.concat([gzipSync("a\n1\n"), ...Array<Buffer>(3).fill(empty), gzipSync("2\n"), empty]);
    expect((await readTable(file, { name: "t" })).rows).toBe(2);
  });

  const archive = (content: Uint8Array): Uint8Array => zipSync({ "X.npy": content }, { level: 9 });
  test("a zip archive that unpacks to a thousand times its size", () =>
    refused(archive(new Uint8Array(64 * megabyte)), /unpacks to more than 300 times its size/));

  test("a zip archive that announces less than it unpacks to, or 4 GB", async () => {
    for (const [length, message] of [
      [100, /damaged or cut off zip/],
      [2 ** 32 - 2, /unpacks to more than 300 times/],
    ] as const) {
      const lying = archive(new Uint8Array(8 * megabyte));
      const view = new DataView(lying.buffer, lying.byteOffset, lying.byteLength);
      view.setUint32(lying.length - 22 - 51 + 24, length, true);
      await refused(lying, message);
    }
  });

  test("4 billion files in one zip archive", async () => {
    const many = zipSync({ "X.npy": npyShape("1,") });
    new DataView(many.buffer).setUint16(many.length - 22 + 10, 0xffff, true);
    await refused(many, /damaged or cut off zip/);
  });
});

describe("NumPy headers", () => {
  test.each([["100000000000000000000, 2"], ["4294967296, 4294967296"], ["99999999999,"]])(
    "a shape of (%s) is compared with the bytes before anything is made",
    (shape) => refused(npyShape(shape), /is cut off|is no NumPy array/),
  );

  test("which say a thing twice", () =>
    refused(
      npyText("{'descr': '|u1', 'descr': '|O', 'fortran_order': False, 'shape': (0, 1), }\n"),
      /is no NumPy array/,
    ));

  test.each([["-5,"], ["1e3,"], ["0x10,"], ["1 2,"], ["2.5,"]])("a shape of (%s)", (shape) =>
    refused(npyShape(shape), /is no NumPy array, or its header is damaged/),
  );

  test("a billion columns without a row", () => refused(npyShape("0, 1000000000"), /has 1000000000 columns, at most/));
  test("a billion rows without a column", () => refused(npyShape("1000000000, 0"), /holds no columns/));
  test("a header of 4 GB", () => refused(npyText("{", 2), /is no NumPy array/));
  test("a header of spaces", () => refused(npyText(`'descr':${" ".repeat(60_000)}`), /a type made of several/));
});

describe("text", () => {
  test("NUL bytes", async () => {
    await refused(utf8("a,b\n1,x\0y\n"), /is a binary file/);
    await expectFailure(() => readTable(utf8(`{"a":1,"b":2}\n{"a":"\\u0000"}\n`), { name: "t" }), "input", /NUL byte/);
    const far = `a,b\n${"1,x\n".repeat(40_000)}2,x\0y\n`;
    await expectFailure(() => read(far), "input", /data row 40001 \(line 40002\): column "b" holds a NUL byte/);
    await expectFailure(
      () => read('{"a\\u0000b":1}\n', { name: "t.jsonl" }),
      "input",
      /a column "a.u0000b", with a NUL/,
    );
  });

  test("a million columns", async () => {
    await refused(utf8(`${"a,".repeat(1e6)}a\n${"1,".repeat(1e6)}1\n`), /has 1000001 columns, at most 100000/);
  }, 20_000);

  test("a first line of 20 MB", () =>
    refused(utf8("1,".repeat(10 * megabyte)), /the record that starts at line 1 has more than 16 MB/));

  test("a cell of 20 MB", async () => {
    for (const quote of ['"', ""]) {
      await refused(
        utf8(`a,b\n1,${quote}${"x".repeat(20 * megabyte)}`),
        /the record that starts at line 2 has more than 16 MB/,
      );
    }
    await refused(utf8(`{"a":"${"x".repeat(20 * megabyte)}`), /line 1 is too long/, "input", "t.jsonl");
  }, 20_000);

  test("JSON that is a million deep, numbers of a million digits", async () => {
    await refused(
      utf8(`{"a":${"[".repeat(1e6)}${"]".repeat(1e6)}}`),
      /column "a" holds a nested value/,
      "input",
      "t.jsonl",
    );
    await refused(utf8(`{"a":${'{"a":'.repeat(1e6)}`), /line 1 is not valid JSON/, "input", "t.jsonl");
    await refused(utf8(`{"a":${"9".repeat(1e6)}}`), /column "a" holds Infinity/, "input", "t.jsonl");
  });

  test.each([
    ['{"a":1,"b":2,"a":3}'],
    ['{"a":"x","a":null,"b":2}'],
    ['{"a":1,"\\u0061":2,"b":1}'],
    ['{"a\\"":1,"b":"\\\\","b":"\\\\"}'],
    ['{"__proto__":1,"__proto__":2}'],
  ])("a row that gives a key twice: %s", (row) =>
    refused(utf8(`{"a":1,"b":2}\n${row}\n`), /line 2 gives a key twice/, "input", "t.jsonl"),
  );

  test("quotes and backslashes inside texts are no keys", async () => {
    const row = { 'a"': '"', "b\\": '\\"', c: '"a":1,"a":2', d: "\\\\", e: true, f: null };
    const table = await read(`${JSON.stringify(row)}\n${JSON.stringify({ ...row, c: "y" })}\n`, { name: "t.jsonl" });
    expect(table.columns.map(({ name }) => name)).toEqual(Object.keys(row));
  });

  test("every row with a column of its own", async () => {
    const file = utf8(Array.from({ length: 20_000 }, (_, k) => `{"c${k}":1}\n`).join(""));
    await refused(file, /t is too large for this machine: its first \d+ rows of \d+ columns/, "resource");
    await refused(
      file,
      /t: its first \d+ rows have \d+ different keys, and fewer than one cell in 1000 is given; leave rare keys out/,
      "input",
      "t",
      2 ** 40,
    );
  });
});

describe("pictures", () => {
  test("of a million pixels", async () => {
    const head = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 4, 0, 0, 0, 4, 0];
    const picture = new Uint8Array(head.length + megabyte);
    picture.set(head);
    await refused(picture, /holds pictures without labels/);
  });
});

describe("Parquet", () => {
  const one = (page: Page | readonly Page[], { rows = 4n, type = 1, codec = 0, optional = false } = {}): Uint8Array =>
    parquetFile(rows, [{ type, codec, optional, pages: "header" in page ? [page] : page }]);
  const unreadable = /column "x1" cannot be read from the Parquet file, which may be damaged/;
  const runOf = (length: number): number[] => {
    let rest = BigInt(length) << 1n;
    const bytes = [];
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    return [...bytes, Number(rest)];
  };
  const dictionary = dictionaryPage(1, [5, 0, 0, 0]);

  test.each<[string, Uint8Array]>([
    ["a run of a billion values", one([dictionary, dataPage(4, 8, [1, ...runOf(2 ** 30), 0])])],
    ["a run of a billion levels", one(dataPage(4, 0, [6, 0, 0, 0, ...runOf(2 ** 30), 1]), { optional: true })],
    ["runs of no bits before others", one([dictionary, dataPage(20, 8, [0, 3, 3, 3])], { rows: 20n })],
    ["a page of two billion values", one(dataPage(2 ** 31 - 1, 0, [1, 0, 0, 0]))],
    ["a dictionary of two billion", one([dictionaryPage(2 ** 31 - 1, [5, 0, 0, 0]), dataPage(4, 8, [1, 8, 0])])],
    [
      "LZ4 whose lengths lead back to the start",
      one(dataPage(4, 0, [0, 0, 0, 0, 255, 255, 255, 248, 0, 0], 16), { codec: 5 }),
    ],
    [
      "differences whose blocks lead backwards",
      one(dataPage(4, 5, [0xf0, 0xff, 0xff, 0xff, 0x0f, 1, 4, 0, 0, 8, 0, 0, 0, 0])),
    ],
    ["a text that is said to be 4 GB", one(dataPage(4, 0, [255, 255, 255, 255, 65]), { type: 6 })],
    [
      "a page beyond the end",
      one({
        ...dataPage(4, 0, []),
        header: [
          [1, 0],
          [2, 2 ** 30],
          [3, 2 ** 30],
          [
            5,
            [
              [1, 4],
              [2, 0],
            ],
          ],
        ],
      }),
    ],
    ["fewer values than rows", one(dataPage(3, 0, Array<number>(12).fill(0)))],
  ])("%s", (_, bytes) => refused(bytes, unreadable));

  const texts = (): number[] => {
    const zeros = brotliCompressSync(Buffer.alloc(64 * megabyte), { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });
    return [...zeros];
  };
  test("Brotli that unpacks to a million times its size", () =>
    refused(one(dataPage(4, 0, texts(), 64 * megabyte), { codec: 4 }), /unpacks to more than 300 times its size/));

  test("Zstandard in runs of 128 KB, as much as it says and more", async () => {
    const blocks = Array.from({ length: 20_000 }, () => [2, 0, 16, 65]).flat(); // one byte, 131,072 times, and another follows
    const frame = (...head: number[]): number[] => [0x28, 0xb5, 0x2f, 0xfd, ...head, ...blocks, 3, 0, 16, 65];
    const page = (bytes: number[], length: number): Uint8Array => one(dataPage(4, 0, bytes, length), { codec: 6 });
    const size = [...new Uint8Array(Uint32Array.of(20_001 * 131_072).buffer)];
    await refused(page(frame(0, 0x58), 2 ** 31 - 1), /unpacks to more than 300 times its size/);
    await refused(page(frame(0x80, 0x58, ...size), 16), unreadable);
    // It does not say how much it is: no more of it is unpacked than the page announces.
    expect((await readTable(page(frame(0, 0x58), 16), { name: "t", memoryBytes: megabyte })).rows).toBe(4);
  });

  test("texts that each repeat the one before and more", async () => {
    const n = 2000;
    const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)]);
    const zig = (value: number): number[] => varint(value < 0 ? -2 * value - 1 : 2 * value);
    // Prefixes 0, 20000, 20000, …; the first suffix has 20,000 bytes, the others none.
    const deltas = (first: number, then: number): number[] => {
      const out = [...varint(128), ...varint(4), ...varint(n), ...zig(first)];
      for (let at = 1; at < n; at += 128) {
        // One difference of its own, in 32 bits; then zeros.
        const low = at === 1 ? Math.min(0, then - first) : 0;
        const high = at === 1 ? Math.max(0, then - first) - low : 0;
        out.push(...zig(low), 32, 32, 32, 32);
        const words = new Uint32Array(128);
        if (at === 1) words.fill(low === 0 ? 0 : -low);
        words[0] = at === 1 ? (low === 0 ? high : 0) : 0;
        out.push(...new Uint8Array(words.buffer));
      }
      return out;
    };
    const bytes = [...deltas(0, 20_000), ...deltas(20_000, 0), ...Array<number>(20_000).fill(65)];
    await refused(one(dataPage(n, 7, bytes), { rows: BigInt(n), type: 6 }), unreadable);
  });

  test("as many rows as nobody has", async () => {
    await refused(one(dataPage(4, 0, []), { rows: 2n ** 40n }), /has a group of 1099511627776 rows/);
    await refused(one(dataPage(4, 0, []), { rows: 2n ** 25n }), /too large for this machine/, "resource");
  });

  test("pages that lie outside the file", async () => {
    const file = new Uint8Array(
      parquetWriteBuffer({
        columnData: [{ name: "x1", data: Array.from({ length: 100 }, (_, k) => k / 7), type: "DOUBLE" }],
      }),
    );
    // Every byte of the footer, so that offsets, lengths and counts are all met, as huge as a changed byte makes them.
    const damaged = Array.from({ length: Math.min(500, file.length) }, (_, k) => k + 1).flatMap((back) =>
      [0xff, 0x80].map((flip) => file.with(file.length - back, file[file.length - back] ^ flip)),
    );
    for (const bytes of damaged) {
      const blob = new Blob([Uint8Array.from(bytes)]);
      await readTable(blob, { name: "t" }).catch((error: unknown) => expect(error).toBeInstanceOf(AifError));
    }
  });

  test("footers that are deep, or announce lists without end", async () => {
    const footer = (bytes: readonly number[]): Uint8Array =>
      Uint8Array.from([
        ...utf8("PAR1"),
        ...bytes,
        ...new Uint8Array(Uint32Array.of(bytes.length).buffer),
        ...utf8("PAR1"),
      ]);
    const cutOff = /is a damaged or cut off Parquet file/;
    await refused(footer(Array<number>(100_000).fill(0x1c)), cutOff);
    await refused(footer(Array.from({ length: 50 }, () => [0xf9, 0x80, 0x80, 0x80, 0x0e]).flat()), cutOff);
    await refused(footer([0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07]), cutOff);
    await refused(footer(thrift([[1, 1]])), cutOff);
  });
});
