import { kernelsWith } from "./row-module.js";

const BYTES = Float64Array.BYTES_PER_ELEMENT;
const CACHE_LINE = 64;
/** Numbers of a matrix that are in the memory at a time: 64 KB. */
const PIECE = 1 << 13;

/** The memory that rows pass through on their way to the kernels and back. Addresses are in bytes. */
class RowMemory {
  kernels = kernelsWith(0);
  private numbers = new Float64Array(this.kernels.memory.buffer);

  /** Where arrays of these lengths lie until the next call. */
  room(...lengths: readonly number[]): number[] {
    let end = CACHE_LINE;
    const starts = lengths.map((length) => {
      const start = end;
      end += Math.ceil((length * BYTES) / CACHE_LINE) * CACHE_LINE;
      return start;
    });
    this.kernels = kernelsWith(end, this.kernels);
    const { buffer } = this.kernels.memory;
    if (this.numbers.buffer !== buffer) this.numbers = new Float64Array(buffer);
    return starts;
  }

  /** Copies `count` numbers of an array from `from` on. */
  load(values: Float64Array, from: number, count: number, address: number): void {
    this.numbers.set(count === values.length ? values : values.subarray(from, from + count), address / BYTES);
  }

  /** Copies a whole vector twice, one behind the other. */
  loadTwice(vector: Float64Array, address: number): void {
    this.load(vector, 0, vector.length, address);
    this.load(vector, 0, vector.length, address + vector.length * BYTES);
  }

  /** The numbers themselves, until the next `room`. */
  at(address: number, count: number): Float64Array {
    return this.numbers.subarray(address / BYTES, address / BYTES + count);
  }
}

let started: RowMemory | undefined;

/** The one that this thread uses. */
export const rowMemory = (): RowMemory => (started ??= new RowMemory());

/** How many of so many rows are taken at a time. */
export const rowsAtATime = (rows: number, columns: number): number =>
  Math.min(rows, Math.max(1, Math.floor(PIECE / columns)));

/** Visits rows in pieces: the first one, and how many. */
export function inPieces(rows: number, step: number, visit: (from: number, r: number) => void): void {
  for (let from = 0; from < rows; from += step) visit(from, Math.min(step, rows - from));
}
