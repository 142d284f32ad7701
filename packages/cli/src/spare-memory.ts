import { freemem } from "node:os";
import type { TableSize } from "@aif/core/node";

/** Of a table in memory, with what is made of its cells. */
const BYTES_A_CELL = 16;
/** Of what is computed of each row (losses, shifts, folds, intervals), as much of it as waits to be collected at a time. */
const BYTES_A_ROW = 1200;

/** What an analysis of a table in memory takes, in bytes, beside the program itself. */
export const analysisBytes = ({ rows, cells }: TableSize): number => BYTES_A_CELL * cells + BYTES_A_ROW * rows;

/** Half of what is free, in bytes: what work may take where nobody says. */
export const spareBytes = (): number => (process.availableMemory?.() ?? freemem()) / 2;
