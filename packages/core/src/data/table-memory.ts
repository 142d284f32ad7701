import { AifError } from "../errors.js";
import { quoted } from "./names.js";

/** Of a table: every column costs some hundred bytes before its first row, and a model of so many features has no Hessian. */
export const MOST_COLUMNS = 100_000;
/** Different texts of one column: a Map of V8 ends at 2²⁴ keys. */
const MOST_LABELS = 1 << 23;
/** Of different texts of all columns, which lie in the engine's heap. */
const MOST_TEXT_BYTES = 2 ** 30;
/** What a short text costs beside its characters. */
const BYTES_A_TEXT = 100;
const BYTES_A_CELL = 8;
/** Where nobody tells how much is left. */
const USUAL_BYTES = 2 ** 31;

/**
 * What a table may take, in bytes: half of what the system has left, since what is computed from a table takes as much again.
 * Node tells; elsewhere 2 GiB.
 */
const spareBytes = (): number => {
  const left = globalThis.process?.availableMemory?.();
  return left === undefined ? USUAL_BYTES : left / 2;
};

/**
 * How much memory a table takes while it is read. It is asked before anything that a file announces is allocated, and while
 * rows come, so that a file made to fill a machine ends in a sentence.
 */
export class TableMemory {
  private textBytes = 0;

  constructor(private readonly limit = spareBytes()) {}

  /**
   * Whether so many rows and columns fit, with `beside` bytes that are kept of the input itself.
   * @throws AifError "resource"
   */
  check(file: string, rows: number, columns: number, beside = 0): void {
    const bytes = BYTES_A_CELL * rows * columns + this.textBytes + beside;
    if (bytes <= this.limit) return;
    throw new AifError(
      "resource",
      `${file} is too large for this machine: its first ${rows} rows of ${columns} columns take ${readable(bytes)} where ${readable(this.limit)} are to spare; give fewer rows or columns, or use a machine with more memory.`,
    );
  }

  /** A text that a column has not had before, of which it now has `count`. @throws AifError "resource" */
  keepText(text: string, column: string, count: number): void {
    this.textBytes += 2 * text.length + BYTES_A_TEXT;
    if (count <= MOST_LABELS && this.textBytes <= MOST_TEXT_BYTES) return;
    throw new AifError(
      "resource",
      `Column ${quoted(column)} holds more different texts than can be kept (${count}); leave it out, or give fewer rows.`,
    );
  }
}

const readable = (bytes: number): string =>
  bytes < 2 ** 30 ? `${Math.ceil(bytes / 2 ** 20)} MB` : `${(bytes / 2 ** 30).toFixed(1)} GB`;
