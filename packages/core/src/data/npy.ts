import { unzipSync } from "fflate";
import { AifError, inputError } from "../errors.js";
import { listed, quoted } from "./names.js";
import { type ArrayHeader, elementReader, parseHeader } from "./npy-header.js";
import { allBytes, type ByteSource } from "./source.js";
import type { TableBuilder } from "./table-builder.js";

interface Member {
  readonly name: string;
  readonly columns: readonly string[];
  readonly header: ArrayHeader;
  readonly bytes: Uint8Array;
}

/** Reads a .npy file: a matrix gives the columns x1, x2, …, a vector the column x1. */
export async function readNpy(source: ByteSource, table: TableBuilder): Promise<void> {
  const bytes = await allBytes(source);
  const header = parseHeader(bytes, source.name);
  readMembers([{ name: "x", columns: columnNames("x", header, "x1"), header, bytes }], source.name, table);
}

/** Reads a .npz file: a matrix X gives x1, x2, …, another matrix its name with numbers, a vector its name. */
export async function readNpz(source: ByteSource, table: TableBuilder): Promise<void> {
  const files = unzipped(await allBytes(source), source.name);
  const names = Object.keys(files).filter((name) => name.endsWith(".npy"));
  if (names.length === 0) {
    throw inputError(
      `${source.name} is a zip archive without NumPy arrays; unpack it, or save the sheet as CSV if it is an Excel workbook.`,
    );
  }
  const members = names.map((file): Member => {
    const name = file.slice(0, -".npy".length);
    const bytes = files[file];
    const header = parseHeader(bytes, `${source.name}, array ${quoted(name)}`);
    return { name, columns: columnNames(name === "X" ? "x" : name, header, name), header, bytes };
  });
  readMembers(members, source.name, table);
}

function unzipped(bytes: Uint8Array, name: string): Record<string, Uint8Array> {
  try {
    return unzipSync(bytes);
  } catch (cause) {
    throw new AifError("input", `${name} is a damaged or cut off zip archive; copy or write it again.`, { cause });
  }
}

function readMembers(members: readonly Member[], file: string, table: TableBuilder): void {
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
  const builders = table.declare(members.flatMap((member) => member.columns));
  const firstRow = table.rows;
  table.reserve(firstRow + rows);
  let next = 0;
  for (const member of members) {
    const { shape, fortranOrder, boolean } = member.header;
    const columns = shape[1] ?? 1;
    for (let j = 0; j < columns; j++) {
      const builder = builders[next++];
      if (builder === null) continue;
      table.rows = firstRow;
      const read = elementReader(member.header, member.bytes, builder.name, table.where, file);
      for (let i = 0; i < rows; i++) {
        table.rows = firstRow + i; // where messages are about
        const value = read(fortranOrder ? j * rows + i : i * columns + j);
        if (boolean) builder.pushLabel(value === 0 ? "false" : "true");
        else builder.pushNumber(value, true);
      }
    }
  }
  table.rows = firstRow + rows;
}

/** A vector has the one name given, a matrix its stem with numbers. */
const columnNames = (stem: string, { shape }: ArrayHeader, vector: string): string[] =>
  shape.length === 1 ? [vector] : Array.from({ length: shape[1] ?? 0 }, (_, j) => `${stem}${j + 1}`);
