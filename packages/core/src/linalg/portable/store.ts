import { AifError } from "../../errors.js";

const PAGE = 65_536;
const CACHE_LINE = 64; // every block starts on one
const BYTES = Float64Array.BYTES_PER_ELEMENT;
const SHORT_ROW = 24; // numbers below which a loop copies faster than `set`

/**
 * Numbers in a WebAssembly memory. Operands are copied in and results out; blocks are handed out one behind the other, and all of
 * them are given back together by `clear`. The memory only ever grows, so callers work through large operands in pieces.
 */
export class Store {
  private top: number;
  private view = new Float64Array(0);

  /** @param start the first address that blocks may have */
  constructor(
    private readonly memory: WebAssembly.Memory,
    private readonly start: number,
  ) {
    this.top = start;
    this.allocate(0); // what lies below is needed from the first call on
  }

  /** Size of the memory in bytes. */
  get size(): number {
    return this.memory.buffer.byteLength;
  }

  clear(): void {
    this.top = this.start;
  }

  /** The address of a new block of `count` numbers, whose contents are arbitrary. */
  allocate(count: number): number {
    const address = this.top;
    const end = address + count * BYTES;
    const { memory } = this;
    if (end > memory.buffer.byteLength) {
      try {
        memory.grow(Math.ceil((end - memory.buffer.byteLength) / PAGE));
      } catch (error) {
        throw new AifError(
          "resource",
          `The portable linear algebra could not get ${Math.ceil(end / 2 ** 20)} MB of memory.`,
          {
            cause: error,
          },
        );
      }
    }
    this.top = Math.ceil(end / CACHE_LINE) * CACHE_LINE;
    return address;
  }

  /** Growth detaches the old view, so it is taken anew then. */
  private get numbers(): Float64Array {
    if (this.view.buffer !== this.memory.buffer) this.view = new Float64Array(this.memory.buffer);
    return this.view;
  }

  /** The numbers of a block themselves, until the next `allocate`. */
  numbersAt(address: number, count: number): Float64Array {
    return this.numbers.subarray(address / BYTES, address / BYTES + count);
  }

  /**
   * Copies rows×columns numbers, whose rows start `ld` apart in `from`, to `address`, where they start `step` apart.
   */
  load(
    address: number,
    from: Float64Array,
    start: number,
    rows: number,
    columns: number,
    ld: number,
    step = columns,
  ): void {
    copyRows(from, start, ld, this.numbers, address / BYTES, step, rows, columns, false);
  }

  /** The way back of `load`. Nothing between the rows of `to` is written. */
  store(
    address: number,
    to: Float64Array,
    start: number,
    rows: number,
    columns: number,
    ld: number,
    step = columns,
  ): void {
    copyRows(this.numbers, address / BYTES, step, to, start, ld, rows, columns, false);
  }

  /** As `store`, entries (i, j ≤ i) only. */
  storeLower(address: number, to: Float64Array, start: number, n: number, ld: number): void {
    copyRows(this.numbers, address / BYTES, n, to, start, ld, n, n, true);
  }
}

function copyRows(
  from: Float64Array,
  fromStart: number,
  fromStep: number,
  to: Float64Array,
  toStart: number,
  toStep: number,
  rows: number,
  columns: number,
  lower: boolean,
): void {
  if (!lower && fromStep === columns && toStep === columns) {
    to.set(from.subarray(fromStart, fromStart + rows * columns), toStart);
    return;
  }
  for (let i = 0; i < rows; i++) {
    const source = fromStart + i * fromStep;
    const target = toStart + i * toStep;
    const count = lower ? Math.min(columns, i + 1) : columns;
    if (count < SHORT_ROW) for (let j = 0; j < count; j++) to[target + j] = from[source + j];
    else to.set(from.subarray(source, source + count), target);
  }
}
