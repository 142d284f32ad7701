import type { ColumnSurvey } from "./column-survey.js";
import { quoted } from "./names.js";
import { type Note, note } from "./notes.js";
import type { Origin } from "./row-place.js";

/** From this share of number-like cells on, a text column is probably one of numbers gone wrong. */
const SHARE = 0.8;

/** Numbers as people write them: signs, currencies, percentages, thousands separators, decimal commas. */
const likeNumber = /^[\s$€£¥]*[+-]?[\s$€£¥]*\d[\d.,'\s]*(?:e[+-]?\d+)?\s*%?$/i;

/** Whether a cell of text could stand in a column of numbers. */
export const isNumber = (text: string): boolean => text.trim() !== "" && Number.isFinite(Number(text));

/**
 * What keeps a text column from being numeric, where most of its cells look like numbers: the first offending cell and its
 * place, in words. null for real text and for numbers.
 */
export function whatIsNotNumeric(column: ColumnSurvey, { placeOf }: Origin): string | null {
  if (column.kind !== "categorical" || column.boolean) return null;
  const { levels, counts, firstRows, rows, missing, more } = column;
  let alike = 0;
  let first = -1; // the level that is no number and comes first
  levels.forEach((level, code) => {
    if (counts[code] === 0) return;
    if (likeNumber.test(level)) alike += counts[code];
    if (!isNumber(level) && (first < 0 || firstRows[code] < firstRows[first])) first = code;
  });
  const cells = more ? counts.reduce((sum, count) => sum + count, 0) : rows - missing;
  if (cells === 0 || alike < SHARE * cells || first < 0) return null;
  return `${quoted(levels[first])} in ${placeOf(firstRows[first])} is no number (${alike} of ${cells} cells look like numbers)${advice(levels[first])}`;
}

function advice(cell: string): string {
  if (/^\s*[+-]?\d+,\d+\s*$/.test(cell)) return "; write decimals with a point";
  return likeNumber.test(cell)
    ? "; write plain numbers, without units, currencies, percent signs and thousands separators"
    : "";
}

export function nearlyNumericNote(column: ColumnSurvey, origin: Origin): Note | null {
  const reason = whatIsNotNumeric(column, origin);
  if (reason === null) return null;
  return note("nearly-numeric-column", `Column ${quoted(column.name)} is taken for text: ${reason}.`, [column.name]);
}
