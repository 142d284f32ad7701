import {
  type AsyncBuffer,
  type ColumnMetaData,
  type CompressionCodec,
  type FileMetaData,
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
  type SchemaElement,
} from "hyparquet";
import { AifError, inputError } from "../errors.js";
import type { ColumnBuilder } from "./column-builder.js";
import { pushInteger } from "./integers.js";
import { quoted } from "./names.js";
import { CODECS } from "./parquet-codecs.js";
import { checkPages, type FlatColumn } from "./parquet-pages.js";
import { readThrift } from "./parquet-thrift.js";
import { allBytes, type ByteSource, bytesSource } from "./source.js";
import type { TableBuilder } from "./table-builder.js";
import { bomb, mayUnpackTo } from "./unpack-budget.js";

const tail = "PAR1";
/** Of a row group where the table does not keep them: 128 MB, and what lies before them in their pages is skipped, not unpacked. */
const rowsAtOnce = (columns: number): number => Math.min(1 << 17, Math.ceil((1 << 24) / Math.max(columns, 1)));

/**
 * Reads a Parquet file, one column of one row group at a time. Nulls are missing cells; integers must be below 2^53;
 * text stays text whatever it looks like; dates become text as ISO 8601 writes them. Nested columns are input errors.
 */
export async function readParquet(source: ByteSource, table: TableBuilder): Promise<void> {
  const file = await randomAccess(source, table);
  const { metadata, fields, groups } = await structureOf(file, source.name, table.keepsRows);
  table.checkWidth(fields.length);
  const builders = table.declare(fields.map(({ name }) => name));
  const nested = fields.find((field, j) => isNested(field) && builders[j]?.isUnused === false);
  if (nested !== undefined) throw nestedColumn(source.name, nested.name);
  const firstRow = table.rows;
  table.announce(firstRow + groups.reduce((sum, rows) => sum + rows, 0));
  const columns = new ColumnReader(file, metadata, source.name, table.checkMemory);
  const step = table.keepsRows ? Number.POSITIVE_INFINITY : rowsAtOnce(builders.length);
  let groupStart = 0;
  for (const [group, rows] of groups.entries()) {
    const groupEnd = groupStart + rows;
    for (let rowStart = groupStart; rowStart < groupEnd; rowStart += step) {
      const rowEnd = Math.min(rowStart + step, groupEnd);
      for (const [j, builder] of builders.entries()) {
        if (builder === null) continue;
        if (isNested(fields[j])) {
          for (let row = rowStart; row < rowEnd; row++)
            builder.pushUnreadable(() => nestedColumn(source.name, builder.name));
          continue;
        }
        const pieces = await columns.pieces(fields[j], { group, groupStart, groupEnd, rowStart, rowEnd });
        for (const { cells, row } of pieces) {
          const from = Math.max(rowStart - row, 0);
          const to = Math.min(rowEnd - row, cells.length);
          for (let i = from; i < to; i++) {
            table.rows = firstRow + row + i; // where messages are about
            pushCell(builder, cells[i], table);
          }
        }
        if (builder.rows !== firstRow + rowEnd) throw damagedColumn(source.name, builder.name);
      }
      table.rows = firstRow + rowEnd;
      table.handOver();
    }
    groupStart = groupEnd;
  }
}

/** How many rows and cells a file holds, as its footer says. @throws input: it is damaged */
export async function parquetSize(source: ByteSource): Promise<{ rows: number; cells: number }> {
  const { groups, fields } = await structureOf(await randomAccess(source), source.name, false);
  const all = groups.reduce((sum, rows) => sum + rows, 0);
  return { rows: all, cells: all * fields.length };
}

async function randomAccess(source: ByteSource, table?: TableBuilder): Promise<AsyncBuffer> {
  const { size, slice } =
    source.slice === undefined ? bytesSource(await allBytes(source, table?.checkMemory), source.name) : source;
  if (size === undefined || slice === undefined) throw new Error("A source with slices knows its size.");
  return {
    byteLength: size,
    slice: async (from, to = size) => {
      const [start, end] = [from < 0 ? size + from : from, Math.min(to, size)];
      // Offsets are the file's word; Node ends the process where a Blob is cut at one that is no whole number in it.
      if (!(Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start <= end)) {
        throw new Error(`bytes ${from} to ${to} of ${size}`);
      }
      const bytes = await slice(start, end);
      return bytes.buffer.byteLength === bytes.length && bytes.buffer instanceof ArrayBuffer
        ? bytes.buffer
        : Uint8Array.from(bytes).buffer;
    },
  };
}

