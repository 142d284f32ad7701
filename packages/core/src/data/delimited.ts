import Papa from "papaparse";
import { AifError, inputError } from "../errors.js";
import type { ColumnBuilder } from "./column-builder.js";
import { type Dialect, isBlank, sampleRows, sniffDialect, sniffHeader } from "./delimited-sniff.js";
import { closed, decodeText, eachLines } from "./lines.js";
import { note } from "./notes.js";
import { NumericRows } from "./numeric-rows.js";
import { type ByteSource, headOf } from "./source.js";
import { noRowsIn, type TableBuilder } from "./table-builder.js";

export interface DelimitedOptions {
  readonly delimiter?: string | undefined;
  readonly header?: boolean | "auto" | undefined;
}

const sampleBytes = 1 << 16;
const longestSample = 16 << 20;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const utf8Mark = [0xef, 0xbb, 0xbf];

/**
 * Reads delimited text (UTF-8) into the table: papaparse splits, a faster path of our own takes over where rows hold
 * nothing but numbers. Rows of another length than the first are input errors that name the line.
 */
export async function readDelimited(source: ByteSource, table: TableBuilder, options: DelimitedOptions): Promise<void> {
  const sample = await sampleOf(source);
  const dialect = sniffDialect(sample, options.delimiter);
  const rows = sampleRows(sample, dialect);
  const header = options.header === undefined || options.header === "auto" ? sniffHeader(rows) : options.header;
  const [first] = rows;
  if (first === undefined) {
    if (sample.trim() === "") return;
    throw noRowsIn(source.name, false);
  }
  const names = first.map((cell, j) => (header && cell.trim() !== "" ? cell.trim() : `column${j + 1}`));
  if (!header) {
    table.note(note("no-header", `${source.name} has no header row: its columns are called column1, column2, ….`));
  }
  const reader = new DelimitedReader(source.name, table, dialect, table.declare(names), header);
  await eachLines(
    source.stream(),
    dialect.newline.charCodeAt(0),
    (bytes, last) => reader.take(bytes, last),
    () => tooLong(source.name, reader.line),
  );
}

/** The first lines as text: 64 kB of them, more where lines are so long that these are not even three. */
async function sampleOf(source: ByteSource): Promise<string> {
  for (let length = sampleBytes; ; length *= 4) {
    const head = await headOf(source, length);
    const whole = head.length < length;
    const end = head.includes(lineFeed) ? lineFeed : carriageReturn;
    let lines = 0;
    for (let at = head.indexOf(end); at >= 0 && lines < 3; at = head.indexOf(end, at + 1)) lines++;
    if (!whole && lines < 3 && length < longestSample) continue;
    if (!whole && lines === 0) throw tooLong(source.name, 1);
    return decodeText(withoutMark(whole ? head : head.subarray(0, head.lastIndexOf(end) + 1)), source.name);
  }
}

class DelimitedReader {
  /** Line of the file at which the next record starts. */
  line = 1;
  private started = false;
  private readonly parser: Papa.Parser;
  private readonly numericRows: NumericRows | null;

  constructor(
    private readonly name: string,
    private readonly table: TableBuilder,
    private readonly dialect: Dialect,
    private readonly builders: readonly (ColumnBuilder | null)[],
    private headerAhead: boolean,
  ) {
    this.parser = new Papa.Parser(dialect);
    this.numericRows = NumericRows.for(dialect, table, builders);
  }

  /** Reads the records of `bytes` and returns how many bytes they took. */
  take(bytes: Uint8Array, last: boolean): number {
    let from = 0;
    if (!this.started) {
      this.started = true;
      from = bytes.length - withoutMark(bytes).length;
    }
    if (this.numericRows !== null && !this.headerAhead) {
      const fast = this.numericRows.read(last ? closed(bytes) : bytes, from, this.line);
      from = Math.min(fast.at, bytes.length);
      this.line = fast.line;
    }
    if (from === bytes.length) return from;
    const text = decodeText(bytes.subarray(from), this.name);
    const taken = this.records(text, last);
    return taken === text.length ? bytes.length : bytes.length - new TextEncoder().encode(text.slice(taken)).length;
  }

  private records(text: string, last: boolean): number {
    const { newline } = this.dialect;
    const result: { data: string[][]; errors: Papa.ParseError[]; meta: { cursor: number } } = this.parser.parse(
      text,
      0,
      !last,
    );
    const quotes = text.includes('"');
    // The first fault of a record is its cause: later entries of the list are set first and overwritten.
    const faults = new Map(result.errors.toReversed().map((error) => [error.row ?? 0, error.code]));
    for (let i = 0; i < result.data.length; i++) {
      const cells = result.data[i];
      const fault = faults.get(i);
      if (fault === "MissingQuotes") throw unclosedQuote(this.name, this.line);
      if (fault !== undefined) throw badQuote(this.name, this.line);
      this.record(cells);
      this.line += 1 + (quotes ? linesWithin(cells, newline) : 0);
    }
    return result.meta.cursor;
  }

  private record(cells: readonly string[]): void {
    const { builders, table } = this;
    if (isBlank(cells)) return;
    if (this.headerAhead) {
      this.headerAhead = false;
      return;
    }
    if (cells.length !== builders.length) throw this.ragged(cells.length);
    table.at.line = this.line;
    for (let j = 0; j < builders.length; j++) builders[j]?.pushCell(cells[j]);
    table.rowDone();
  }

  private ragged(found: number): AifError {
    return inputError(
      `${this.name}: line ${this.line} has ${found} ${found === 1 ? "cell" : "cells"}, expected ${this.builders.length}; correct the line, put quotes around cells that hold ${JSON.stringify(this.dialect.delimiter)}, or name the delimiter.`,
    );
  }
}

function linesWithin(cells: readonly string[], newline: string): number {
  let count = 0;
  for (const cell of cells) {
    for (let at = cell.indexOf(newline); at >= 0; at = cell.indexOf(newline, at + 1)) count++;
  }
  return count;
}

const withoutMark = (bytes: Uint8Array): Uint8Array =>
  utf8Mark.every((byte, i) => bytes[i] === byte) ? bytes.subarray(utf8Mark.length) : bytes;

const tooLong = (name: string, line: number): AifError =>
  inputError(
    `${name}: the record that starts at line ${line} has more than 16 MB; close its quote, or write shorter lines.`,
  );

const unclosedQuote = (name: string, line: number): AifError =>
  inputError(`${name}: a quoted cell that starts in the record at line ${line} never ends; close its quote.`);

const badQuote = (name: string, line: number): AifError =>
  inputError(`${name}: the record at line ${line} has a quote inside a quoted cell; double it ("").`);
