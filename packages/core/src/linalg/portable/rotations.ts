import type { Arena } from "./arena.js";

const BYTES = Float64Array.BYTES_PER_ELEMENT;
/** Columns of Q' that are rotated at a time: 1000 rows of them are 0.5 MB and stay in the second-level cache. */
const PANEL = 64;
/** Rotations that are collected before they are applied: 2^16 cosines and sines are 1 MB. */
const COLLECTED = 1 << 16;

/**
 * Collects chains of plane rotations of neighbouring rows and applies them to an n×n matrix, late and many at a time.
 */
export class RotationQueue {
  private readonly cosines: Float64Array;
  private readonly sines: Float64Array;
  private readonly firstRows: number[] = [];
  private readonly ends: number[] = [];
  private count = 0;

  constructor(
    private readonly arena: Arena,
    private readonly n: number,
    private readonly rows: Float64Array,
  ) {
    const capacity = Math.max(COLLECTED, n);
    this.cosines = new Float64Array(capacity);
    this.sines = new Float64Array(capacity);
  }

  /**
   * Makes room for a chain of up to `length` rotations; entry i of the returned arrays belongs to rows first + i and
   * first + i + 1.
   */
  begin(length: number): { cosines: Float64Array; sines: Float64Array } {
    if (this.count + length > this.cosines.length) this.apply();
    const end = this.count + length;
    return { cosines: this.cosines.subarray(this.count, end), sines: this.sines.subarray(this.count, end) };
  }

  /** Ends the chain that begins at row `first`. */
  end(first: number, length: number): void {
    this.count += length;
    this.firstRows.push(first);
    this.ends.push(this.count);
  }

  apply(): void {
    const { arena, n, count } = this;
    if (count === 0) return;
    arena.clear();
    const atCosines = arena.allocate(count);
    const atSines = arena.allocate(count);
    const width = Math.min(PANEL, n + (n & 1)); // the kernel wants an even number of columns
    const atPanel = arena.allocate(n * width);
    arena.load(atCosines, this.cosines, 0, 1, count, count);
    arena.load(atSines, this.sines, 0, 1, count, count);
    for (let j0 = 0; j0 < n; j0 += width) {
      const columns = Math.min(width, n - j0);
      arena.load(atPanel, this.rows, j0, n, columns, n, width);
      let from = 0;
      this.firstRows.forEach((first, chain) => {
        const end = this.ends[chain];
        const skipped = from * BYTES;
        arena.kernels.rotateRows(
          end - from,
          width,
          atCosines + skipped,
          atSines + skipped,
          atPanel + first * width * BYTES,
          width * BYTES,
        );
        from = end;
      });
      arena.store(atPanel, this.rows, j0, n, columns, n, width);
    }
    this.count = 0;
    this.firstRows.length = 0;
    this.ends.length = 0;
  }
}
