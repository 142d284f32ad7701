import type { Note } from "../notes.js";
import { readFile } from "../read.js";
import { type PieceTaker, TableBuilder } from "../table-builder.js";
import type { CacheReading } from "./cache-parts.node.js";
import type { Part } from "./parts.node.js";
import { MOST_TEXTS } from "./rank-survey.js";

/** As much of a table as its first rows show. */
export interface TableHead {
  readonly source: string;
  /** `isText`: as far as the first rows go, or, once all rows were read, at all. */
  readonly columns: readonly { readonly name: string; readonly isText: boolean }[];
  readonly notes: readonly Note[];
}

/** The head of some files, of which later rows may name further columns (as those of JSON lines do) unless one of these holds. */
export interface FirstRows extends TableHead {
  /** The file says before its rows which columns it has. */
  readonly isDeclared: boolean;
  readonly rows: number;
  /** No file has rows beyond these. */
  readonly areAll: boolean;
}

/** Thrown as soon as the first rows are there: no more is read. */
class Seen extends Error {
  constructor(readonly head: FirstRows) {
    super("The first rows were read.");
  }
}

/**
 * The columns of the first of some files that has rows; null where none has.
 * @throws as `readTable`, of the first rows
 */
export async function headOfParts(
  parts: readonly Part[],
  { delimiter, header, unused }: CacheReading,
): Promise<FirstRows | null> {
  for (const [place, part] of parts.entries()) {
    const { source } = part;
    let isRead = false;
    const taker: PieceTaker = {
      mostTexts: MOST_TEXTS,
      take(columns, rows) {
        const named = columns.map(({ name, values }) => ({ name, isText: values === null }));
        const areAll = isRead && place === parts.length - 1;
        throw new Seen({
          source: source.name,
          columns: named,
          notes: table.noted,
          isDeclared: table.declared,
          rows,
          areAll,
        });
      },
    };
    const table = new TableBuilder(undefined, new Set(), taker, undefined, new Set(unused));
    table.file(source.name);
    try {
      await readFile(source, source, table, { delimiter, header });
      isRead = true;
      table.finishPieces();
    } catch (error) {
      if (error instanceof Seen) return error.head;
      await part.check(); // a file that is gone or changed is the better explanation
      throw error;
    }
  }
  return null;
}
