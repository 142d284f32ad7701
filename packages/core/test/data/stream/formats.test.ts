import { gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, test } from "vitest";
import { encode } from "../../../src/data/encode-table.js";
import type { EncodeOptions } from "../../../src/data/encoding.js";
import { readTable } from "../../../src/data/read.js";
import { estimatedSize, readableBytes } from "../../../src/data/stream/estimate.js";
import { openStreamed } from "../../../src/data/stream/open.node.js";
import { partsOf } from "../../../src/data/stream/parts.node.js";
import { expectFailure, rowsOf, temporaryFolder } from "../helpers.js";

const folder = temporaryFolder();
const n = 20_000; // several blocks
const x = Float64Array.from({ length: n }, (_, i) => Math.sin(i));
const kind = Array.from({ length: n }, (_, i) => ["low", "mid", "high"][Math.floor(7 * Math.abs(Math.sin(3 * i))) % 3]);
const y = x.map((value, i) => 3 * value + (i % 5));

/** The rows of a file in memory and streamed. */
async function bothWays(file: string, options: EncodeOptions): Promise<void> {
  const wanted = encode(await readTable(file), options);
  const { training, close } = await openStreamed(file, { encode: options, split: { kind: "training" }, seed: 0 });
  expect(training.features).toEqual(wanted.features);
  const found: number[][] = [];
  for (const block of training.blocks(1000)) for (let i = 0; i < block.x.rows; i++) found.push([...block.x.row(i)]);
  const rows = rowsOf(wanted);
  expect(found.length).toBe(rows.length);
  const worst = found.reduce(
    (most, row, i) => Math.max(most, ...row.map((value, j) => Math.abs(value - rows[i][j]))),
    0,
  );
  expect(worst).toBeLessThan(1e-12);
  close();
}

/** A .npy file of float64 numbers. */
function npy(values: Float64Array, rows: number, columns: number, fortran: boolean): Uint8Array {
  const shape = `{'descr': '<f8', 'fortran_order': ${fortran ? "True" : "False"}, 'shape': (${rows}, ${columns}), }`;
  const header = new TextEncoder().encode(`${shape.padEnd(117)}\n`);
  const out = new Uint8Array(10 + header.length + values.byteLength);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 255, header.length >> 8]);
  out.set(header, 10);
  out.set(new Uint8Array(values.buffer), 10 + header.length);
  return out;
}

const csv = `x,kind,y\n${kind.map((level, i) => `${x[i]},${level},${y[i]}`).join("\n")}\n`;

