import { inputError } from "../errors.js";
import { columnNamed } from "./choose-columns.js";
import { type ColumnWriter, columnRows, indicatorWriter, numberWriter } from "./column-rows.js";
import { EncodedDataset } from "./encoded-dataset.js";
import { type ColumnEncoding, type Encoding, type FeatureInfo, missingLevel } from "./encoding.js";
import { quoted } from "./names.js";
import { type Note, note } from "./notes.js";
import { chooseRows, countMissing } from "./row-choice.js";
import type { CategoricalColumn, Column, Table } from "./table.js";
import { readTarget } from "./target.js";

export interface ApplyOptions {
  /** "training" for the table that the encoding was fitted to: its notes on columns are then the data set's too. */
  readonly role: "training" | "evaluation";
}

/**
 * Encodes a table as the encoding says. Columns are found by name; columns that the encoding does not use are ignored.
 *
 * @throws AifError "input" where a column is absent, holds text instead of numbers, or has a level or label that the
 *   training rows had not; and as `fitEncoding` for missing cells, weights and the target
 */
export function applyEncoding(table: Table, encoding: Encoding, options: ApplyOptions): EncodedDataset {
  const target = columnNamed(table, "target column", encoding.target.column);
  const columns = encoding.columns.map(({ column }) => columnNamed(table, "feature column", column));
  const weights = encoding.weights === null ? null : columnNamed(table, "weights column", encoding.weights);
  const choice = chooseRows(table, target, columns, weights, encoding.missing);
  const { y, notes } = readTarget(target, encoding.target, choice.rows, table.source);
  const writers: ColumnWriter[] = [];
  let offset = 0;
  encoding.columns.forEach((column, k) => {
    const width = column.kind === "categorical" ? column.features.length : 1;
    const features = encoding.features.slice(offset, offset + width);
    writers.push(writerOf(columns[k], column, features, offset, choice.rows, table.source));
    offset += width;
  });
  return new EncodedDataset(columnRows(writers, choice.rows, offset), { start: 0 }, y, choice.weights, {
    encoding,
    sourceRows: choice.rows.map((row) => row + 1),
    groups: groupsOf(table, encoding.splitBy, choice.rows, options.role),
    notes: [
      ...(options.role === "training" ? encoding.notes : []),
      ...choice.notes,
      ...imputedNotes(columns, choice.rows, table.source),
      ...notes,
    ],
  });
}

function writerOf(
  column: Column,
  encoding: ColumnEncoding,
  features: readonly FeatureInfo[],
  offset: number,
  rows: Int32Array,
  source: string,
): ColumnWriter {
  if (encoding.kind === "numeric") {
    if (column.kind !== "numeric") throw notNumeric(column, rows, source);
    const [{ mean, scale }] = features;
    return numberWriter(column.values, Number.isNaN, encoding.fill, mean, scale, offset);
  }
  const text = asText(column);
  const levels = encoding.kind === "boolean" ? ["false", "true"] : encoding.levels;
  const known = new Set(levels);
  for (const row of rows) {
    const code = text.codes[row];
    if (code >= 0 && !known.has(text.levels[code])) throw unknownLevel(text, row, source);
  }
  const made = encoding.kind === "boolean" ? ["true"] : encoding.features;
  const fill = encoding.kind === "boolean" ? [encoding.fill] : encoding.fill;
  const position = new Map(made.map((level, k) => [level, k]));
  const off = Float64Array.from(features, ({ mean, scale }) => (0 - mean) / scale);
  const on = Float64Array.from(features, ({ mean, scale }) => (1 - mean) / scale);
  // A missing cell is a level where the training rows had one, else the training mean.
  const missing = known.has(missingLevel)
    ? off.slice()
    : Float64Array.from(features, ({ mean, scale }, k) => (fill[k] - mean) / scale);
  const missingFeature = position.get(missingLevel);
  if (missingFeature !== undefined) missing[missingFeature] = on[missingFeature];
  const featureOf = Int32Array.from(text.levels, (level) => position.get(level) ?? -1);
  return indicatorWriter(text.codes, featureOf, off, on, missing, offset);
}

/** Text levels may all look like numbers in a later file. */
function asText(column: Column): CategoricalColumn {
  if (column.kind === "categorical") return column;
  const position = new Map<number, number>();
  const codes = Int32Array.from(column.values, (value) => {
    if (Number.isNaN(value)) return -1;
    const code = position.get(value) ?? position.size;
    position.set(value, code);
    return code;
  });
  return { kind: "categorical", name: column.name, boolean: false, levels: [...position.keys()].map(String), codes };
}

function notNumeric(column: CategoricalColumn, rows: Int32Array, source: string): Error {
  const row = rows.find((i) => column.codes[i] >= 0 && !Number.isFinite(Number(column.levels[column.codes[i]])));
  const found = row === undefined ? "" : ` (${quoted(column.levels[column.codes[row]])} in data row ${row + 1})`;
  return inputError(
    `${source}: column ${quoted(column.name)} holds text${found} but held numbers in the training data; correct these cells.`,
  );
}

const unknownLevel = (column: CategoricalColumn, row: number, source: string): Error =>
  inputError(
    `${source}: column ${quoted(column.name)} is ${quoted(column.levels[column.codes[row]])} in data row ${row + 1}, a level that the training data do not have; remove the row or train on data with this level.`,
  );

/** Group codes; rows without a group form one group. */
function groupsOf(
  table: Table,
  name: string | null,
  rows: Int32Array,
  role: ApplyOptions["role"],
): Int32Array | undefined {
  if (name === null) return undefined;
  if (role === "evaluation" && !table.columns.some((column) => column.name === name)) return undefined;
  const { codes } = asText(columnNamed(table, "column to split by", name));
  return rows.map((row) => codes[row]);
}

function imputedNotes(columns: readonly Column[], rows: Int32Array, source: string): Note[] {
  const notes: Note[] = [];
  for (const column of columns) {
    const count = countMissing(column, rows);
    if (count === 0) continue;
    const filling = column.kind === "numeric" ? "the training mean" : `the level ${missingLevel}`;
    const message = `${source}: ${count} missing ${count === 1 ? "cell" : "cells"} of column ${quoted(column.name)} became ${filling}.`;
    notes.push(note("imputed-column", message, [column.name]));
  }
  return notes;
}
