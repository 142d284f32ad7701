/** One of several files that were read together, and how many rows of the table are its own. */
export interface FileRows {
  readonly name: string;
  readonly rows: number;
}

/** Where cells come from, in words. */
export interface Origin {
  /** As messages call the table. */
  readonly source: string;
  /** A row in words: "data row 3", and where several files were read "data row 3 of part-2.csv". @param row counted from 0 */
  placeOf(row: number): string;
}

/** Of several files, a row is named by its place in its own. @param row of the whole table, from 0 */
export function placeIn(files: readonly FileRows[], row: number): string {
  let within = row;
  if (files.length > 1) {
    for (const { name, rows } of files) {
      if (within < rows) return `data row ${within + 1} of ${name}`;
      within -= rows;
    }
  }
  return `data row ${row + 1}`;
}

/** Of a table in memory. */
export const originOf = ({
  source,
  files = [],
}: {
  readonly source: string;
  readonly files?: readonly FileRows[];
}): Origin => ({ source, placeOf: (row) => placeIn(files, row) });

/** Of rows that follow others. */
export const originAfter = (before: number, { source, placeOf }: Origin): Origin => ({
  source,
  placeOf: (row) => placeOf(before + row),
});