const cutOff = (name: string, cause?: unknown): AifError =>
  new AifError("input", `${name} is a damaged or cut off Parquet file; copy or write it again.`, { cause });

/** A group of more rows would take more of the engine's heap, column by column, than there is. */
const mostRowsOfAGroup = 1 << 26;
const largestFooter = 1 << 26;

interface Structure {
  readonly metadata: FileMetaData;
  readonly fields: readonly SchemaElement[];
  /** How many rows each group has. */
  readonly groups: readonly number[];
}

/** @param whole whether groups are read whole. @throws input: a footer that is none, or does not say what there is */
async function structureOf(file: AsyncBuffer, name: string, whole: boolean): Promise<Structure> {
  try {
    await checkFooter(file);
    const metadata = await parquetMetadataAsync(file);
    const fields = parquetSchema(metadata).children.map(({ element }) => element);
    const groups = metadata.row_groups.map((group) => Number(group.num_rows));
    const sum = groups.reduce((all, rows) => all + rows, 0);
    if (sum !== Number(metadata.num_rows) || groups.some((rows) => !(rows >= 0)) || !fields.every(isNamed)) {
      throw new Error("a footer that contradicts itself");
    }
    const largest = Math.max(0, ...groups);
    if (whole && largest > mostRowsOfAGroup) {
      throw inputError(
        `${name} has a group of ${largest} rows, at most ${mostRowsOfAGroup} can be read; write it in smaller groups (row_group_size=1000000).`,
      );
    }
    return { metadata, fields, groups };
  } catch (cause) {
    throw cause instanceof AifError ? cause : cutOff(name, cause);
  }
}

const isNamed = ({ name }: SchemaElement): boolean => typeof name === "string" && name !== "";

/** Four bytes with the footer's length, and "PAR1". */
const closing = 8;

async function checkFooter(file: AsyncBuffer): Promise<void> {
  const size = file.byteLength;
  if (size < closing + tail.length) throw new Error("too short");
  const end = new DataView(await file.slice(size - closing, size));
  const mark = String.fromCharCode(...new Uint8Array(end.buffer, end.byteOffset + 4, tail.length));
  const length = end.getUint32(0, true);
  if (mark !== tail || length > Math.min(largestFooter, size - closing)) throw new Error("no footer");
  readThrift(new Uint8Array(await file.slice(size - closing - length, size - closing)), 0);
}

/** Some rows of one group. */
interface RowRange {
  readonly group: number;
  readonly groupStart: number;
  readonly groupEnd: number;
  readonly rowStart: number;
  readonly rowEnd: number;
}

/** Reads columns whose pages have been looked through. */
class ColumnReader {
  private unpacked = 0;
  private checkedGroup = -1;
  private readonly checked = new Set<string>();

  /** @param check is told how many bytes are unpacked at once; may throw */
  constructor(
    private readonly file: AsyncBuffer,
    private readonly metadata: FileMetaData,
    private readonly name: string,
    private readonly check: (bytes: number) => void,
  ) {}

  /** The cells of one column, as runs that start at a row of the file. */
  async pieces(field: SchemaElement, range: RowRange): Promise<{ cells: ArrayLike<unknown>; row: number }[]> {
    const { file, metadata, name } = this;
    const { rowStart, rowEnd } = range;
    const pieces: { cells: ArrayLike<unknown>; row: number }[] = [];
    try {
      const chunks = metadata.row_groups[range.group].columns.flatMap(({ meta_data }) => meta_data ?? []);
      const [meta, another] = chunks.filter(({ path_in_schema }) => path_in_schema[0] === field.name);
      if (meta === undefined || another !== undefined) throw new Error("a group without the column, or with two");
      const column = flatColumn(field, meta);
      const pages = new Map<string, Uint8Array>();
      await parquetRead({
        file: {
          byteLength: file.byteLength,
          slice: (start, end) => {
            const part = (async () => {
              const bytes = await file.slice(start, end);
              this.lookThrough(new Uint8Array(bytes), column, field.name, range, pages);
              return bytes;
            })();
            // The library asks for several parts at once and awaits them in turn: after the first that fails, nobody waits for
            // the others, and a failure that nobody waits for ends the process.
            part.catch(() => {});
            return part;
          },
        },
        metadata,
        columns: [field.name],
        rowStart,
        rowEnd,
        compressors: {
          [column.codec]: (packed: Uint8Array, length: number) =>
            pages.get(keyOf(packed, length)) ?? unpacked(packed, length, column.codec),
        },
        onChunk: ({ columnData, rowStart: row }) => pieces.push({ cells: columnData, row }),
      });
    } catch (cause) {
      throw cause instanceof AifError ? cause : damagedColumn(name, field.name, cause);
    }
    return pieces.toSorted((a, b) => a.row - b.row);
  }

