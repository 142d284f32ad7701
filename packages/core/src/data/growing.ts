type Store = Float64Array | Int32Array;
const firstChunk = 64;
const lastChunk = 65_536;

/**
 * A typed array of unknown length. It grows by chunks, which `finish` copies once into one array, or writes to room
 * that was reserved for a length known or guessed.
 */
export class Growing<T extends Store> {
  private readonly full: T[] = [];
  private chunk: T;
  private used = 0;
  private fullLength = 0;

  constructor(private readonly make: (length: number) => T) {
    this.chunk = make(firstChunk);
  }

  get length(): number {
    return this.fullLength + this.used;
  }

  push(value: number): void {
    if (this.used === this.chunk.length) {
      this.full.push(this.chunk);
      this.fullLength += this.used;
      this.chunk = this.make(Math.min(lastChunk, this.chunk.length * 2));
      this.used = 0;
    }
    this.chunk[this.used++] = value;
  }

  /** Every value in order. */
  forEach(visit: (value: number) => void): void {
    for (const chunk of this.full) for (let i = 0; i < chunk.length; i++) visit(chunk[i]);
    for (let i = 0; i < this.used; i++) visit(this.chunk[i]);
  }

  /**
   * Makes room for `length` values in one piece, so that `finish` need not copy. Room that stays unused costs nothing:
   * memory that was never written to is not taken from the system.
   */
  reserve(length: number): void {
    if (length <= this.length) return;
    const room = this.make(length);
    const used = this.length;
    this.moveTo(room);
    this.chunk = room;
    this.used = used;
  }

  /** The values in one array, which the next push overwrites; the growing array is empty afterwards and keeps its room. */
  drain(): T {
    if (this.full.length > 0) this.reserve(this.length + 1);
    const out = this.chunk.subarray(0, this.used) as T;
    this.used = 0;
    return out;
  }

  /** The values in one array, a view where they lie in one piece. The growing array is empty afterwards. */
  finish(): T {
    const { chunk, used } = this;
    const inOnePiece = this.full.length === 0 && used * 1.25 >= chunk.length;
    const out = inOnePiece ? (chunk.subarray(0, used) as T) : this.make(this.length);
    if (!inOnePiece) this.moveTo(out);
    this.chunk = this.make(0);
    this.used = 0;
    return out;
  }

  /** Moves all values to the front of another array, freeing chunk by chunk. */
  private moveTo(target: T): void {
    let at = 0;
    for (let chunk = this.full.shift(); chunk !== undefined; chunk = this.full.shift()) {
      target.set(chunk, at);
      at += chunk.length;
    }
    target.set(this.chunk.subarray(0, this.used), at);
    this.fullLength = 0;
  }
}
