import { inputError } from "../errors.js";
import { applyBy } from "./by-groups.js";
import { columnNamed, ROLE } from "./choose-columns.js";
import { balancedWeights, classPlaces } from "./class-weight.js";
import { clusterCodes, joinedGroups } from "./clusters.js";
import { asNumbers, asText } from "./column-kinds.js";
import { type ColumnWriter, columnRows, indicatorWriter, numberWriter } from "./column-rows.js";
import { EncodedDataset, type EncodedParts } from "./encoded-dataset.js";
import { type ColumnEncoding, type Encoding, type FeatureInfo, missingLevel } from "./encoding.js";
import { gatheredCodes } from "./gather.js";
import { quoted } from "./names.js";
import { type Note, note } from "./notes.js";
import { chooseRows, countMissing } from "./row-choice.js";
import { type Origin, originOf } from "./row-place.js";
import type { CategoricalColumn, Column, Table } from "./table.js";
import { readTarget } from "./target.js";

/** What the encoded rows are for. */
export interface ApplyOptions {
  /**
   * "training" for the table that the encoding was fitted to: its notes on columns are then the data set's too, and the
   * classes' factors are part of its weights. Rows for "evaluation" have plain weights.
   */
  readonly role: "training" | "evaluation";
}

/**
 * Encodes a table as the encoding says. Columns are found by name; columns that the encoding does not use are ignored.
 *
 * @throws AifError "input" where a column is absent, holds text instead of numbers, or has a level or label that the
 *   training rows had not; and as `fitEncoding` for missing cells, weights, clusters and the target; "usage" where a
 *   column makes too many groups
 */
export function applyEncoding(table: Table, encoding: Encoding, options: ApplyOptions): EncodedDataset {
  const target = columnNamed(table, ROLE.target, encoding.target.column);
  const columns = encoding.columns.map(({ column }) => columnNamed(table, ROLE.feature, column));
  const weighting =
    encoding.weights === null
      ? null
      : { column: columnNamed(table, ROLE.weights, encoding.weights), kind: encoding.weightsKind };
  const choice = chooseRows(table, target, columns, weighting, encoding.missing);
  const origin = originOf(table);
  const { y, notes } = readTarget(target, encoding.target, choice.rows, origin);
  const writers = writersOf(columns, encoding, choice.rows, origin);
  const factors = options.role === "training" ? encoding.classFactors : null;
  const weights = factors ? balancedWeights(classPlaces(y, encoding.target), choice.weights, factors) : choice.weights;
  return new EncodedDataset(columnRows(writers, choice.rows, encoding.features.length), { start: 0 }, y, weights, {
    encoding,
    sourceRows: choice.rows.map((row) => row + 1),
    files: table.files,
    ...partitionsOf(table, encoding, choice.rows, options.role),
    evaluationWeights: choice.weights,
    rawWeights: choice.rawWeights,
    notes: [
      ...(options.role === "training" ? encoding.notes : []),
      ...choice.notes,
      ...imputedNotes(
        encoding,
        columns.map((column) => countMissing(column, choice.rows)),
        table.source,
      ),
      ...notes,
    ],
  });
}

/**
 * What writes the features of some rows of the encoding's columns.
 * @throws input: text instead of numbers, or a level that the training rows had not
 */
export function writersOf(
  columns: readonly Column[],
  encoding: Encoding,
  rows: Int32Array,
  origin: Origin,
): ColumnWriter[] {
  let offset = 0;
  return encoding.columns.map((column, k) => {
    const width = column.kind === "categorical" ? column.features.length : 1;
    const features = encoding.features.slice(offset, offset + width);
    offset += width;
    return writerOf(columns[k], column, features, offset - width, rows, origin);
  });
}

function writerOf(
  column: Column,
  encoding: ColumnEncoding,
  features: readonly FeatureInfo[],
  offset: number,
  rows: Int32Array,
  origin: Origin,
): ColumnWriter {
  if (encoding.kind === "numeric") {
    const { values } = asNumbers(column, rows, origin);
    const [{ mean, scale }] = features;
    return numberWriter(values, encoding.fill, mean, scale, offset);
  }
  const text = asText(column);
  const levels = encoding.kind === "boolean" ? ["false", "true"] : encoding.levels;
  const known = new Set(levels);
  const strange = Uint8Array.from(text.levels, (level) => (known.has(level) ? 0 : 1));
  if (strange.includes(1)) {
    const row = rows.find((i) => text.codes[i] >= 0 && strange[text.codes[i]] === 1);
    if (row !== undefined) throw unknownLevel(text, row, origin);
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

const unknownLevel = (column: CategoricalColumn, row: number, { source, placeOf }: Origin): Error =>
  inputError(
    `${source}: column ${quoted(column.name)} is ${quoted(column.levels[column.codes[row]])} in ${placeOf(row)}, a level that the training data do not have; remove the row or train on data with this level.`,
  );

/** What the rows belong to: groups that splits keep whole, clusters, and the groups that results are repeated for. */
function partitionsOf(
  table: Table,
  encoding: Encoding,
  rows: Int32Array,
  role: ApplyOptions["role"],
): Pick<EncodedParts, "groups" | "clusters" | "by"> {
  // Rows that are only evaluated are neither split nor drawn again, so their file may lack these columns.
  const column = (name: string | null, part: string): Column | null =>
    name === null || (role === "evaluation" && !table.columns.some((other) => other.name === name))
      ? null
      : columnNamed(table, part, name);
  const splitBy = column(encoding.splitBy, ROLE.splitBy);
  const cluster = column(encoding.cluster, ROLE.cluster);
  // Rows without a group form one group.
  const groups = splitBy === null ? undefined : gatheredCodes(asText(splitBy).codes, rows);
  const clusters = cluster === null ? undefined : clusterCodes(cluster, rows, originOf(table));
  const { by } = encoding;
  return {
    groups: groups && clusters ? joinedGroups(groups, clusters) : (groups ?? clusters),
    clusters,
    by: by === null ? undefined : applyBy(columnNamed(table, ROLE.by, by.column), by, rows, originOf(table)),
  };
}

/** What the missing cells of each feature's column became. @param counts of them, one for each of the encoding's columns */
export function imputedNotes(encoding: Encoding, counts: readonly number[], source: string): Note[] {
  return encoding.columns.flatMap((column, k) => {
    const count = counts[k];
    if (count === 0) return [];
    const message = `${source}: ${count} missing ${count === 1 ? "cell" : "cells"} of column ${quoted(column.column)} became ${filling(column)}.`;
    return [note("imputed-column", message, [column.column])];
  });
}

function filling(encoding: ColumnEncoding): string {
  if (encoding.kind === "numeric") return "the training mean";
  if (encoding.kind === "boolean") return "the share of true in the training rows";
  return encoding.levels.includes(missingLevel)
    ? `the level ${missingLevel}`
    : "the shares of its levels in the training rows";
}