  /** Once for each column of a group; the pages are kept where all of them are about to be decoded. */
  private lookThrough(
    chunk: Uint8Array,
    column: FlatColumn,
    name: string,
    { group, groupStart, groupEnd, rowStart, rowEnd }: RowRange,
    pages: Map<string, Uint8Array>,
  ): void {
    if (group !== this.checkedGroup) this.checked.clear();
    this.checkedGroup = group;
    if (this.checked.has(name)) return;
    const whole = rowStart === groupStart && rowEnd === groupEnd;
    let together = 0;
    checkPages(chunk, column, groupEnd - groupStart, (packed, length, codec) => {
      this.unpacked += length;
      together = whole ? together + length : length;
      if (codec !== "UNCOMPRESSED" && !mayUnpackTo(this.unpacked, this.file.byteLength)) throw bomb(this.name);
      this.check(together);
      const page = unpacked(packed, length, codec);
      if (whole) pages.set(keyOf(packed, length), page);
      return page;
    });
    this.checked.add(name);
  }
}

/** @throws Error where a page has another length */
function unpacked(packed: Uint8Array, length: number, codec: CompressionCodec): Uint8Array {
  const page = codec === "UNCOMPRESSED" ? packed : CODECS[codec]?.(packed, length);
  if (page?.length !== length) throw new Error(`the codec ${codec} gave another length`);
  return page;
}

const keyOf = (packed: Uint8Array, length: number): string => `${packed.byteOffset} ${packed.length} ${length}`;

function flatColumn(field: SchemaElement, { type, codec }: ColumnMetaData): FlatColumn {
  if (field.type !== type) throw new Error("a column of two types");
  return { type, codec, fixedLength: field.type_length ?? 0, optional: field.repetition_type !== "REQUIRED" };
}

const damagedColumn = (name: string, column: string, cause?: unknown): AifError =>
  new AifError(
    "input",
    `${name}: column ${quoted(column)} cannot be read from the Parquet file, which may be damaged; copy or write it again.`,
    { cause },
  );

const nestedColumn = (name: string, column: string): AifError =>
  inputError(
    `${name}: column ${quoted(column)} holds lists or records; write each of their values to a column of its own, or leave it out with --exclude.`,
  );

const isNested = (field: SchemaElement): boolean =>
  (field.num_children ?? 0) > 0 || field.repetition_type === "REPEATED";

function pushCell(builder: ColumnBuilder, cell: unknown, table: TableBuilder): void {
  if (cell === null || cell === undefined) builder.pushMissing();
  else if (typeof cell === "number") builder.pushNumber(cell, true);
  else if (typeof cell === "bigint") pushInteger(builder, cell, table.where);
  else if (typeof cell === "string") builder.pushLabel(cell.trim());
  else if (typeof cell === "boolean") builder.pushLabel(cell ? "true" : "false");
  else if (cell instanceof Date) builder.pushLabel(dateText(cell));
  else
    builder.pushUnreadable(() =>
      inputError(
        `${table.where()}: column ${quoted(builder.name)} holds a value that is neither number, text, boolean nor date; leave the column out with --exclude.`,
      ),
    );
}

/** The day alone where the time is midnight. */
function dateText(date: Date): string {
  if (Number.isNaN(date.getTime())) return "";
  const text = date.toISOString();
  return text.endsWith("T00:00:00.000Z") ? text.slice(0, -14) : text;
}
