import { quoted } from "./names.js";
import { type Note, note } from "./notes.js";
import type { CategoricalColumn, Column } from "./table.js";

/** From this share of number-like cells on, a text column is probably one of numbers gone wrong. */
const SHARE = 0.8;

/** Numbers as people write them: signs, currencies, percentages, thousands separators, decimal commas. */
const likeNumber = /^[\s$€£¥]*[+-]?[\s$€£¥]*\d[\d.,'\s]*(?:e[+-]?\d+)?\s*%?$/i;

const isNumber = (text: string): boolean => text.trim() !== "" && Number.isFinite(Number(text));

/**
 * What keeps a text column from being numeric, where most of its cells look like numbers: the first offending cell and its
 * 1-based data row, in words. null for real text and for numbers.
 */
export function whatIsNotNumeric(column: Column): string | null {
  if (column.kind !== "categorical" || column.boolean) return null;
  const { levels, codes } = column;
  const like = levels.map((level) => likeNumber.test(level));
  let [cells, alike] = [0, 0];
  for (const code of codes) {
    if (code < 0) continue;
    cells++;
    if (like[code]) alike++;
  }
  if (cells === 0 || alike < SHARE * cells) return null;
  const row = codes.findIndex((code) => code >= 0 && !isNumber(levels[code]));
  if (row < 0) return null;
  return `${quoted(levels[codes[row]])} in data row ${row + 1} is no number (${alike} of ${cells} cells look like numbers)${advice(column, row)}`;
}

function advice({ levels, codes }: CategoricalColumn, row: number): string {
  const cell = levels[codes[row]];
  if (/^\s*[+-]?\d+,\d+\s*$/.test(cell)) return "; write decimals with a point";
  return likeNumber.test(cell) ? "; write plain numbers, without signs or separators" : "";
}

export function nearlyNumericNote(column: Column): Note | null {
  const reason = whatIsNotNumeric(column);
  if (reason === null) return null;
  return note("nearly-numeric-column", `Column ${quoted(column.name)} is taken for text: ${reason}.`, [column.name]);
}