describe("pieces of every format hold the rows that the whole table holds", () => {
  test("CSV, plain and gzipped", async () => {
    await bothWays(await folder.write("plain.csv", csv), { target: "y" });
    await bothWays(await folder.write("packed.csv.gz", gzipSync(csv)), { target: "y" });
  });

  test("a column that turns out to be text late keeps its cells as they were written", async () => {
    const late = kind.map((_, i) => (i === n - 1 ? "none" : `${(i % 3) + 1}.50`));
    const text = `late,x,y\n${late.map((cell, i) => `${cell},${x[i]},${y[i]}`).join("\n")}\n`;
    await bothWays(await folder.write("late.csv", text), { target: "y", keep: ["late"] });
  });

  test("JSON lines, with columns that begin late", async () => {
    const lines = kind.map((level, i) =>
      JSON.stringify({ x: x[i], y: y[i], ...(i < 15_000 ? {} : { late: i % 11, kind: level }) }),
    );
    await bothWays(await folder.write("rows.jsonl", lines.join("\n")), { target: "y", missing: "mean" });
  });

  test("JSON lines, whose columns may all have been seen or not", async () => {
    const line = (i: number, target: object): string => JSON.stringify({ x: i, z: i % 5, ...target });
    const opened = async (
      name: string,
      lines: readonly string[],
      missing: EncodeOptions["missing"] = "drop",
    ): Promise<string[]> => {
      const said: string[] = [];
      const { close } = await openStreamed(await folder.write(name, lines.join("\n")), {
        encode: { target: "y", missing },
        split: { kind: "training" },
        seed: 0,
        onDoubt: async (sentence) => void said.push(sentence),
        onStart: async () => void said.push("begun"),
      }).catch((error: Error) => {
        said.push(error.message);
        return { close: () => {} };
      });
      close();
      return said;
    };
    const rows = Array.from({ length: 60_000 }, (_, i) => i);
    const misspelt = expect.stringMatching(/jsonl has no target column "y"\. Its columns: "x", "z", "yy"/);
    // Rows enough for several pieces: they may name the column later, so that all are read.
    expect(
      await opened(
        "misspelt.jsonl",
        rows.map((i) => line(i, { yy: i })),
      ),
    ).toEqual([misspelt, "begun", misspelt]);
    const late = rows.map((i) => line(i, i < 55_000 ? { yy: i } : { yy: i, y: i % 7 }));
    expect(await opened("late-target.jsonl", late)).toEqual([misspelt, "begun"]);
    // Unless missing cells are an error, which these of a later column would be.
    const early =
      /^The beginning of \S+jsonl \(\d+ rows\) has no target column "y"\..* If it begins later, --missing drop /;
    expect(await opened("late-refused.jsonl", late, "error")).toEqual([expect.stringMatching(early)]);
    // Here the first rows are all.
    expect(
      await opened(
        "few.jsonl",
        rows.slice(0, 100).map((i) => line(i, { yy: i })),
      ),
    ).toEqual([misspelt]);
  });

  test("NumPy, row by row and column by column", async () => {
    const together = Float64Array.from({ length: 2 * n }, (_, k) => (k % 2 === 0 ? x : y)[Math.floor(k / 2)]);
    await bothWays(await folder.write("c.npy", npy(together, n, 2, false)), { target: "x2" });
    await bothWays(await folder.write("f.npy", npy(Float64Array.from([...x, ...y]), n, 2, true)), { target: "x2" });
  });

  test("Parquet, by groups of rows", async () => {
    const bytes = parquetWriteBuffer({
      columnData: [
        { name: "x", data: Array.from(x), type: "DOUBLE" },
        { name: "kind", data: kind, type: "STRING" },
        { name: "y", data: Array.from(y), type: "DOUBLE" },
      ],
      rowGroupSize: 7000,
    });
    await bothWays(await folder.write("rows.parquet", new Uint8Array(bytes)), { target: "y" });
  });

  test("IDX pictures", async () => {
    const rows = 3000;
    const header = (bytes: readonly number[], sides: readonly number[]): number[] => [
      ...bytes,
      ...sides.flatMap((side) => [0, 0, side >> 8, side & 255]),
    ];
    const pixels = Array.from({ length: rows * 4 }, (_, k) => Math.floor(128 + 127 * Math.sin(k)));
    const labels = Array.from({ length: rows }, (_, i) => i % 2);
    await folder.write("t-labels-idx1-ubyte", Uint8Array.from([...header([0, 0, 8, 1], [rows]), ...labels]));
    const pictures = Uint8Array.from([...header([0, 0, 8, 3], [rows, 2, 2]), ...pixels]);
    await bothWays(await folder.write("t-images-idx3-ubyte", pictures), { target: "label" });
  });

  test("in 32 bits, by no more than the note says", async () => {
    const file = await folder.write("mixed.csv", csv);
    const { training, close } = await openStreamed(file, {
      encode: { target: "y" },
      split: { kind: "training" },
      seed: 0,
      precision: "mixed",
    });
    const rows = rowsOf(encode(await readTable(file), { target: "y" }));
    const note = training.notes.find(({ code }) => code === "mixed-precision");
    const bound = Number(/more than (\S+) standard/.exec(note?.message ?? "")?.[1]);
    expect(bound).toBeLessThan(1e-7);
    let [worst, at] = [0, 0];
    for (const block of training.blocks()) {
      for (let i = 0; i < block.x.rows; i++, at++) worst = Math.max(worst, Math.abs(block.x.row(i)[0] - rows[at][0]));
      expect(Math.max(...block.y.map((value, i) => Math.abs(value - y[block.firstRow + i])))).toBe(0);
    }
    // Standardising by moments of the rounded values adds a little.
    expect(worst).toBeLessThan(1.5 * bound);
    expect(worst).toBeGreaterThan(bound / 3);
    close();
  });
});

