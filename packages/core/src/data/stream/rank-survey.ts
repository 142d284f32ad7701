import { inputError } from "../../errors.js";
import { sortedLevels } from "../column-builder.js";
import { type ColumnInfo, type ColumnSurvey, joinedNumbers, type NumberTally, noNumbers } from "../column-survey.js";
import { quoted } from "../names.js";
import type { Note } from "../notes.js";
import type { FileRows } from "../row-place.js";
import { refuseOtherColumns } from "../table-builder.js";

/** More different texts than these are not told apart: such a column names rows. */
export const MOST_TEXTS = 100_000;

/** What the rows of some files, in order, say of one column. Plain data. */
export interface ColumnTally {
  readonly name: string;
  /** Over all rows; what it says of values holds where the column is one of numbers. */
  numbers: NumberTally;
  /** The different texts, how often each occurs, and the first row with it. */
  readonly texts: string[];
  readonly counts: number[];
  readonly firstRows: number[];
  /** Whether there are more texts than are told apart. */
  more: boolean;
  /** The first file where the column holds numbers, and the first where it holds text. */
  numberFile: string | null;
  textFile: string | null;
  /** The first cell of `textFile` that is no number, and its row in that file, from 0; null where all texts are numbers. */
  word: { readonly text: string; readonly row: number } | null;
}

/** What a first pass over some files finds. Plain data, the same for any way in which files are shared out. */
export interface RowsSurvey {
  rows: number;
  /** The files that gave rows, in order. */
  readonly files: readonly FileRows[];
  readonly columns: ColumnTally[];
  /** The first file that says which columns it has before its rows; all others must have the same. */
  declared: { readonly file: string; readonly names: readonly string[] } | null;
  readonly notes: Note[];
}

export const noRows = (): RowsSurvey => ({ rows: 0, files: [], columns: [], declared: null, notes: [] });

export const newTally = (name: string, rowsBefore: number): ColumnTally => ({
  name,
  numbers: rowsBefore === 0 ? noNumbers() : allMissing(rowsBefore),
  texts: [],
  counts: [],
  firstRows: [],
  more: false,
  numberFile: null,
  textFile: null,
  word: null,
});

export const allMissing = (rows: number): NumberTally => ({
  rows,
  missing: rows,
  first: null,
  varies: false,
  whole: false,
  origin: null,
});

/** @throws input: the column holds numbers in one file and text in another */
function refuseMixture({ name, numberFile, textFile, word }: ColumnTally): void {
  if (numberFile === null || textFile === null || numberFile === textFile) return;
  const cell = word === null ? "" : ` (${quoted(word.text)} in its data row ${word.row + 1})`;
  throw inputError(
    `Column ${quoted(name)} holds numbers in ${numberFile} and text in ${textFile}${cell}; files read together need the same kind of cells: correct one of them, or leave the column out with --exclude.`,
  );
}

/** What two surveys say together, the second's rows following the first's. @throws input: their files do not go together */
export function joinedSurveys(a: RowsSurvey, b: RowsSurvey): RowsSurvey {
  if (a.declared !== null && b.declared !== null) {
    refuseOtherColumns(b.declared.file, b.declared.names, a.declared.file, a.declared.names);
  }
  const rows = a.rows + b.rows;
  const later = new Map(b.columns.map((column) => [column.name, column]));
  const known = new Set(a.columns.map(({ name }) => name));
  const columns = a.columns.map((column) =>
    joinedTallies(column, later.get(column.name) ?? newTally(column.name, b.rows), a.rows),
  );
  for (const column of b.columns) {
    if (!known.has(column.name)) columns.push(joinedTallies(newTally(column.name, a.rows), column, a.rows));
  }
  const told = new Set(a.notes.map(({ message }) => message));
  return {
    rows,
    files: [...a.files, ...b.files],
    columns,
    declared: a.declared ?? b.declared,
    notes: [...a.notes, ...b.notes.filter(({ message }) => !told.has(message))],
  };
}

function joinedTallies(a: ColumnTally, b: ColumnTally, rowsBefore: number): ColumnTally {
  const joined: ColumnTally = {
    ...a,
    numbers: joinedNumbers(a.numbers, b.numbers),
    texts: [...a.texts],
    counts: [...a.counts],
    firstRows: [...a.firstRows],
    more: a.more || b.more,
    numberFile: a.numberFile ?? b.numberFile,
    textFile: a.textFile ?? b.textFile,
    word: a.textFile === null ? b.word : a.word,
  };
  const place = new Map(a.texts.map((text, k) => [text, k]));
  b.texts.forEach((text, k) => {
    const known = place.get(text);
    if (known !== undefined) joined.counts[known] += b.counts[k];
    else if (joined.texts.length < MOST_TEXTS) {
      joined.texts.push(text);
      joined.counts.push(b.counts[k]);
      joined.firstRows.push(b.firstRows[k] + rowsBefore);
    } else joined.more = true;
  });
  refuseMixture(joined);
  return joined;
}

/** A column of all files together: what it is, its survey, and the place of each text's level. */
export interface SurveyedColumn {
  readonly info: ColumnInfo;
  readonly survey: ColumnSurvey;
  readonly levelOf: ReadonlyMap<string, number>;
}

export function surveyedColumn({
  name,
  numbers,
  texts,
  counts,
  firstRows,
  more,
  textFile,
}: ColumnTally): SurveyedColumn {
  if (textFile === null) {
    return { info: { kind: "numeric", name }, survey: { kind: "numeric", name, ...numbers }, levelOf: new Map() };
  }
  const { boolean, levels, sorted } = sortedLevels(texts);
  const totals = new Float64Array(levels.length);
  const first = new Float64Array(levels.length).fill(-1);
  texts.forEach((_, k) => {
    const level = sorted[k];
    totals[level] += counts[k];
    if (first[level] < 0 || firstRows[k] < first[level]) first[level] = firstRows[k];
  });
  const { rows, missing } = numbers;
  return {
    info: { kind: "categorical", name, boolean, levels },
    survey: { kind: "categorical", name, boolean, levels, more, rows, missing, counts: totals, firstRows: first },
    levelOf: new Map(texts.map((text, k) => [text, sorted[k]])),
  };
}
