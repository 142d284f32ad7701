import { inputError } from "../errors.js";
import type { ColumnBuilder } from "./column-builder.js";
import { pushInteger } from "./integers.js";
import { listed, quoted } from "./names.js";
import { type ArrayHeader, elementBytes, elementReader, HEADER_BYTES, parseHeader } from "./npy-header.js";
import { allBytes, type ByteSource, bytesSource } from "./source.js";
import type { TableBuilder } from "./table-builder.js";
import { unzipped } from "./unzip.js";

interface Member {
  readonly name: string;
  /** What a vector's column is called. */
  readonly vector: string;
  /** What a matrix's columns are called, with numbers. */
  readonly stem: string;
  readonly header: ArrayHeader;
  /** The bytes from one place to another. */
  readonly bytes: (from: number, to: number) => Promise<Uint8Array> | Uint8Array;
}

/** Reads a .npy file: a matrix gives the columns x1, x2, …, a vector the column x1. */
export async function readNpy(source: ByteSource, table: TableBuilder): Promise<void> {
  const { size, slice } =
    source.slice === undefined ? bytesSource(await allBytes(source, table.checkMemory), source.name) : source;
  if (size === undefined || slice === undefined) throw new Error("A source with slices knows its size.");
  const header = parseHeader(await slice(0, Math.min(size, HEADER_BYTES)), size, source.name);
  await readMembers([{ name: "x", vector: "x1", stem: "x", header, bytes: slice }], source.name, table);
}

/** Reads a .npz file: a matrix X gives x1, x2, …, another matrix its name with numbers, a vector its name. */
export async function readNpz(source: ByteSource, table: TableBuilder): Promise<void> {
  if (!table.keepsRows && (source.size ?? 0) > LARGEST_ARCHIVE) {
    throw inputError(
      `${source.name} is an archive of ${source.size} bytes, which is unpacked in memory; save its rows as one .npy matrix or as Parquet.`,
    );
  }
  const archive = await allBytes(source, table.checkMemory);
  const files = unzipped(archive, source.name, { wanted: (name) => name.endsWith(ENDING), check: table.checkMemory });
  if (files.size === 0) {
    throw inputError(
      `${source.name} is a zip archive without NumPy arrays; unpack it, or save the sheet as CSV if it is an Excel workbook.`,
    );
  }
  const members = Array.from(files, ([file, bytes]): Member => {
    const name = file.slice(0, -ENDING.length);
    const header = parseHeader(bytes, bytes.length, `${source.name}, array ${quoted(name)}`);
    return {
      name,
      vector: name,
      stem: name === "X" ? "x" : name,
      header,
      bytes: (from, to) => bytes.subarray(from, to),
    };
  });
  await readMembers(members, source.name, table);
}

/** Larger ones are refused where memory is short. */
const LARGEST_ARCHIVE = 1 << 28;

const ENDING = ".npy";

async function readMembers(members: readonly Member[], file: string, table: TableBuilder): Promise<void> {
  const rows = members[0].header.shape[0];
  for (const { name, header } of members) {
    if (header.shape.length < 1 || header.shape.length > 2) {
      throw inputError(
        `${file}: array ${quoted(name)} has ${header.shape.length} dimensions; give a matrix or a vector.`,
      );
    }
    if (header.shape[0] !== rows) {
      throw inputError(
        `${file}: array ${quoted(name)} has ${header.shape[0]} rows, array ${quoted(members[0].name)} has ${rows}; all need the same (arrays: ${listed(members.map((member) => member.name))}).`,
      );
    }
  }
  const widths = members.map(({ header: { shape } }) => shape[1] ?? 1);
  table.checkWidth(widths.reduce((sum, width) => sum + width, 0));
  const builders = table.declare(members.flatMap(columnNames));
  if (builders.length === 0) throw inputError(`${file} holds no columns; give arrays that have some.`);
  const firstRow = table.rows;
  table.announce(firstRow + rows);
  const step = table.keepsRows ? rows : table.rowsPerPiece;
  for (let from = 0; from < rows; from += step) {
    const to = Math.min(from + step, rows);
    let next = 0;
    for (const member of members) {
      const columns = member.header.shape[1] ?? 1;
      await readRows(member, builders.slice(next, next + columns), from, to, firstRow, table);
      next += columns;
    }
    table.rows = firstRow + to;
    table.handOver();
  }
}

/** Rows `from` to `to` (exclusive) of one array. */
async function readRows(
  { header, bytes }: Member,
  builders: readonly (ColumnBuilder | null)[],
  from: number,
  to: number,
  firstRow: number,
  table: TableBuilder,
): Promise<void> {
  const { fortranOrder, boolean, shape } = header;
  const columns = builders.length;
  const width = elementBytes(header);
  const elements = (first: number, last: number) => bytes(header.offset + first * width, header.offset + last * width);
  const together = fortranOrder ? null : await elements(from * columns, to * columns);
  for (const [j, builder] of builders.entries()) {
    if (builder === null) continue;
    const own = together ?? (await elements(j * shape[0] + from, j * shape[0] + to));
    const read = elementReader(header, own);
    for (let i = 0; i < to - from; i++) {
      table.rows = firstRow + from + i; // where messages are about
      const value = read(together === null ? i : i * columns + j);
      if (typeof value === "bigint") pushInteger(builder, value, table.where);
      else if (boolean) builder.pushLabel(value === 0 ? "false" : "true");
      else builder.pushNumber(value, true);
    }
  }
}

const columnNames = ({ stem, vector, header: { shape } }: Member): string[] =>
  shape.length === 1 ? [vector] : Array.from({ length: shape[1] }, (_, j) => `${stem}${j + 1}`);
