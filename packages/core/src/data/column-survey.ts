import type { CategoricalColumn, Column, NumericColumn } from "./table.js";

/** A column without its cells. */
export type ColumnInfo =
  | Pick<NumericColumn, "kind" | "name">
  | Pick<CategoricalColumn, "kind" | "name" | "boolean" | "levels">;

/** What all cells of a column of numbers have in common. Rows are counted from 0. */
export interface NumberTally {
  rows: number;
  missing: number;
  /** The first that is there; null: none is. */
  first: number | null;
  /** Whether another follows. */
  varies: boolean;
  /** Whether every cell holds a whole number. */
  whole: boolean;
  /** value − row, while every cell is whole and it is the same in all; null: it is not. */
  origin: number | null;
}

/** How often each level occurs, and where it does first (−1: nowhere). */
export interface LevelTally {
  rows: number;
  missing: number;
  counts: Float64Array;
  firstRows: Float64Array;
}

export type ColumnSurvey =
  | (NumberTally & { readonly kind: "numeric"; readonly name: string })
  | (LevelTally & {
      readonly kind: "categorical";
      readonly name: string;
      readonly boolean: boolean;
      readonly levels: readonly string[];
      /** Whether there are more different texts than `levels` could take. */
      readonly more: boolean;
    });

export const noNumbers = (): NumberTally => ({
  rows: 0,
  missing: 0,
  first: null,
  varies: false,
  whole: true,
  origin: null,
});

/** Counts cells that follow those counted so far. */
export function tallyNumbers(tally: NumberTally, values: Float64Array): void {
  const firstRow = tally.rows;
  let { first, missing, varies, whole } = tally;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value !== value) {
      missing++;
      whole = false;
      continue;
    }
    if (first === null) first = value;
    else if (value !== first) varies = true;
    if (whole && !Number.isInteger(value)) whole = false;
  }
  if (firstRow === 0) tally.origin = values.length > 0 ? values[0] : null;
  if (!whole) tally.origin = null;
  const { origin } = tally;
  if (origin !== null && !values.every((value, i) => value - (firstRow + i) === origin)) tally.origin = null;
  Object.assign(tally, { first, missing, varies, whole, rows: firstRow + values.length });
}

/** What two tallies say together, the second's rows following the first's. */
export function joinedNumbers(a: NumberTally, b: NumberTally): NumberTally {
  if (a.rows === 0) return b;
  if (b.rows === 0) return a;
  return {
    rows: a.rows + b.rows,
    missing: a.missing + b.missing,
    first: a.first ?? b.first,
    varies: a.varies || b.varies || (a.first !== null && b.first !== null && a.first !== b.first),
    whole: a.whole && b.whole,
    origin: a.origin !== null && b.origin !== null && b.origin - a.rows === a.origin ? a.origin : null,
  };
}

/** Counts codes of a column with `levels` levels. */
function tallyLevels(codes: Int32Array, levels: number): LevelTally {
  const counts = new Float64Array(levels);
  const firstRows = new Float64Array(levels).fill(-1);
  let missing = 0;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i];
    if (code < 0) missing++;
    else if (counts[code]++ === 0) firstRows[code] = i;
  }
  return { rows: codes.length, missing, counts, firstRows };
}

/** Looks at every cell of a column once. */
export function surveyOf(column: Column): ColumnSurvey {
  if (column.kind === "numeric") {
    const tally = noNumbers();
    tallyNumbers(tally, column.values);
    return { kind: "numeric", name: column.name, ...tally };
  }
  const { kind, name, boolean, levels, codes } = column;
  return { kind, name, boolean, levels, more: false, ...tallyLevels(codes, levels.length) };
}
