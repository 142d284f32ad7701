import { AifError, inputError } from "../errors.js";
import type { ColumnBuilder } from "./column-builder.js";
import { decodeText, eachLines } from "./lines.js";
import { quoted } from "./names.js";
import type { ByteSource } from "./source.js";
import type { TableBuilder } from "./table-builder.js";

/**
 * One JSON object a line. Columns appear in the order in which their keys first do; a key that a row has not, or that
 * is null there, is a missing cell. Strings are labels, also those that look like numbers. A key twice in a row is refused.
 */
export async function readJsonLines(source: ByteSource, table: TableBuilder): Promise<void> {
  let line = 0;
  const fullness = new Fullness(source.name);
  const take = (bytes: Uint8Array): number => {
    const lines = decodeText(bytes, source.name).split("\n");
    if (lines.at(-1) === "") lines.pop();
    for (const text of lines) {
      table.at.line = ++line;
      const bare = text.replace(/^\uFEFF/, "").trim();
      if (bare === "") continue;
      fullness.row(readObject(bare, source.name, table), table);
    }
    return bytes.length;
  };
  await eachLines(source.stream(), 0x0a, take, () =>
    inputError(`${source.name}: line ${line + 1} is too long; write one object per line.`),
  );
}

/** Rows that all have keys of their own would make a table of nothing but empty cells, far larger than the file. */
class Fullness {
  private given = 0;

  constructor(private readonly file: string) {}

  /** After a row with so many cells. @throws input: a large table in which nearly all cells are empty */
  row(cells: number, { rows, width }: TableBuilder): void {
    this.given += cells;
    const all = rows * width;
    if (all <= MANY_CELLS || this.given * MOST_EMPTY >= all) return;
    throw inputError(
      `${this.file}: its first ${rows} rows have ${width} different keys, and fewer than one cell in ${MOST_EMPTY} is given; leave rare keys out.`,
    );
  }
}

const MANY_CELLS = 1e7;
/** Cells of a table for one that is given. */
const MOST_EMPTY = 1000;

/** Returns how many cells the table got. */
function readObject(text: string, file: string, table: TableBuilder): number {
  const value = parsed(text, file, table.at.line);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw inputError(
      `${file}: line ${table.at.line} is not a JSON object; write one object of column names and values per line.`,
    );
  }
  const entries = Object.entries(value);
  if (repeatsKey(text, entries)) {
    throw inputError(`${file}: line ${table.at.line} gives a key twice; write one value for each column.`);
  }
  let cells = 0;
  for (const [name, cell] of entries) {
    const builder = table.column(name);
    if (builder === null) continue;
    pushCell(builder, cell, table);
    cells++;
  }
  table.fillRow();
  return cells;
}

/**
 * Of two equal keys JSON.parse keeps the last without a word: then the line has more quotes than the keys and texts that are left.
 * Nested values, which no column takes, are not counted in.
 */
function repeatsKey(text: string, entries: readonly (readonly [string, unknown])[]): boolean {
  let texts = entries.length;
  for (const [, cell] of entries) {
    if (typeof cell === "string") texts++;
    else if (typeof cell === "object" && cell !== null) return false;
  }
  return countQuotes(text) > 2 * texts;
}

/** Quotes at the ends of texts: those that a backslash takes along are inside. */
function countQuotes(text: string): number {
  let count = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) {
    let start = at;
    while (text.charCodeAt(start - 1) === BACKSLASH) start--;
    if ((at - start) % 2 === 0) count++;
  }
  return count;
}

const BACKSLASH = 0x5c;

function pushCell(builder: ColumnBuilder, cell: unknown, table: TableBuilder): void {
  if (cell === null) builder.pushMissing();
  else if (typeof cell === "number") builder.pushNumber(cell, true);
  else if (typeof cell === "string") builder.pushLabel(cell.trim());
  else if (typeof cell === "boolean") builder.pushLabel(String(cell));
  else
    builder.pushUnreadable(() =>
      inputError(
        `${table.where()}: column ${quoted(builder.name)} holds a nested value; give a number, a text, true, false or null, or leave the column out with --exclude.`,
      ),
    );
}

function parsed(text: string, file: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AifError(
      "input",
      `${file}: line ${line} is not valid JSON; write one object per line, and null for a missing number.`,
      { cause },
    );
  }
}
