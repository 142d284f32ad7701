import { inputError } from "../errors.js";
import type { MissingRule, WeightsKind } from "./encoding.js";
import { gathered } from "./gather.js";
import { quoted } from "./names.js";
import { type Note, note } from "./notes.js";
import type { Column, Table } from "./table.js";
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
  const raw = weighting === null ? null : checkedWeights(weighting, table.source);
  const keep = new Uint8Array(table.rows).fill(1);
  const weightless = raw === null ? 0 : strike(keep, (row) => raw[row] === 0);
  if (rule === "error") refuseMissing(table, [target, ...features], keep);
  const dropping = rule === "drop" ? [target, ...features] : [target];
  let dropped = 0;
  const blamed: string[] = [];
  for (const column of dropping) {
    const count = strikeMissing(keep, column);
    if (count > 0) blamed.push(column.name);
    dropped += count;
  }
  const rows = new Int32Array(table.rows - weightless - dropped);
  for (let row = 0, at = 0; row < keep.length; row++) if (keep[row] === 1) rows[at++] = row;
  if (rows.length === 0) {
    throw inputError(
      `${table.source}: no row is left once rows with missing cells are dropped; use --missing mean or leave columns out.`,
    );
  }
  const rawWeights = raw === null ? undefined : gathered(raw, rows);
  return {
    rows,
    weights: rawWeights ? normalized(rawWeights) : new Float64Array(rows.length).fill(1 / rows.length),
    rawWeights,
    notes: rowNotes(table, weighting, weightless, dropped, blamed),
  };
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

function refuseMissing(table: Table, columns: readonly Column[], keep: Uint8Array): void {
  const counts: string[] = [];
  for (const column of columns) {
    const count = strikeMissing(keep.slice(), column);
    if (count > 0) counts.push(`${count} in ${quoted(column.name)}`);
  }
  if (counts.length === 0) return;
  const shown = counts.length > 10 ? [...counts.slice(0, 10), `more in ${counts.length - 10} other columns`] : counts;
  throw inputError(
    `${table.source} has missing cells: ${shown.join(", ")}; leave these rows out with --missing drop or fill the cells in with --missing mean.`,
  );
}

function checkedWeights({ column, kind }: Weighting, source: string): Float64Array {
  const name = quoted(column.name);
  if (column.kind !== "numeric") throw inputError(`${source}: weights column ${name} holds text; weights are numbers.`);
  let positive = false;
  column.values.forEach((value, row) => {
    if (!(value >= 0)) {
      const found = Number.isNaN(value) ? "missing" : String(value);
      throw inputError(
        `${source}: weights column ${name} is ${found} in data row ${row + 1}; weights are finite and not negative.`,
      );
    }
    if (kind === "frequency" && !Number.isInteger(value)) {
      throw inputError(
        `${source}: weights column ${name} is ${value} in data row ${row + 1}, but frequency weights are whole numbers; count rows or give --weights-kind sampling.`,
      );
    }
    if (value > 0) positive = true;
  });
  if (!positive) throw inputError(`${source}: weights column ${name} is 0 in every row; some weight must be positive.`);
  return column.values;
}

/** Divided by their sum, which need not be within float64. */
function normalized(weights: Float64Array): Float64Array {
  const most = weights.reduce((max, weight) => Math.max(max, weight), 0);
  const total = weights.reduce((sum, weight) => sum + weight / most, 0);
  return weights.map((weight) => weight / most / total);
}

function rowNotes(
  table: Table,
  weighting: Weighting | null,
  weightless: number,
  dropped: number,
  blamed: string[],
): Note[] {
  const notes: Note[] = [];
  if (weightless > 0 && weighting !== null) {
    const message = `${table.source}: ${weightless} of ${table.rows} rows have weight 0 and are left out.`;
    notes.push(note("zero-weights", message, [weighting.column.name]));
  }
  if (dropped > 0) {
    const message = `${table.source}: ${dropped} of ${table.rows} rows with missing cells are left out (in ${blamed.map(quoted).join(", ")}).`;
    notes.push(note("rows-dropped", message, blamed));
  }
  return notes;
}
