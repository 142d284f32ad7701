/** Rows written out of a table's columns, against tables by hand. */
import { describe, expect, test } from "vitest";
import { type ColumnWriter, columnRows, indicatorWriter, numberWriter } from "../../src/data/column-rows.js";

/** What a writer makes of rows `from` to `to`, among zeros, m to a row. */
function written(write: ColumnWriter, rows: readonly number[], from: number, to: number, m: number): number[] {
  const out = new Float64Array((to - from) * m);
  write(Int32Array.from(rows), from, to, out, m);
  return [...out];
}

describe("a column of numbers", () => {
  const values = Float64Array.of(5, 1, 9, NaN, 3);

  test("is standardised into its place, for the rows asked for alone", () => {
    const write = numberWriter(values, 7, 1, 4, 1);
    expect(written(write, [2, 0, 4, 1], 1, 3, 3)).toEqual([0, 1, 0, 0, 0.5, 0]);
  });

  test("has the fill, standardised too, in missing cells and in no others", () => {
    const write = numberWriter(values, 7, 1, 4, 0);
    expect(written(write, [3, 0, 3, 2], 0, 4, 2)).toEqual([1.5, 0, 1, 0, 1.5, 0, 2, 0]);
    expect(written(write, [3, 0], 1, 2, 1)).toEqual([1]);
  });
});

describe("a column of labels", () => {
  // Codes 0, 1 and 2: the first is the base, 1 has feature 0 and 2 has feature 1; code −1 is missing.
  const codes = Int32Array.of(2, 0, -1, 1);
  const write = indicatorWriter(
    codes,
    Int32Array.of(-1, 0, 1),
    Float64Array.of(-0.5, -0.25),
    Float64Array.of(2, 4),
    Float64Array.of(10, 20),
    1,
  );

  test("is its indicators, from its place on", () => {
    expect(written(write, [0, 1, 2, 3], 0, 4, 4)).toEqual(
      [
        [0, -0.5, 4, 0],
        [0, -0.5, -0.25, 0],
        [0, 10, 20, 0],
        [0, 2, -0.25, 0],
      ].flat(),
    );
  });

  test("for the rows asked for alone", () => {
    expect(written(write, [0, 1, 3, 2], 2, 3, 3)).toEqual([0, 2, -0.25]);
  });
});

describe("rows of several columns", () => {
  const m = 2;
  const cell = (row: number, j: number): number => (j === 0 ? row : 100 + row);
  /** How many rows the columns were asked for. */
  const counting = (table: number): { writers: ColumnWriter[]; asked: () => number } => {
    let asked = 0;
    const column = (j: number): ColumnWriter => {
      const write = numberWriter(
        Float64Array.from({ length: table }, (_, row) => cell(row, j)),
        0,
        0,
        1,
        j,
      );
      return (rows, from, to, ...rest) => {
        if (j === 0) asked += to - from;
        write(rows, from, to, ...rest);
      };
    };
    return { writers: [column(0), column(1)], asked: () => asked };
  };

  test("are written out once, and then looked at where they lie", () => {
    const { writers, asked } = counting(6);
    const source = columnRows(writers, Int32Array.of(5, 0, 3, 1), m);
    expect([source.columns, asked()]).toEqual([2, 0]);
    const out = new Float64Array(2 * m);
    source.fill(Int32Array.of(3, 2, 0), 1, 3, out);
    expect([...out]).toEqual([3, 103, 5, 105]);
    const view = source.view?.(1, 3);
    expect([...(view ?? [])]).toEqual([0, 100, 3, 103]);
    expect(source.view?.(1, 3)?.buffer).toBe(view?.buffer);
    expect(asked()).toBe(4);
  });

  test("many of them, piece by piece, each in its place", () => {
    const table = 300_000;
    const { writers, asked } = counting(table);
    const source = columnRows(
      writers,
      Int32Array.from({ length: table }, (_, i) => table - 1 - i),
      m,
    );
    const all = source.view?.(0, table) ?? new Float64Array(0);
    expect(all).toHaveLength(table * m);
    expect(all.every((value, at) => value === cell(table - 1 - Math.floor(at / m), at % m))).toBe(true);
    expect(asked()).toBe(table);
  });

  test("of more than a gigabyte are written each time, and nobody looks at them where they lie", () => {
    const wide = 2 ** 20;
    const write: ColumnWriter = (rows, from, to, out, columns) => {
      for (let i = from; i < to; i++) out[(i - from) * columns + 3] = rows[i];
    };
    const rows = Int32Array.from({ length: 129 }, (_, i) => 1000 + i);
    const source = columnRows([write], rows, wide);
    expect(source.view?.(0, 1)).toBeNull();
    const out = new Float64Array(2 * wide);
    source.fill(Int32Array.of(0, 128, 7), 1, 3, out);
    expect([out[3], out[wide + 3]]).toEqual([1128, 1007]);
  });
});
