import type { ColumnSurvey } from "./column-survey.js";
import { quoted } from "./names.js";
import { type Note, note } from "./notes.js";

/** From this share of its cells on, a text column is one of dates. */
const SHARE = 0.8;

/** 2024-05-31, 31.5.2024, 5/31/2024, also with a time behind it. */
const likeDate =
  /^\s*(?:\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([-/.])\d{1,2}\2\d{4})(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:Z|[+-]\d{2}:?\d{2})?)?\s*$/;

/** That a column of dates is one of text to us: nobody has said which number a date is. */
export function dateNote(column: ColumnSurvey): Note | null {
  if (column.kind !== "categorical" || column.boolean) return null;
  const { name, levels, counts } = column;
  const cells = counts.reduce((sum, count) => sum + count, 0);
  const dates = levels.reduce((sum, level, code) => sum + (likeDate.test(level) ? counts[code] : 0), 0);
  if (cells === 0 || dates < SHARE * cells) return null;
  return note("date-column", `Column ${quoted(name)} holds dates, and is taken for text.`, [name]);
}