describe("what 32 bits cannot tell apart", () => {
  const open = async (name: string, column: (i: number) => number) => {
    const lines = Array.from({ length: 500 }, (_, i) => `${x[i]},${column(i)},${y[i]}`);
    const file = await folder.write(name, `x,far,y\n${lines.join("\n")}\n`);
    const encoding = { encode: { target: "y" }, split: { kind: "training" }, seed: 0 } as const;
    return openStreamed(file, { ...encoding, precision: "mixed" });
  };
  // Between 2^39 and 2^40 float32 has every 65,536th number, so that cells move by up to 32,768.
  test.each([
    ["wholly", (i: number) => 1e12 + 300 * Math.sin(i)],
    ["in part", (i: number) => 1e12 + 1e6 * Math.sin(i)],
  ])("%s", async (name, column) => {
    await expectFailure(
      () => open(`far ${name}.csv`, column),
      "input",
      /the cells of column "far" differ by too little for the 32 bits of --precision mixed/,
    );
  });
  test("two columns that 64 bits tell apart", async () => {
    const { training, close } = await open("twins.csv", (i) => x[i] * (1 + 2 ** -50));
    expect(training.features).toEqual(["x"]);
    expect(training.notes.map(({ message }) => message)).toContain(
      'Column "far" is left out: in the 32 bits of --precision mixed it equals column "x" in every row; they may differ in 64.',
    );
    close();
  });
  test("but not what is the same or far apart", async () => {
    const { training, close } = await open("far apart.csv", (i) => 1e12 + 1e9 * Math.sin(i));
    expect(training.features).toEqual(["x", "far"]);
    close();
    const same = await open("same.csv", () => 0.1);
    expect(same.training.features).toEqual(["x"]);
    same.close();
  });
});

describe("the size of a table that is not read", () => {
  const text = [
    "x,kind,y",
    ...Array.from(x, (value, i) => `${value.toFixed(6)},${kind[i]},${(i % 7).toFixed(3)}`),
  ].join("\n");
  const lines = Array.from(x, (value, i) => JSON.stringify({ x: value, kind: kind[i], y: i % 7 })).join("\n");
  const idx = Uint8Array.from([0, 0, 8, 2, 0, 0, 0x4e, 0x20, 0, 0, 0, 3, ...new Uint8Array(3 * n)]);
  const files: readonly (readonly [string, Uint8Array | string, number])[] = [
    ["size.csv", `${text}\n`, 0.1],
    ["size.jsonl", `${lines}\n`, 0.1],
    ["size.npy", npy(new Float64Array(3 * n), n, 3, false), 0],
    ["size.idx", idx, 0.001],
    [
      "size.parquet",
      new Uint8Array(
        parquetWriteBuffer({
          columnData: ["a", "b", "c"].map((name) => ({ name, data: Array.from(x), type: "DOUBLE" })),
        }),
      ),
      0,
    ],
  ];
  test.each(files)("%s: rows and cells", async (name, content, slack) => {
    await folder.write(name, content);
    const { parts } = await partsOf(folder.path(name));
    const { rows, cells } = await estimatedSize(parts[0].source);
    expect(Math.abs(rows / n - 1)).toBeLessThanOrEqual(slack);
    expect(Math.abs(cells / (3 * n) - 1)).toBeLessThanOrEqual(slack);
  });

  test("of a file whose first line is longer than what is looked at, or the only one", async () => {
    const names = Array.from({ length: 20_000 }, (_, j) => `é${String(j).padStart(12, "0")}`);
    const wide = names.map((name, j) => `"${name}":${j % 7}`).join(",");
    for (const [name, content, wanted] of [
      ["wide.jsonl", `{${wide}}\n`.repeat(3), 60_000],
      ["wide.csv", `${names.join(",")}\n`, 20_000],
      ["one.jsonl", '{"a":1,"b":2}', 2],
    ] as const) {
      const [{ source }] = (await partsOf(await folder.write(name, content))).parts;
      expect(Math.abs((await estimatedSize(source)).cells / wanted - 1), name).toBeLessThan(0.15);
    }
  });

  test("in words, rounded up: small ones in bytes", () => {
    const said = [0, 1.5, 999, 1000, 1001, 2_000_001, 1.5e9].map(readableBytes);
    expect(said).toEqual(["0 bytes", "2 bytes", "999 bytes", "1 kB", "2 kB", "3 MB", "1.5 GB"]);
  });
});
