/**
 * Looks through Thrift's compact protocol, in which Parquet writes its footer and the headers of its pages, before the
 * library that reads them does: that one allocates lists as long as a file says, and goes as deep. Nothing is built here
 * but the whole numbers and records by field, which is what a page's header is made of.
 *
 * Source: github.com/apache/thrift, doc/specs/thrift-compact-protocol.md.
 */

/** Whole numbers and records of a struct by the numbers of their fields. */
export interface ThriftStruct {
  readonly numbers: ReadonlyMap<number, number>;
  readonly structs: ReadonlyMap<number, ThriftStruct>;
  /** Where it ends. */
  readonly end: number;
}

const [TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, STRUCT] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12];
const MOST_DEEP = 24;
/** Each becomes an object: a table of 1,000 columns in 100 groups of rows has 700,000. */
const MOST_STRUCTS = 2_000_000;

/** @throws Error where the bytes are no such struct, or one that is deeper or larger than any footer */
export const readThrift = (bytes: Uint8Array, start: number): ThriftStruct => new Reader(bytes, start).struct(0);

class Reader {
  private structs = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private at: number,
  ) {}

  struct(depth: number): ThriftStruct {
    if (depth > MOST_DEEP) throw new Error("nested too deep");
    if (++this.structs > MOST_STRUCTS) throw new Error("too many records");
    const numbers = new Map<number, number>();
    const structs = new Map<number, ThriftStruct>();
    let field = 0;
    for (;;) {
      const head = this.byte();
      const type = head & 0x0f;
      if (type === 0) return { numbers, structs, end: this.at };
      field = head >> 4 === 0 ? zigZag(this.varint()) : field + (head >> 4);
      if (type === STRUCT) structs.set(field, this.struct(depth + 1));
      else if (type === TRUE || type === FALSE) numbers.set(field, type === TRUE ? 1 : 0);
      else if (type === I16 || type === I32 || type === I64) numbers.set(field, zigZag(this.varint()));
      else this.pass(type, depth);
    }
  }

  private pass(type: number, depth: number): void {
    if (type === TRUE || type === FALSE || type === BYTE) this.skip(1);
    else if (type === I16 || type === I32 || type === I64) this.varint();
    else if (type === DOUBLE) this.skip(8);
    else if (type === BINARY) this.skip(this.varint());
    else if (type === STRUCT) this.struct(depth + 1);
    else if (type === LIST) this.list(depth + 1);
    else throw new Error(`the type ${type} is not used by Parquet`);
  }

  /** Every element takes a byte at least. */
  private list(depth: number): void {
    if (depth > MOST_DEEP) throw new Error("nested too deep");
    const head = this.byte();
    const count = head >> 4 === 15 ? this.varint() : head >> 4;
    if (count > this.bytes.length - this.at) throw new Error(`a list of ${count} where less is left`);
    for (let k = 0; k < count; k++) this.pass(head & 0x0f, depth);
  }

  private skip(count: number): void {
    if (count > this.bytes.length - this.at) throw new Error(`${count} bytes where less is left`);
    this.at += count;
  }

  private byte(): number {
    if (this.at >= this.bytes.length) throw new Error("no end");
    return this.bytes[this.at++];
  }

  /** Of at most ten bytes, exact below 2⁵³. */
  private varint(): number {
    let value = 0;
    for (let k = 0; k < 10; k++) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** (7 * k);
      if (byte < 0x80) return value;
    }
    throw new Error("a number of more than 64 bits");
  }
}

const zigZag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);
