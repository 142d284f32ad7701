import { gzipSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readTable } from "../../src/data/read.js";
import { cells, columnOf, expectFailure, plain, read, utf8 } from "./helpers.js";

const expected = [
  ["a", "numeric", [1, 2.5, null]],
  ["b", "categorical", ["x", "y z", "x"]],
];

const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;

describe("dialects", () => {
  const variants: readonly (readonly [string, string])[] = [
    ["commas", "a,b\n1,x\n2.5,y z\n,x\n"],
    ["no newline at the end", "a,b\n1,x\n2.5,y z\n,x"],
    ["CRLF", "a,b\r\n1,x\r\n2.5,y z\r\n,x\r\n"],
    ["CR alone", "a,b\r1,x\r2.5,y z\r,x\r"],
    ["semicolons", "a;b\n1;x\n2.5;y z\n;x\n"],
    ["tabs", "a\tb\n1\tx\n2.5\ty z\n\tx\n"],
    ["bars", "a|b\n1|x\n2.5|y z\n|x\n"],
    ["quotes", '"a","b"\n1,"x"\n"2.5","y z"\n"","x"\n'],
    ["quotes and CRLF", '"a","b"\r\n1,"x"\r\n"2.5","y z"\r\n"","x"\r\n'],
    ["spaces after commas", "a, b\n1, x\n2.5, y z\n, x\n"],
    ["spaces before quotes", '"a", "b"\n1, "x"\n2.5, "y z"\n, "x"\n'],
    ["blank lines", "\na,b\n\n1,x\n2.5,y z\n\n,x\n\n"],
    ["BOM", "\uFEFFa,b\n1,x\n2.5,y z\n,x\n"],
    ["exponent and sign", "a,b\n+1e0,x\n25E-1,y z\nNaN,x\n"],
  ];
  test.each(variants)("%s", async (_, text) => {
    expect(plain(await read(text))).toEqual(expected);
  });

  test("UTF-16 in both byte orders is decoded, with a note", async () => {
    const text = "\uFEFFname,n\nžluťoučký,1\n漢字,2\n";
    const little = new Uint8Array(new Uint16Array(Array.from(text, (c) => c.charCodeAt(0))).buffer);
    const big = little.map((_, i) => little[i ^ 1]);
    for (const bytes of [little, big]) {
      const table = await readTable(bytes);
      expect(cells(table, "name")).toEqual(["žluťoučký", "漢字"]);
      expect(table.notes?.map((note) => note.code)).toEqual(["utf16"]);
    }
  });

  test("a gzip file made to unpack without end is refused before it has filled the memory", async () => {
    const line = `1,${"0".repeat(5000)}\n`;
    const bomb = gzipSync(`a,b\n${line.repeat(Math.ceil(2e7 / line.length))}`);
    await expectFailure(() => readTable(bomb), "input", /unpacks to more than 300 times its size/);
    const plain = gzipSync(`a,b\n${line.repeat(1000)}`);
    expect((await readTable(plain)).rows).toBe(1000);
  });

  test("gzip, also of several members, also of JSON lines", async () => {
    const text = "a,b\n1,x\n2.5,y z\n,x\n";
    expect(plain(await readTable(gzipSync(text)))).toEqual(expected);
    const members = Buffer.concat([gzipSync(text.slice(0, 9)), gzipSync(text.slice(9))]);
    expect(plain(await readTable(members))).toEqual(expected);
    expect(plain(await readTable(gzipSync('{"a":1,"b":"x"}\n{"a":2.5,"b":"y z"}\n{"b":"x"}\n')))).toEqual(expected);
  });

  test("quoted delimiters, quotes and newlines, and the lines counted through them", async () => {
    const table = await read('a,b\n"x, ""y""\nz",1\nw,2\n');
    expect(cells(table, "a")).toEqual(['x, "y"\nz', "w"]);
    await expectFailure(() => read('a,b\n"x\n\nz",1\nw\n'), "input", /line 5 has 1 cell, expected 2/);
  });

  test("the options win over what is found", async () => {
    expect(plain(await read("1,2\n3,4\n", { header: true }))).toEqual([
      ["1", "numeric", [3]],
      ["2", "numeric", [4]],
    ]);
    expect(cells(await read("a,b\n1,2\n", { header: false }), "column1")).toEqual(["a", "1"]);
    expect(cells(await read("a;b,c\n1;2,3\n", { delimiter: ";" }), "b,c")).toEqual(["2,3"]);
    expect(cells(await read("a\tb\n1\t2\n", { delimiter: "\\t" }), "b")).toEqual([2]);
    expect((await read("a,b,c\n1,2,3\n", { columns: ["c", "a"] })).columns.map((c) => c.name)).toEqual(["a", "c"]);
    await expectFailure(() => read("price,b\n1,2\n", { columns: ["prise"] }), "input", /"prise".*Did you mean "price"/);
  });
});

