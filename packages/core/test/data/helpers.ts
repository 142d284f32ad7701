import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect } from "vitest";
import type { Dataset } from "../../src/data/dataset.js";
import { type ReadOptions, readTable } from "../../src/data/read.js";
import type { Column, Table } from "../../src/data/table.js";
import { AifError, type ErrorCode } from "../../src/errors.js";

const realData = fileURLToPath(new URL("../../../../../shared/data/", import.meta.url));

/** Real tables lie beside the checkout; without them their tests are skipped. */
export const hasRealData = existsSync(realData);
export const real = (path: string): string => join(realData, path);

/** The file of a fixture made by another program. */
export const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Reads a table from text. */
export const read = (text: string, options: ReadOptions = {}): Promise<Table> =>
  readTable(utf8(text), { name: "data.csv", ...options });

export function columnOf(table: Table, name: string): Column {
  const column = table.columns.find((candidate) => candidate.name === name);
  if (column === undefined) throw new Error(`no column ${name}`);
  return column;
}

/** A column's cells as plain values, null where missing. */
export function cells(table: Table, name: string): (number | string | null)[] {
  const column = columnOf(table, name);
  return column.kind === "numeric"
    ? Array.from(column.values, (value) => (Number.isNaN(value) ? null : value))
    : Array.from(column.codes, (code) => (code < 0 ? null : column.levels[code]));
}

/** A whole table as plain values. */
export const plain = (table: Table): [string, string, (number | string | null)[]][] =>
  table.columns.map((column) => [column.name, column.kind, cells(table, column.name)]);

/** Checks that something fails with an error of ours: one sentence or two, matching, without a stack trace in it. */
export async function expectFailure(work: () => unknown, code: ErrorCode, message: RegExp): Promise<void> {
  const error: unknown = await Promise.resolve()
    .then(work)
    .then(
      () => null,
      (cause: unknown) => cause,
    );
  expect(error).toBeInstanceOf(AifError);
  if (!(error instanceof AifError)) return;
  expect(error.message).toMatch(message);
  expect(error.message).not.toMatch(/\n|\bat .*:\d+:\d+/);
  expect(error.message).toMatch(/[.?]$/);
  expect(error.code).toBe(code);
}

/** A folder for the tests of one file, removed after them. */
export function temporaryFolder(): {
  path: (name: string) => string;
  write: (name: string, content: string | Uint8Array) => Promise<string>;
} {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "aif-data-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const path = (name: string): string => join(folder, name);
  return {
    path,
    write: async (name, content) => {
      await writeFile(path(name), content);
      return path(name);
    },
  };
}

/** The encoded matrix as rows, copied off each block while it is valid. */
export function rowsOf(data: Dataset, rowsPerBlock?: number): number[][] {
  const out: number[][] = [];
  for (const { x } of data.blocks(rowsPerBlock)) for (let i = 0; i < x.rows; i++) out.push([...x.row(i)]);
  return out;
}
