import { type AifError, inputError } from "../errors.js";
import { ColumnBuilder, type ColumnPiece } from "./column-builder.js";
import { listed, quoted, unknownColumn } from "./names.js";
import type { Note } from "./notes.js";
import type { FileRows } from "./row-place.js";
import { defaultRowsPerBlock } from "./rows-dataset.js";
import type { Column, Table } from "./table.js";
import { MOST_COLUMNS, TableMemory } from "./table-memory.js";

/** Who takes rows as they are read, so that the table need not hold them. */
export interface PieceTaker {
  /** Different texts of a column that get a code of their own. */
  readonly mostTexts: number;
  /** Some rows of all columns known so far, in their order; valid until it returns. @param lost columns that must be read again as text */
  take(columns: readonly ColumnPiece[], rows: number, lost: readonly string[]): void;
}

/** @throws input: a file has other columns than the first of those that are read together */
export function refuseOtherColumns(
  file: string,
  names: readonly string[],
  firstFile: string,
  firstNames: Iterable<string>,
): void {
  const first = new Set(firstNames);
  const here = new Set(names);
  const absent = [...first].find((name) => !here.has(name));
  const extra = names.find((name) => !first.has(name));
  if (absent !== undefined) {
    throw inputError(
      `${file} has no column ${quoted(absent)}, which ${firstFile} has; files read together need the same columns.`,
    );
  }
  if (extra !== undefined) {
    throw inputError(
      `${file} has a column ${quoted(extra)} that ${firstFile} has not; files read together need the same columns.`,
    );
  }
}

/** @param columns whether there are names of columns at least */
export const noRowsIn = (source: string, columns: boolean): AifError =>
  inputError(
    columns
      ? `${source} holds no data rows; give a file with at least one row below the header.`
      : `${source} is empty; give a file with a header and at least one row.`,
  );

/** The table that readers of files fill, cell by cell; several files append their rows to it. */
export class TableBuilder {
  private readonly builders = new Map<string, ColumnBuilder>();
  private readonly seen = new Set<string>();
  private firstFile: string | null = null;
  /** Whether a file said which columns it has before its rows. */
  declared = false;
  private readonly notes = new Map<string, Note>();
  /** Where the reader is now. `line` is 0 where the format has no lines. */
  readonly at = { file: "", line: 0, firstRow: 0 };
  /** Those that gave rows, but for the one that is read. */
  private readonly files: FileRows[] = [];
  /** Rows read so far, over all files. */
  rows = 0;
  /** Rows handed over to `pieces`. */
  private handed = 0;

  /**
   * @param wanted the names to keep; all where undefined
   * @param asText names of columns known to be text
   * @param pieces takes the rows, about 1 MB at a time; the table keeps them where there is none
   * @param memory what the rows that are kept may take
   * @param unused names of columns, or "#3" by place, or all, in which cells that cannot be held are missing
   */
  constructor(
    private readonly wanted: ReadonlySet<string> | undefined,
    private readonly asText: ReadonlySet<string>,
    private readonly pieces?: PieceTaker,
    private readonly memory = new TableMemory(),
    private readonly unused: ReadonlySet<string> | "all" = new Set(),
  ) {}

  /** Ends a row whose cells were all given. */
  rowDone(): void {
    this.rows++;
    if (this.pieces !== undefined && this.rows - this.handed >= this.rowsPerPiece) this.handOver();
  }

  /** Whether rows stay here until the table is whole; readers of whole columns then read all of them at a time. */
  get keepsRows(): boolean {
    return this.pieces === undefined;
  }

  /** How many columns there are so far. */
  get width(): number {
    return this.builders.size;
  }

  /** About 1 MB of rows. */
  get rowsPerPiece(): number {
    return defaultRowsPerBlock(this.builders.size);
  }

  /** Hands over the rows read since the last time, if somebody takes them. */
  handOver(): void {
    const rows = this.rows - this.handed;
    if (this.pieces === undefined || rows === 0) return;
    this.handed = this.rows;
    const columns = Array.from(this.builders.values(), (builder) => builder.drain());
    this.pieces.take(columns, rows, this.lost);
  }

  /** Starts the next file. */
  file(name: string): void {
    this.closeFile();
    this.at.file = name;
    this.at.line = 0;
    this.at.firstRow = this.rows;
  }

  private closeFile(): void {
    const rows = this.rows - this.at.firstRow;
    if (rows > 0) this.files.push({ name: this.at.file, rows });
  }

  /** `data.csv, data row 3 (line 4)`, of the row that is being read. */
  readonly where = (): string => {
    const line = this.at.line > 0 ? ` (line ${this.at.line})` : "";
    return `${this.at.file}, data row ${this.rows - this.at.firstRow + 1}${line}`;
  };

  note(note: Note): void {
    this.notes.set(`${note.code} ${note.message}`, note);
  }

