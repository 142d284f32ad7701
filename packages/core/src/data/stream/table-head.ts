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

/** Thrown as soon as the first rows are there: no more is read. */
class Seen extends Error {
  constructor(readonly head: TableHead) {
    super("The first rows were read.");
  }
}

/**
 * The columns of the first of some files that has rows, where it says before its rows which columns it has; else null.
 * @throws as `readTable`, of the first rows
 */
export async function headOfParts(
  parts: readonly Part[],
  { delimiter, header, unused }: CacheReading,
): Promise<TableHead | null> {
  for (const part of parts) {
    const { source } = part;
    const taker: PieceTaker = {
      mostTexts: MOST_TEXTS,
      take(columns) {
        const named = columns.map(({ name, values }) => ({ name, isText: values === null }));
        throw new Seen({ source: source.name, columns: named, notes: table.noted });
      },
    };
    const table = new TableBuilder(undefined, new Set(), taker, undefined, new Set(unused));
    table.file(source.name);
    try {
      await readFile(source, source, table, { delimiter, header });
      table.finishPieces();
    } catch (error) {
      if (error instanceof Seen) return table.declared ? error.head : null;
      await part.check(); // a file that is gone or changed is the better explanation
      throw error;
    }
  }
  return null;
}
