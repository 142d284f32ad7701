/** What was decided about a table without asking: shown to the user, never an error. */
export interface Note {
  readonly code: NoteCode;
  /** One sentence that names the column or file and says what was done. */
  readonly message: string;
  /** The columns it is about; empty where it is about rows or a file. */
  readonly columns: readonly string[];
}

/** What reading, encoding or splitting decided without asking. */
export type NoteCode =
  | "no-header" // the file has no header row: columns are called column1, column2, …
  | "utf16" // the file was decoded from UTF-16
  | "folder-skipped" // a pattern matches folders, whose files are not read
  | "constant-column" // left out
  | "duplicate-column" // left out
  | "identifier-column" // left out
  | "date-column" // dates, taken for text
  | "nearly-numeric-column" // text, though most cells look like numbers
  | "rows-dropped" // rows with missing cells left out
  | "zero-weights" // rows of weight 0 left out
  | "imputed-column" // missing cells filled in
  | "mixed-precision" // features are stored in 32 bits
  | "label-dots"; // target labels matched after a trailing "." was ignored

export const note = (code: NoteCode, message: string, columns: readonly string[] = []): Note => ({
  code,
  message,
  columns,
});