describe("header", () => {
  const variants: readonly (readonly [string, string, boolean])[] = [
    ["text above numbers", "a,b\n1,2\n", true],
    ["numbers only", "1,2\n3,4\n", false],
    ["a number in the first row", "5,x\n6,y\n", false],
    ["names above text", "first,last\nAda,Lovelace\nAlan,Turing\n", true],
    ["text that occurs again below", "p,x\ne,x\np,y\ne,x\n", false],
    ["an index without a name", ",a\n0,1\n1,2\n", true],
    ["a year among names", "name,2019\nx,3\ny,4\n", false],
  ];
  test.each(variants)("%s", async (_, text, header) => {
    const table = await read(text);
    expect(table.notes?.some((note) => note.code === "no-header")).toBe(!header);
    expect(table.columns.some((column) => column.name === "column2")).toBe(!header);
  });
});

test("a header far longer than the sample", async () => {
  const names = Array.from({ length: 20_000 }, (_, j) => `column number ${j}`);
  const line = names.map((_, j) => j).join(",");
  const table = await read(`${names.join(",")}\n${line}\n${line}\n`);
  expect([table.rows, table.columns.length, table.columns[19_999].name]).toEqual([2, 20_000, "column number 19999"]);
});

describe("cells", () => {
  test("missing cells by their texts", async () => {
    const text = `a,b\n${["", "NA", "N/A", "nan", "NaN", "null", "NULL", "?", ".", " NA "].map((cell) => `${cell},${cell}`).join("\n")}\n1,x\n`;
    const table = await read(text);
    expect(cells(table, "a")).toEqual([...new Array(10).fill(null), 1]);
    expect(cells(table, "b")).toEqual([...new Array(10).fill(null), "x"]);
    expect(cells(await read("a,b\nna,1\nNone,2\n..,3\n"), "a")).toEqual(["na", "None", ".."]);
  });

  test("booleans in any case; 0 and 1 are numbers", async () => {
    const table = await read("a,b\ntrue,0\nFALSE,1\n?,0\n");
    const column = columnOf(table, "a");
    expect(column).toMatchObject({ kind: "categorical", boolean: true, levels: ["false", "true"] });
    expect(cells(table, "a")).toEqual(["true", "false", null]);
    expect(columnOf(table, "b").kind).toBe("numeric");
  });

  test.each(["0x10", "1_000", "1,5", "12px", "1e", "--1", "e5", "1 2", "١"])("%s is text", async (cell) => {
    const table = await read(`a;b\n${cell};1\n`, { delimiter: ";" });
    expect(cells(table, "a")).toEqual([cell]);
  });

  test("levels are sorted by code point", async () => {
    const table = await read("a,b\n\u{1F600},1\n\uFF5E,2\nz,3\nZ,4\n");
    expect(columnOf(table, "a")).toMatchObject({ levels: ["Z", "z", "\uFF5E", "\u{1F600}"] });
  });

  test("a column that turns out to be text late keeps its cells as they were written", async () => {
    const rows = Array.from({ length: 50_000 }, (_, i) => `${String(i % 7).padStart(3, "0")},${i % 5},1.50`);
    const table = await read(`code,digit,price\n${rows.join("\n")}\nA7,x,2\n`);
    expect(columnOf(table, "code")).toMatchObject({ levels: ["000", "001", "002", "003", "004", "005", "006", "A7"] });
    expect(columnOf(table, "digit")).toMatchObject({ levels: ["0", "1", "2", "3", "4", "x"] });
    expect(cells(table, "code").slice(-2)).toEqual(
      ["000", "A7"].map((_, i) => (i === 1 ? "A7" : String(49_999 % 7).padStart(3, "0"))),
    );
    expect(columnOf(table, "price").kind).toBe("numeric");
  });

  test("an infinite number is refused by column, row and line; in text it is a label", async () => {
    await expectFailure(
      () => read("a,b\n1,x\n\n-Infinity,y\n"),
      "input",
      /data\.csv, data row 2 \(line 4\): column "a" holds -Infinity/,
    );
    await expectFailure(() => read("a,b\n1,2\n3,inf\n"), "input", /data row 2 \(line 3\): column "b" holds inf/);
    await expectFailure(() => read("a,b\n1,2\n3,1e999\n"), "input", /data row 2 \(line 3\): column "b" holds Infinity/);
    expect(cells(await read("a,b\ninf,1\nsup,2\n"), "a")).toEqual(["inf", "sup"]);
  });

  test("any finite number survives, through the fast path and the other", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 40 }),
        async (values) => {
          const numbers = values.map(String);
          const fast = await read(`a,b\n0,0\n${numbers.map((text) => `${text},1`).join("\n")}\n`);
          const slow = await read(`a,b\n0,0\n${numbers.map((text) => `${text},t`).join("\n")}\n`);
          const wanted = [0, ...values].map((value) => value + 0);
          expect(cells(fast, "a").map((value) => Number(value) + 0)).toEqual(wanted);
          expect(cells(slow, "a")).toEqual(cells(fast, "a"));
        },
      ),
    );
  });

  test("numbers are rounded as JavaScript rounds them, however they are written", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.stringMatching(/^[+-]?\d{1,25}(\.\d{0,25})?([eE][+-]?\d{1,2})?$/), { minLength: 1 }),
        async (texts) => {
          const table = await read(`a,b\n${texts.map((text) => `${text},1`).join("\n")}\n`);
          expect(cells(table, "a")).toEqual(texts.map(Number));
        },
      ),
    );
  });

  test("any text survives quoting, wherever chunks are cut", async () => {
    const cell = fc
      .oneof(fc.string({ unit: "binary" }), fc.constantFrom("a\nb", '"', ",", "\r\n", "x;y"))
      .map((text) => `~${text.replaceAll("\0", "")}~`);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(cell, fc.integer()), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 50 }),
        async (rows, size) => {
          const text = `"text","number"\n${rows.map(([t, n]) => `${quote(t)},${n}`).join("\n")}\n`;
          const bytes = utf8(text);
          const stream = new ReadableStream<Uint8Array>({
            start(controller) {
              for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.subarray(at, at + size));
              controller.close();
            },
          });
          const table = await readTable(stream, { header: true, delimiter: "," });
          expect(cells(table, "text")).toEqual(rows.map(([t]) => new TextDecoder().decode(utf8(t))));
          expect(cells(table, "number")).toEqual(rows.map(([, n]) => n));
        },
      ),
    );
  });
});

