import { type AsyncBuffer, type FileMetaData, parquetMetadataAsync, parquetRead, parquetSchema } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { AifError, inputError } from "../errors.js";
import type { ColumnBuilder } from "./column-builder.js";
import { safeInteger } from "./integers.js";
import { quoted } from "./names.js";
import { allBytes, type ByteSource, bytesSource } from "./source.js";
import type { TableBuilder } from "./table-builder.js";

const tail = "PAR1";
/** Of a row group where the table does not keep them: 128 MB, and what lies before them in their pages is skipped, not unpacked. */
const rowsAtOnce = (columns: number): number => Math.min(1 << 17, Math.ceil((1 << 24) / Math.max(columns, 1)));

/**
 * Reads a Parquet file, one column of one row group at a time. Nulls are missing cells; integers must be below 2^53;
 * text stays text whatever it looks like; dates become text as ISO 8601 writes them. Nested columns are input errors.
 */
export async function readParquet(source: ByteSource, table: TableBuilder): Promise<void> {
  const file = await randomAccess(source);
  const metadata = await metadataOf(file, source.name);
  const tree = parquetSchema(metadata);
  const builders = table.declare(tree.children.map((child) => child.element.name));
  const nested = tree.children.find((child, j) => builders[j] !== null && isNested(child.element));
  if (nested !== undefined) {
    throw inputError(
      `${source.name}: column ${quoted(nested.element.name)} holds lists or records; write each of their values to a column of its own.`,
    );
  }
  const firstRow = table.rows;
  const step = table.keepsRows ? Number.POSITIVE_INFINITY : rowsAtOnce(builders.length);
  table.reserve(firstRow + Number(metadata.num_rows));
  let groupStart = 0;
  for (const group of metadata.row_groups) {
    const groupEnd = groupStart + Number(group.num_rows);
    for (let rowStart = groupStart; rowStart < groupEnd; rowStart += step) {
      const rowEnd = Math.min(rowStart + step, groupEnd);
      for (const builder of builders) {
        if (builder === null) continue;
        const pieces = await columnPieces(file, metadata, builder.name, rowStart, rowEnd, source.name);
        for (const { cells, row } of pieces) {
          const from = Math.max(rowStart - row, 0);
          const to = Math.min(rowEnd - row, cells.length);
          for (let i = from; i < to; i++) {
            table.rows = firstRow + row + i; // where messages are about
            pushCell(builder, cells[i], table);
          }
        }
      }
      table.rows = firstRow + rowEnd;
      table.handOver();
    }
    groupStart = groupEnd;
  }
}

async function randomAccess(source: ByteSource): Promise<AsyncBuffer> {
  const { size, slice } = source.slice === undefined ? bytesSource(await allBytes(source), source.name) : source;
  if (size === undefined || slice === undefined) throw new Error("A source with slices knows its size.");
  return {
    byteLength: size,
    slice: async (start, end = size) => {
      const bytes = await slice(start < 0 ? size + start : start, Math.min(end, size));
      return bytes.buffer.byteLength === bytes.length && bytes.buffer instanceof ArrayBuffer
        ? bytes.buffer
        : Uint8Array.from(bytes).buffer;
    },
  };
}

const cutOff = (name: string, cause?: unknown): AifError =>
  new AifError("input", `${name} is a damaged or cut off Parquet file; copy or write it again.`, { cause });

async function metadataOf(file: AsyncBuffer, name: string): Promise<FileMetaData> {
  const end = new Uint8Array(await file.slice(Math.max(file.byteLength - tail.length, 0), file.byteLength));
  if (String.fromCharCode(...end) !== tail || file.byteLength < 12) throw cutOff(name);
  try {
    return await parquetMetadataAsync(file);
  } catch (cause) {
    throw cause instanceof AifError ? cause : cutOff(name, cause);
  }
}

/** The cells of one column in one row group, as runs that start at a row of the file. */
async function columnPieces(
  file: AsyncBuffer,
  metadata: FileMetaData,
  column: string,
  rowStart: number,
  rowEnd: number,
  name: string,
): Promise<{ cells: ArrayLike<unknown>; row: number }[]> {
  const pieces: { cells: ArrayLike<unknown>; row: number }[] = [];
  try {
    await parquetRead({
      file,
      metadata,
      columns: [column],
      rowStart,
      rowEnd,
      compressors,
      onChunk: (chunk) => pieces.push({ cells: chunk.columnData, row: chunk.rowStart }),
    });
  } catch (cause) {
    if (cause instanceof AifError) throw cause;
    throw new AifError(
      "input",
      `${name}: column ${quoted(column)} cannot be read from the Parquet file, which may be damaged; copy or write it again.`,
      { cause },
    );
  }
  return pieces.toSorted((a, b) => a.row - b.row);
}

interface Element {
  readonly num_children?: number;
  readonly repetition_type?: string;
}

const isNested = (element: Element): boolean =>
  (element.num_children ?? 0) > 0 || element.repetition_type === "REPEATED";

function pushCell(builder: ColumnBuilder, cell: unknown, table: TableBuilder): void {
  if (cell === null || cell === undefined) builder.pushMissing();
  else if (typeof cell === "number") builder.pushNumber(cell, true);
  else if (typeof cell === "bigint") builder.pushNumber(safeInteger(cell, builder.name, table.where), true);
  else if (typeof cell === "string") builder.pushLabel(cell.trim());
  else if (typeof cell === "boolean") builder.pushLabel(cell ? "true" : "false");
  else if (cell instanceof Date) builder.pushLabel(dateText(cell));
  else
    throw inputError(
      `${table.where()}: column ${quoted(builder.name)} holds a value that is neither number, text, boolean nor date; leave the column out.`,
    );
}

/** The day alone where the time is midnight. */
function dateText(date: Date): string {
  if (Number.isNaN(date.getTime())) return "";
  const text = date.toISOString();
  return text.endsWith("T00:00:00.000Z") ? text.slice(0, -14) : text;
}
