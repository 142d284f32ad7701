import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyEncoding } from "../../src/data/apply-encoding.js";
import { fitEncoding } from "../../src/data/encode.js";
import type { EncodeOptions } from "../../src/data/encoding.js";
import { toOriginalUnits } from "../../src/data/scaler.js";
import type { Table } from "../../src/data/table.js";
import { rowsOf } from "./helpers.js";

const raw = { standardize: false } as const;

/** A table with a number, a level, a boolean and weights in each row. */
const tableOf = (rows: readonly { a: number; k: number; f: boolean; w: number; t: number }[]): Table => ({
  source: "made",
  rows: rows.length,
  columns: [
    { kind: "numeric", name: "a", values: Float64Array.from(rows, (row) => row.a) },
    {
      kind: "categorical",
      name: "k",
      boolean: false,
      levels: ["p", "q", "r"],
      codes: Int32Array.from(rows, (row) => row.k),
    },
    {
      kind: "categorical",
      name: "f",
      boolean: true,
      levels: ["false", "true"],
      codes: Int32Array.from(rows, (row) => (row.f ? 1 : 0)),
    },
    { kind: "numeric", name: "w", values: Float64Array.from(rows, (row) => row.w) },
    { kind: "numeric", name: "t", values: Float64Array.from(rows, (row) => row.t) },
  ],
});

/** Rows that make every column vary. */
const varied = [
  { a: 0, k: 0, f: true, w: 1, t: 0 },
  { a: 1, k: 1, f: false, w: 1, t: 1 },
  { a: 2, k: 2, f: false, w: 2, t: 2 },
];

const anyTable = fc
  .array(
    fc.record({
      a: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      k: fc.integer({ min: 0, max: 2 }),
      f: fc.boolean(),
      w: fc.integer({ min: 0, max: 5 }),
      t: fc.integer({ min: 0, max: 1000 }),
    }),
    { minLength: 8, maxLength: 60 },
  )
  .map((rows) => rows.concat(varied))
  .map(tableOf);

describe("laws", () => {
  const options: EncodeOptions = { target: "t", task: "regression", weights: "w" };

  test("blocks do not depend on how rows are cut", () => {
    fc.assert(
      fc.property(anyTable, fc.integer({ min: 1, max: 70 }), (table, size) => {
        const data = applyEncoding(table, fitEncoding(table, options), { role: "training" });
        expect(rowsOf(data, size)).toEqual(rowsOf(data));
        const starts = [...data.blocks(size)].map((block) => block.firstRow);
        expect(starts).toEqual(starts.map((_, i) => i * size));
        for (const { y, w, firstRow } of data.blocks(size)) {
          expect([y, w]).toEqual([data.y, data.weights].map((all) => all.subarray(firstRow, firstRow + size)));
        }
      }),
    );
  });

  test("standardised columns have weighted mean 0 and standard deviation 1", () => {
    fc.assert(
      fc.property(anyTable, (table) => {
        const data = applyEncoding(table, fitEncoding(table, options), { role: "training" });
        const rows = rowsOf(data);
        data.features.forEach((_, j) => {
          const mean = rows.reduce((sum, row, i) => sum + data.weights[i] * row[j], 0);
          const square = rows.reduce((sum, row, i) => sum + data.weights[i] * row[j] ** 2, 0);
          expect(Math.abs(mean)).toBeLessThan(1e-12);
          expect(Math.abs(square - 1)).toBeLessThan(1e-10);
        });
      }),
    );
  });

  test("a selection is the chosen rows in the chosen order", () => {
    fc.assert(
      fc.property(anyTable, fc.infiniteStream(fc.nat()), fc.integer({ min: 1, max: 9 }), (table, chance, size) => {
        const data = applyEncoding(table, fitEncoding(table, options), { role: "training" });
        const keys = Array.from({ length: data.rows }, () => chance.next().value ?? 0);
        const order = Int32Array.from(keys.keys()).toSorted((a, b) => keys[a] - keys[b]);
        const chosen = order.subarray(0, Math.ceil(data.rows / 2));
        const part = data.select(chosen);
        const rows = rowsOf(data);
        expect(rowsOf(part, size)).toEqual([...chosen].map((row) => rows[row]));
        expect([...part.sourceRows]).toEqual([...chosen].map((row) => data.sourceRows[row]));
        expect(part.weights.reduce((sum, weight) => sum + weight)).toBeCloseTo(1, 12);
        const back = part.select(Int32Array.from(chosen.keys()).toReversed());
        expect([...back.y]).toEqual([...part.y].toReversed());
      }),
    );
  });

  test("parameters in original units predict the same", () => {
    fc.assert(
      fc.property(
        anyTable,
        fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 5, maxLength: 5 }),
        (table, theta) => {
          for (const intercept of [true, false]) {
            const scaled = applyEncoding(table, fitEncoding(table, { ...options, intercept }), { role: "training" });
            const plainRows = rowsOf(
              applyEncoding(table, fitEncoding(table, { ...options, intercept, ...raw }), { role: "training" }),
            );
            const beta = theta.slice(0, scaled.features.length + (intercept ? 1 : 0));
            const original = toOriginalUnits(beta, scaled.encoding, intercept);
            const slopes = intercept ? beta.slice(1) : beta;
            rowsOf(scaled).forEach((row, i) => {
              const seen = row.reduce((sum, x, j) => sum + x * slopes[j], intercept ? beta[0] : 0);
              const predicted = plainRows[i].reduce(
                (sum, x, j) => sum + x * original.coefficients[j],
                original.intercept,
              );
              expect(Math.abs(predicted - seen)).toBeLessThan(1e-8 * (1 + Math.abs(seen)));
            });
          }
        },
      ),
    );
  });
});

test("a table too large to be written out is encoded block by block, to the same numbers", () => {
  const n = 1_700_000; // 10 features of 8 bytes: above 128 MB
  const names = Array.from({ length: 10 }, (_, j) => `x${j}`);
  const values = names.map((_, j) => Float64Array.from({ length: n }, (__, i) => ((i * (2 * j + 3)) % 1009) + j));
  const t = Float64Array.from({ length: n }, (_, i) => i % 17);
  const table: Table = {
    source: "made",
    rows: n,
    columns: [
      ...names.map((name, j) => ({ kind: "numeric" as const, name, values: values[j] })),
      { kind: "numeric", name: "t", values: t },
    ],
  };
  const data = applyEncoding(table, fitEncoding(table, { target: "t" }), { role: "training" });
  const buffers = new Set<ArrayBufferLike>();
  for (const { x, firstRow } of data.blocks()) {
    buffers.add(x.data.buffer);
    const { mean, scale } = data.featureInfo[9];
    if (x.data[9] !== (values[9][firstRow] - mean) / scale) throw new Error(`row ${firstRow}`);
  }
  expect(buffers.size).toBe(1);
  const [block] = data.select(Int32Array.of(5, 3)).blocks();
  expect(block.x.data[0]).toBe((values[0][5] - data.featureInfo[0].mean) / data.featureInfo[0].scale);
});
