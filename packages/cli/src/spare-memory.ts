import { freemem } from "node:os";
import type { TableSize } from "@aif/core/node";

/** Of the program itself, with what it needs for any table. */
export const PROGRAM_BYTES = 150 * 2 ** 20;
/** Of a table in memory, with what is made of its cells. */
const BYTES_A_CELL = 16;
/** Of what is computed of each row (losses, shifts, folds, intervals), as much of it as waits to be collected at a time. */
const BYTES_A_ROW = 1500;
/** Numbers for each pair of parameters: Hessians of all folds and their factors, sandwich sums. */
const MATRICES = 40;

/** What the rows of a table in memory take, in bytes, with what is computed of them. */
export const rowsBytes = ({ rows, cells }: TableSize): number => BYTES_A_CELL * cells + BYTES_A_ROW * rows;

/** What any analysis of such a table takes, in bytes, also where its rows pass by in blocks: the program and its matrices. */
export const fixedBytes = ({ rows, cells }: TableSize): number =>
  PROGRAM_BYTES + 8 * MATRICES * (cells / Math.max(rows, 1)) ** 2;

/** Half of what is free, in bytes: what work may take where nobody says. */
export const spareBytes = (): number => (process.availableMemory?.() ?? freemem()) / 2;
