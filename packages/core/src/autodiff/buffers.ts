/**
 * Memory of one thread's evaluations. Buffers are lent to the tensors of a scope and come back when it ends, so that ten
 * thousand evaluations of the same size use the memory of one. Lengths are rounded up to a few sizes, so that blocks of
 * varying length share buffers.
 */
import { usageError } from "../errors.js";

const SMALLEST = 16;
const free = new Map<number, Float64Array[]>();
let freeBytes = 0;

/** What a scope keeps to be able to end: tensors that hold a buffer of the pool. */
export interface Borrower {
  /** Gives up the buffer; null where it never took one. */
  release(): Float64Array | null;
}

/** Bytes that lie ready for the next scope. */
export const pooledBytes = (): number => freeBytes;

/** Hands the memory that lies ready back to the garbage collector. */
export function emptyPool(): void {
  free.clear();
  freeBytes = 0;
}

/** The next size of the series 16, 24, 32, 48, 64, … */
function sizeClass(length: number): number {
  let size = SMALLEST;
  while (size < length) size = Number.isInteger(Math.log2(size)) ? size * 1.5 : (size / 1.5) * 2;
  return size;
}

/** One evaluation: what it borrows comes back at its end. */
export class Scope {
  private readonly borrowers: Borrower[] = [];
  private ended = false;

  /** A buffer of at least `length` numbers of any content, until the scope ends. @throws usage: it has ended. */
  lend(length: number, borrower: Borrower): Float64Array {
    if (this.ended) throw usageError("A tensor was read after its scope had ended: copy its values out before.");
    const size = sizeClass(length);
    this.borrowers.push(borrower);
    const waiting = free.get(size)?.pop();
    if (!waiting) return new Float64Array(size);
    freeBytes -= waiting.byteLength;
    return waiting;
  }

  end(): void {
    this.ended = true;
    for (const borrower of this.borrowers) {
      const buffer = borrower.release();
      if (!buffer) continue;
      const shelf = free.get(buffer.length);
      if (shelf) shelf.push(buffer);
      else free.set(buffer.length, [buffer]);
      freeBytes += buffer.byteLength;
    }
    this.borrowers.length = 0;
  }
}

let current: Scope | null = null;

export const currentScope = (): Scope | null => current;

/**
 * Runs `work`; the memory of every tensor made in it is used again afterwards, so copy out what is to last. Scopes nest.
 * @throws usage: `work` is asynchronous (another evaluation would run inside this scope).
 */
export function scope<T>(work: () => T): T {
  const outer = current;
  const mine = new Scope();
  current = mine;
  try {
    const result = work();
    if (result instanceof Promise) throw usageError("A scope of tensors may not be asynchronous: await outside of it.");
    return result;
  } finally {
    current = outer;
    mine.end();
  }
}
