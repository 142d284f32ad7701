import { inputError } from "../errors.js";
import type { MissingRule, WeightsKind } from "./encoding.js";
import { gathered } from "./gather.js";
import { quoted } from "./names.js";
import { isNumber } from "./nearly-numeric.js";
import { type Note, note } from "./notes.js";
import { type Origin, originOf } from "./row-place.js";
import type { CategoricalColumn, Column, Table } from "./table.js";
import { isMissingAt } from "./target.js";

/** The column of row weights and what they mean. */
export interface Weighting<C = Column> {
  readonly column: C;
  readonly kind: WeightsKind;
}

/** The rows of a table that are used, with their weights. */
export interface RowChoice {
  /** Indices into the table, ascending. */
  readonly rows: Int32Array;
  /** Of these rows, summing to 1, each positive. */
  readonly weights: Float64Array;
  /** The same as the table has them; undefined without a column of weights. */
  readonly rawWeights: Float64Array | undefined;
  readonly notes: readonly Note[];
}

/**
 * Leaves out rows of weight 0 and, as `rule` says, rows with missing cells.
 * @throws AifError "input" for missing cells under "error", for impossible weights, and where no row is left
 */
export function chooseRows(
  table: Table,
  target: Column,
  features: readonly Column[],
  weighting: Weighting | null,
  rule: MissingRule,
): RowChoice {
  const origin = originOf(table);
  const raw = weighting === null ? null : weightsIn(weighting, weighting.column, origin);
  if (raw !== null && weighting !== null && !raw.some((weight) => weight > 0))
    throw allWeightless(weighting, table.source);
  const counts = noRowCounts(features.length);
  const keep = keptRows(target, features, raw, table.rows, rule, counts);
  const columns = [target, ...features];
  const first = counts.firstMissing;
  refuseRows(columns, counts, rule, table.source, first === null ? null : origin.placeOf(first));
  const rows = positionsOf(keep, counts.kept);
  const rawWeights = raw === null ? undefined : gathered(raw, rows);
  return {
    rows,
    weights: rawWeights ? normalized(rawWeights) : new Float64Array(rows.length).fill(1 / rows.length),
    rawWeights,
    notes: rowNotes(table, columns, weighting, counts),
  };
}

/** How many rows are used, and why others are not. Lists: the target first, then each feature's column. */
export interface RowCounts {
  kept: number;
  weightless: number;
  /** Missing cells in rows that have a weight, under "error". */
  readonly missing: Float64Array;
  /** The first row with one of these, in the piece that was looked at last; null: none so far. */
  firstMissing: number | null;
  /** Rows left out for a missing cell there and in no column before. */
  readonly dropped: Float64Array;
}

export const noRowCounts = (features: number): RowCounts => ({
  kept: 0,
  weightless: 0,
  missing: new Float64Array(features + 1),
  firstMissing: null,
  dropped: new Float64Array(features + 1),
});

/** Marks the rows that are used with 1, and adds to the counts. @param raw weights, or null */
export function keptRows(
  target: Column,
  features: readonly Column[],
  raw: Float64Array | null,
  rows: number,
  rule: MissingRule,
  counts: RowCounts,
): Uint8Array {
  const keep = new Uint8Array(rows).fill(1);
  if (raw !== null) counts.weightless += strike(keep, (row) => raw[row] === 0);
  const columns = [target, ...features];
  if (rule === "error") {
    const anyMissing = columns.filter(hasMissing);
    for (const column of anyMissing) counts.missing[columns.indexOf(column)] += strikeMissing(keep.slice(), column);
    counts.firstMissing = firstMissing(anyMissing, keep);
  }
  const dropping = rule === "drop" ? columns : [target];
  dropping.forEach((column, k) => {
    counts.dropped[k] += strikeMissing(keep, column);
  });
  for (const kept of keep) counts.kept += kept;
  return keep;
}

/** The first marked row with a missing cell; null: there is none. */
function firstMissing(columns: readonly Column[], keep: Uint8Array): number | null {
  if (columns.length === 0) return null;
  const row = keep.findIndex((kept, row) => kept === 1 && columns.some((column) => isMissingAt(column, row)));
  return row < 0 ? null : row;
}

/** The places that are marked with 1. @param count of them */
export function positionsOf(keep: Uint8Array, count: number): Int32Array {
  const rows = new Int32Array(count);
  for (let row = 0, at = 0; row < keep.length; row++) if (keep[row] === 1) rows[at++] = row;
  return rows;
}

/**
 * @param first where the first missing cell is, in words
 * @throws input: missing cells under "error", or no row is left
 */
