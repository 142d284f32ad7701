import Papa from "papaparse";
import { scanText } from "./decimal.js";
import { isInfiniteText, isMissingText } from "./missing.js";

/** How a delimited text file is written. */
export interface Dialect {
  readonly delimiter: string;
  /** "\r" only in files that have no "\n" at all; a "\r" before "\n" is trimmed as a space. */
  readonly newline: "\n" | "\r";
}

const candidates = ["\t", ";", ",", "|"] as const;
const sampleLines = 100;

/** The lines of a sample as lists of cells, quotes resolved, blank lines left out. */
export function sampleRows(text: string, dialect: Dialect): string[][] {
  const result: { data: string[][] } = new Papa.Parser(dialect).parse(text, 0, false);
  return result.data.filter((row) => !isBlank(row)).slice(0, sampleLines);
}

export const isBlank = (row: readonly string[]): boolean => row.length === 1 && row[0].trim() === "";

/**
 * The delimiter that splits the sample's lines into the same number of cells, at least two; of several the one with
 * the most equal lines, then the one that splits into more cells. A comma where none does: a single column.
 */
export function sniffDialect(text: string, delimiter: string | undefined): Dialect {
  const newline = text.includes("\n") || !text.includes("\r") ? "\n" : "\r";
  const unquoted = text.replace(/"(?:[^"]|"")*"/g, '""');
  const lines = unquoted
    .split(newline)
    .filter((line) => line.trim() !== "")
    .slice(0, sampleLines);
  const best = delimiter ?? bestDelimiter(lines);
  // A quote is an opening quote only right after the delimiter: where spaces stand between, they belong to it.
  const spaced =
    best !== "\t" &&
    best.trim() !== "" &&
    unquoted.includes(`${best} "`) &&
    !new RegExp(`\\${best[0]}(?! )`).test(unquoted);
  return { delimiter: spaced ? `${best} ` : best, newline };
}

function bestDelimiter(lines: readonly string[]): string {
  let best = ",";
  let bestShare = 0;
  let bestCells = 1;
  for (const candidate of candidates) {
    const counts = new Map<number, number>();
    for (const line of lines) {
      const cells = line.split(candidate).length;
      if (cells > 1) counts.set(cells, (counts.get(cells) ?? 0) + 1);
    }
    for (const [cells, count] of counts) {
      const share = count / lines.length;
      if (share > bestShare || (share === bestShare && cells > bestCells)) {
        best = candidate;
        bestShare = share;
        bestCells = cells;
      }
    }
  }
  return best;
}

/**
 * Whether the first row names the columns. It does where it has text above a column of numbers; it does not where it
 * holds a number, or where half of its cells occur again below in their own columns. Else it does.
 */
export function sniffHeader(rows: readonly (readonly string[])[]): boolean {
  const [first = [], ...rest] = rows;
  let numbers = 0;
  let repeated = 0;
  for (let j = 0; j < first.length; j++) {
    const cell = first[j].trim();
    const below = rest.map((row) => (row[j] ?? "").trim()).filter((text) => !isMissingText(text));
    const text = !isNumber(cell) && !isMissingText(cell);
    if (text && below.length > 0 && below.every(isNumber)) return true;
    if (isNumber(cell)) numbers++;
    if (below.includes(cell)) repeated++;
  }
  return numbers === 0 && repeated * 2 < first.length;
}

const isNumber = (text: string): boolean => scanText(text) !== null || isInfiniteText(text);