describe("names", () => {
  test("any name works", async () => {
    const names = [
      "__proto__",
      "constructor",
      "a.b",
      "a[0]",
      'say "hi"',
      "two\nlines",
      "\u001b[31m",
      "x".repeat(10_000),
    ];
    const header = names.map((name) => `"${name.replaceAll('"', '""')}"`).join(",");
    const table = await read(`${header}\n${names.map((_, i) => i).join(",")}\n`);
    expect(table.columns.map((column) => column.name)).toEqual(names);
    names.forEach((name, i) => expect(cells(table, name)).toEqual([i]));
  });

  test("levels may be anything too", async () => {
    const levels = ["__proto__", "constructor", "toString"];
    expect(cells(await read(`a,b\n${levels.map((level) => `${level},1`).join("\n")}\n`), "a")).toEqual(levels);
  });

  test("duplicate names are refused by name", async () => {
    await expectFailure(() => read("a,b,a,b,c\n1,2,3,4,5\n"), "input", /more than one column named "a", "b";/);
  });
});

describe("bad text", () => {
  const faults: readonly (readonly [string, string, RegExp])[] = [
    ["empty", "", /data\.csv is empty/],
    ["blank lines only", "\n\n", /data\.csv is empty/],
    ["one quote", '"', /data\.csv is empty/],
    ["header only", "a,b\n", /no data rows/],
    ["header only, no newline", "a,b", /no data rows/],
    ["a short row", "a,b\n1,2\n3\n", /line 3 has 1 cell, expected 2/],
    ["a long row", "a,b\n1,2\n3,4,5\n", /line 3 has 3 cells, expected 2/],
    ["a long row after a blank line", "a,b\nx,2\n\n3,4,5\n", /line 4 has 3 cells, expected 2/],
    ["an open quote", 'a,b\n1,"2\n3,4\n', /quoted cell.*line 2 never ends/],
    ["a stray quote", 'a,b\n1,"2"3\n', /line 2 has a quote inside/],
    ["zero bytes", "a,b\n1,\u0000\n", /binary file/],
  ];
  test.each(faults)("%s", async (_, text, message) => {
    await expectFailure(() => read(text), "input", message);
  });

  test("bytes that are not UTF-8", async () => {
    await expectFailure(
      () => readTable(Uint8Array.of(0x61, 0x2c, 0x62, 0x0a, 0xe9, 0x2c, 0x31, 0x0a), { name: "latin.csv" }),
      "input",
      /latin\.csv is not UTF-8/,
    );
    const late = Buffer.concat([Buffer.from(`a,b\n${"x,1\n".repeat(50_000)}`), Buffer.of(0xe9), Buffer.from(",1\n")]);
    await expectFailure(() => readTable(late, { name: "late.csv" }), "input", /late\.csv is not UTF-8/);
  });

  test("gzip cut off", async () => {
    const packed = gzipSync(`a,b\n${Array.from({ length: 999 }, (_, i) => `${i},${i * i}`).join("\n")}`);
    await expectFailure(
      () => readTable(packed.subarray(0, packed.length / 2), { name: "half.csv.gz" }),
      "input",
      /half\.csv\.gz is a damaged or cut off gzip/,
    );
  });

  test("other formats are named", async () => {
    const starts: readonly (readonly [string, RegExp])[] = [
      ["%PDF-1.7", /PDF/],
      ["SQLite format 3\u0000", /SQLite/],
      ["BZh91AY", /bzip2/],
    ];
    for (const [start, message] of starts)
      await expectFailure(() => readTable(utf8(start), { name: "t.csv" }), "input", message);
  });
});

describe("progress and cancelling", () => {
  const text = `a,b\n${"1,2\n".repeat(900_000)}`;

  test("progress ends with all rows and bytes", async () => {
    const seen: { rows: number; bytes: number; totalBytes?: number }[] = [];
    await read(text, { onProgress: (progress) => seen.push(progress) });
    expect(seen.length).toBeGreaterThan(2);
    expect(seen.at(-1)).toMatchObject({ phase: "read", rows: 900_000, bytes: text.length, totalBytes: text.length });
  });

  test("a signal stops it", async () => {
    const controller = new AbortController();
    await expectFailure(
      () => read(text, { signal: controller.signal, onProgress: () => controller.abort() }),
      "cancelled",
      /cancelled/,
    );
  });
});
