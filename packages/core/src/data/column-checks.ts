import { quoted } from "./names.js";
import { type Note, note } from "./notes.js";
import type { CategoricalColumn, Column, NumericColumn } from "./table.js";

const fewestLevels = 10; // up to here, levels may nearly all differ because the table is small
const mostLevels = 100;
const fewestRows = 30; // below, whole numbers in a row say nothing
const identifierName = /(^|[^a-z])(id|ids|uuid|guid|index|key)$|[a-z](Id|ID)$/;

/** The note with which a column of the whole table is left out before anything else, if it is. */
export function uselessColumn(column: Column, kept: boolean): Note | null {
  return emptyOrConstant(column) ?? (kept ? null : identifier(column));
}

function emptyOrConstant(column: Column): Note | null {
  const name = quoted(column.name);
  if (column.kind === "numeric") {
    const first = column.values.find((value) => value === value);
    if (first === undefined) return constantNote(column, `Column ${name} is left out: every cell is missing.`);
    const varies = column.values.some((value) => value === value && value !== first);
    return varies ? null : constantNote(column, `Column ${name} is left out: its only value is ${first}.`);
  }
  const first = column.codes.find((code) => code >= 0);
  if (first === undefined) return constantNote(column, `Column ${name} is left out: every cell is missing.`);
  return column.codes.every((code) => code === first)
    ? constantNote(column, `Column ${name} is left out: its only value is ${quoted(column.levels[first])}.`)
    : null;
}

export const constantNote = (column: { name: string }, message: string): Note =>
  note("constant-column", message, [column.name]);

function identifier(column: Column): Note | null {
  const reason = column.kind === "numeric" ? numberIdentifier(column) : textIdentifier(column);
  if (reason === null) return null;
  const message = `Column ${quoted(column.name)} is left out: ${reason}, so it names rows rather than describing them.`;
  return note("identifier-column", message, [column.name]);
}

function textIdentifier(column: CategoricalColumn): string | null {
  const distinct = column.levels.length;
  if (column.boolean || distinct <= fewestLevels) return null;
  let present = 0;
  for (const code of column.codes) if (code >= 0) present++;
  if (distinct <= mostLevels && distinct * 2 <= present) return null;
  return `its ${present} cells hold ${distinct} different texts`;
}

function numberIdentifier({ name, values }: NumericColumn): string | null {
  if (values.length < fewestRows || !values.every(Number.isInteger)) return null;
  if ((values[0] === 0 || values[0] === 1) && values.every((value, i) => value === values[0] + i)) {
    return "it counts the rows";
  }
  if (identifierName.test(name) || identifierName.test(name.toLowerCase())) {
    if (new Set(values).size === values.length) return "it is a different whole number in every row";
  }
  return null;
}

/** Whether two columns hold the same cells in the given rows. */
export function sameCells(a: Column, b: Column, rows: Int32Array): boolean {
  if (a.kind === "numeric") {
    if (b.kind !== "numeric") return false;
    return rows.every((row) => Object.is(a.values[row] + 0, b.values[row] + 0));
  }
  if (b.kind === "numeric") return false;
  const counterpart = a.levels.map((level) => b.levels.indexOf(level));
  return rows.every((row) => {
    const code = a.codes[row];
    return (code < 0 ? -1 : counterpart[code]) === b.codes[row] && (code < 0 || counterpart[code] >= 0);
  });
}
