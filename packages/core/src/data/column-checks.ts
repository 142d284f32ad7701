import type { ColumnSurvey } from "./column-survey.js";
import { quoted } from "./names.js";
import { type Note, note } from "./notes.js";
import type { Column } from "./table.js";

const fewestLevels = 10; // up to here, levels may nearly all differ because the table is small
const mostLevels = 100;
const fewestRows = 30; // below, whole numbers in a row say nothing
const identifierName = /(^|[^a-z])(id|ids|uuid|guid|index|key)$|[a-z](Id|ID)$/;

/** The note with which a column is left out before anything else because it does not vary, if it is. */
export function constantColumn(column: ColumnSurvey): Note | null {
  const name = quoted(column.name);
  const left = (reason: string): Note => constantNote(column, `Column ${name} is left out: ${reason}.`);
  if (column.rows === column.missing) return left("every cell is missing");
  if (column.kind === "numeric") return column.varies ? null : left(`its only value is ${column.first}`);
  if (column.missing > 0 || column.more) return null;
  const found = column.levels.filter((_, code) => column.counts[code] > 0);
  return found.length === 1 ? left(`its only value is ${quoted(found[0])}`) : null;
}

export const constantNote = (column: { name: string }, message: string): Note =>
  note("constant-column", message, [column.name]);

/** The note with which a column is left out because it names rows. @param allDifferent whether all its cells differ, where `mayName` */
export function identifierColumn(column: ColumnSurvey, allDifferent: boolean): Note | null {
  const reason = column.kind === "numeric" ? numberIdentifier(column, allDifferent) : textIdentifier(column);
  if (reason === null) return null;
  const message = `Column ${quoted(column.name)} is left out: ${reason}, so it names rows rather than describing them.`;
  return note("identifier-column", message, [column.name]);
}

function textIdentifier({ boolean, levels, counts, more, rows, missing }: LevelSurvey): string | null {
  const distinct = levels.length;
  if (boolean || distinct <= fewestLevels) return null;
  const present = rows - missing;
  if (more) return `its ${present} cells hold more than ${distinct} different texts`;
  if (distinct <= mostLevels && distinct * 2 <= present) return null;
  return `its ${present} cells hold ${counts.length} different texts`;
}

type LevelSurvey = ColumnSurvey & { readonly kind: "categorical" };

/** Whether a column names rows if all its cells differ. */
export const mayName = (column: ColumnSurvey): boolean =>
  column.kind === "numeric" &&
  column.rows >= fewestRows &&
  column.whole &&
  (identifierName.test(column.name) || identifierName.test(column.name.toLowerCase()));

function numberIdentifier(column: ColumnSurvey & { readonly kind: "numeric" }, allDifferent: boolean): string | null {
  if (column.rows < fewestRows || !column.whole) return null;
  if (column.origin === 0 || column.origin === 1) return "it counts the rows";
  return mayName(column) && allDifferent ? "it is a different whole number in every row" : null;
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