  /** The columns of a file whose rows all have the same cells: a builder for each name, null where it is not wanted. */
  declare(names: readonly string[]): (ColumnBuilder | null)[] {
    this.checkWidth(names.length);
    const here = new Set<string>();
    const duplicates = new Set(names.filter((name) => here.size === here.add(name).size));
    if (duplicates.size > 0) {
      throw inputError(
        `${this.at.file} has more than one column named ${listed([...duplicates])}; rename them so that every name occurs once.`,
      );
    }
    if (this.firstFile === null) this.firstFile = this.at.file;
    else refuseOtherColumns(this.at.file, names, this.firstFile, this.seen);
    this.declared = true;
    return names.map((name) => this.column(name));
  }

  /** The builder of a column, made on first use with a missing cell for every row so far; null where it is not wanted. */
  column(name: string): ColumnBuilder | null {
    const known = this.builders.get(name);
    if (known !== undefined) return known;
    this.seen.add(name);
    if (this.wanted !== undefined && !this.wanted.has(name)) return null;
    if (name.includes("\0")) {
      throw inputError(
        `${this.at.file} names a column ${quoted(name)}, with a NUL byte; the file is damaged or no table.`,
      );
    }
    this.checkWidth(this.builders.size + 1);
    this.memory.check(this.at.file, this.rows - this.handed, this.builders.size + 1);
    const mostTexts = this.pieces?.mostTexts ?? Number.POSITIVE_INFINITY;
    const builder = new ColumnBuilder(name, this.where, {
      asText: this.asText.has(name),
      isUnused: this.unused === "all" || this.unused.has(name) || this.unused.has(`#${this.seen.size}`),
      memory: this.memory,
      rowsBefore: this.handed,
      mostTexts,
    });
    for (let i = this.handed; i < this.rows; i++) builder.pushMissing();
    this.builders.set(name, builder);
    return builder;
  }

  /** Before names are made for so many columns. @throws AifError "input" */
  checkWidth(columns: number): void {
    if (columns <= MOST_COLUMNS) return;
    throw inputError(
      `${this.at.file} has ${columns} columns, at most ${MOST_COLUMNS} can be read; give fewer, or check the delimiter.`,
    );
  }

  /**
   * Whether the rows that are kept so far fit into memory.
   * @param beside bytes of the input that are kept beside them
   * @throws AifError "resource"
   */
  readonly checkMemory = (beside = 0): void => {
    this.memory.check(this.at.file, this.rows - this.handed, this.builders.size, beside);
  };

  /** Makes room for rows that a file announces, in all. @throws AifError "resource" where they do not fit into memory */
  announce(rows: number): void {
    if (this.pieces === undefined) this.memory.check(this.at.file, rows, this.builders.size);
    this.reserve(rows);
  }

  /** Makes room for rows that are guessed to come, in all. A guess that is far too high does no harm. */
  reserve(rows: number): void {
    if (this.pieces !== undefined) return;
    try {
      for (const builder of this.builders.values()) builder.reserve(rows);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause; // more than can be allocated: grow as rows come
    }
  }

  /** Ends a row of a format that may leave cells out: what was not given is missing. */
  fillRow(): void {
    for (const builder of this.builders.values()) if (builder.rows === this.rows) builder.pushMissing();
    this.rowDone();
    this.checkMemory();
  }

  /** Columns that must be read again as text. */
  get lost(): string[] {
    return [...this.builders.values()].filter((builder) => builder.lost).map((builder) => builder.name);
  }

  /** Columns in which cells are missing that could not be held. */
  get blanked(): string[] {
    return [...this.builders.values()].filter((builder) => builder.blanked).map((builder) => builder.name);
  }

  /** Hands over the last rows of a file. @returns the notes. @throws input: infinite numbers */
  finishPieces(): readonly Note[] {
    this.handOver();
    for (const builder of this.builders.values()) builder.refuseInfinite();
    return this.noted;
  }

  /** What the reader has decided so far without asking. */
  get noted(): readonly Note[] {
    return [...this.notes.values()];
  }

  /** The names of all columns that were seen. */
  get names(): readonly string[] {
    return [...this.seen];
  }

  finish(source: string): Table {
    this.checkMemory();
    if (this.seen.size === 0) throw noRowsIn(source, false);
    for (const name of this.wanted ?? []) {
      if (!this.seen.has(name)) throw unknownColumn("column", name, source, [...this.seen]);
    }
    if (this.rows === 0) throw noRowsIn(source, true);
    const columns: Column[] = [];
    for (const [name, builder] of this.builders) {
      columns.push(builder.finish());
      this.builders.delete(name); // so that its chunks are freed
    }
    this.closeFile();
    const { rows, files } = this;
    return { source, rows, columns, ...(files.length > 1 ? { files } : {}), notes: [...this.notes.values()] };
  }
}
