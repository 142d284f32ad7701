import type { Note } from "./notes.js";
import type { FileRows } from "./row-place.js";

/** A table as read from a file: typed columns of equal length, nothing dropped, nothing imputed. */
export interface Table {
  /** Where it came from, for messages: a file name, "stdin", "3 files (part-*.csv)". */
  readonly source: string;
  readonly rows: number;
  readonly columns: readonly Column[];
  /** Where several files were read together: each that gave rows, in order. */
  readonly files?: readonly FileRows[];
  /** What the reader decided without asking (no header row, another character encoding). */
  readonly notes?: readonly Note[];
}

/** A column of a table: numbers, or labels. */
export type Column = NumericColumn | CategoricalColumn;

/** A column of numbers. */
export interface NumericColumn {
  readonly kind: "numeric";
  readonly name: string;
  /** NaN marks a missing cell; infinite cells never get this far. */
  readonly values: Float64Array;
}

/** Text and booleans ("false", "true"). */
export interface CategoricalColumn {
  readonly kind: "categorical";
  readonly name: string;
  /** True where the file holds a boolean column. */
  readonly boolean: boolean;
  /** Distinct labels in sorted (code point) order. */
  readonly levels: readonly string[];
  /** Index into `levels`; −1 marks a missing cell. */
  readonly codes: Int32Array;
}