export function refuseRows(
  columns: readonly Named[],
  counts: RowCounts,
  rule: MissingRule,
  source: string,
  first: string | null,
): void {
  if (rule === "error") refuseMissing(columns, counts.missing, source, first);
  if (counts.kept > 0) return;
  throw inputError(
    `${source}: no row is left once rows with missing cells are dropped; use --missing mean or leave columns out.`,
  );
}

interface Named {
  readonly name: string;
}

/** Takes out the rows that meet a condition and returns how many they were. */
function strike(keep: Uint8Array, condition: (row: number) => boolean): number {
  let count = 0;
  for (let row = 0; row < keep.length; row++) {
    if (keep[row] === 1 && condition(row)) {
      keep[row] = 0;
      count++;
    }
  }
  return count;
}

function strikeMissing(keep: Uint8Array, column: Column): number {
  return hasMissing(column) ? strike(keep, (row) => isMissingAt(column, row)) : 0;
}

/** Most columns have no missing cell, which one plain pass tells. */
export function hasMissing(column: Column): boolean {
  if (column.kind === "numeric") {
    const { values } = column;
    for (let row = 0; row < values.length; row++) if (values[row] !== values[row]) return true;
    return false;
  }
  const { codes } = column;
  for (let row = 0; row < codes.length; row++) if (codes[row] < 0) return true;
  return false;
}

/** The cells of a column that are missing in the given rows. */
export function countMissing(column: Column, rows: Int32Array): number {
  if (!hasMissing(column)) return 0;
  let count = 0;
  for (const row of rows) if (isMissingAt(column, row)) count++;
  return count;
}

function refuseMissing(columns: readonly Named[], missing: Float64Array, source: string, first: string | null): void {
  const counts = columns.flatMap(({ name }, k) => (missing[k] > 0 ? [`${missing[k]} in ${quoted(name)}`] : []));
  if (counts.length === 0) return;
  const shown = counts.length > 10 ? [...counts.slice(0, 10), `more in ${counts.length - 10} other columns`] : counts;
  const place = first === null ? "" : ` (the first in ${first})`;
  throw inputError(
    `${source}: there are missing cells: ${shown.join(", ")}${place}; leave these rows out with --missing drop or fill the cells in with --missing mean.`,
  );
}

/** The weights in a column, each of which makes sense. */
export function weightsIn({ kind }: Weighting<Named>, column: Column, origin: Origin): Float64Array {
  const { source, placeOf } = origin;
  const name = quoted(column.name);
  if (column.kind !== "numeric") {
    const place = firstText(column, origin);
    throw inputError(`${source}: weights column ${name} holds text${place}; weights are numbers.`);
  }
  column.values.forEach((value, row) => {
    if (!(value >= 0)) {
      const found = Number.isNaN(value) ? "missing" : String(value);
      throw inputError(
        `${source}: weights column ${name} is ${found} in ${placeOf(row)}; weights are finite and not negative.`,
      );
    }
    if (kind === "frequency" && !Number.isInteger(value)) {
      throw inputError(
        `${source}: weights column ${name} is ${value} in ${placeOf(row)}, but frequency weights are whole numbers; count rows or give --weights-kind sampling.`,
      );
    }
  });
  return column.values;
}

/** Where the first cell is that is no number, in words. */
function firstText({ codes, levels }: CategoricalColumn, { placeOf }: Origin): string {
  const row = codes.findIndex((code) => code >= 0 && !isNumber(levels[code]));
  return row < 0 ? "" : ` (${quoted(levels[codes[row]])} in ${placeOf(row)})`;
}

export const allWeightless = ({ column }: Weighting<Named>, source: string): Error =>
  inputError(`${source}: weights column ${quoted(column.name)} is 0 in every row; some weight must be positive.`);

/** Divided by their sum, which need not be within float64. */
function normalized(weights: Float64Array): Float64Array {
  const most = weights.reduce((max, weight) => Math.max(max, weight), 0);
  const total = weights.reduce((sum, weight) => sum + weight / most, 0);
  return weights.map((weight) => weight / most / total);
}

/** What is said of the rows that are left out. */
export function rowNotes(
  { source, rows }: Pick<Table, "source" | "rows">,
  columns: readonly Named[],
  weighting: Weighting<Named> | null,
  { weightless, dropped }: RowCounts,
): Note[] {
  const notes: Note[] = [];
  if (weightless > 0 && weighting !== null) {
    const message = `${source}: ${weightless} of ${rows} rows have weight 0 and are left out.`;
    notes.push(note("zero-weights", message, [weighting.column.name]));
  }
  const blamed = columns.filter((_, k) => dropped[k] > 0).map(({ name }) => name);
  const total = dropped.reduce((sum, count) => sum + count, 0);
  if (total > 0) {
    const message = `${source}: ${total} of ${rows} rows with missing cells are left out (in ${blamed.map(quoted).join(", ")}).`;
    notes.push(note("rows-dropped", message, blamed));
  }
  return notes;
}
