/** Tables as CSV (RFC 4180), for people who open them in a spreadsheet. */

/** Text, or a number; null and numbers that are not finite are empty. */
export type Cell = string | number | null;

/** A spreadsheet runs a text as a formula that begins so; further apostrophes keep what is read back unambiguous. */
const formula = /^'*[=+\-@\t\r\n＝＋－＠]/;
/** What separates cells or lines, in any spreadsheet's settings. */
const separating = /[",;\t\r\n]/;

function cellText(cell: Cell, raw: boolean): string {
  if (cell === null) return "";
  if (typeof cell === "number") return Number.isFinite(cell) ? String(cell) : "";
  const safe = !raw && formula.test(cell) ? `'${cell}` : cell;
  return separating.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * Rows as CSV. A text that a spreadsheet would run gets an apostrophe before it.
 * @param raw leaves it as it is
 */
export const csvText = (rows: readonly (readonly Cell[])[], raw: boolean): string =>
  rows.map((cells) => `${cells.map((cell) => cellText(cell, raw)).join(",")}\r\n`).join("");
