/**
 * A reader of protobuf's wire format for files that nobody vouches for. It is our own because libraries for protobuf build
 * whatever a file describes before their caller can look; here nothing is built: a message is a view of its bytes, its
 * fields come one by one, and every length is compared with what is left before it is used. Messages are opened only by
 * callers that name the field, so nesting is as deep as their code and no deeper; groups, the one form that nests by
 * itself, are refused. Varints have at most ten bytes.
 *
 * Source: protobuf.dev/programming-guides/encoding.
 */
import { type AifError, inputError } from "../../errors.js";

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

const longestName = 1 << 16; // bytes
const mostFields = 10_000_000; // of one message: more than the numbers of any network that can be analysed

/** A message: bytes that hold fields. */
export class Message {
  /**
   * @param file what messages call the file
   * @param start where these bytes begin in the file
   */
  constructor(
    readonly bytes: Uint8Array,
    readonly file: string,
    readonly start = 0,
  ) {}

  /** The fields in the file's order. Throws an input error where one does not end inside the message. */
  *fields(): Generator<Field> {
    let at = 0;
    for (let count = 1; at < this.bytes.length; count++) {
      if (count > mostFields) throw this.damaged(at, `more than ${mostFields} fields follow each other`);
      const tag = varintAt(this, at);
      const number = Number(tag.value >> 3n);
      const wire = Number(tag.value & 7n);
      if (number === 0 || number > 0x1fffffff) throw this.damaged(at, `holds the impossible field number ${number}`);
      at = tag.end;
      const length = this.payloadLength(wire, at);
      const start = wire === LENGTH ? varintAt(this, at).end : at;
      if (length > this.bytes.length - start) {
        throw this.damaged(at, `a field of ${length} bytes starts where only ${this.bytes.length - start} are left`);
      }
      yield new Field(this, number, wire, start, start + length);
      at = start + length;
    }
  }

  private payloadLength(wire: number, at: number): number {
    if (wire === VARINT) return varintAt(this, at).end - at;
    if (wire === FIXED64) return 8;
    if (wire === FIXED32) return 4;
    if (wire === LENGTH) return Number(varintAt(this, at).value);
    throw this.damaged(at, `holds the wire type ${wire}`);
  }

  /** Calls the rule of each field that has one; others are passed over, as the format demands. */
  visit(rules: ReadonlyMap<number, (field: Field) => void>): void {
    for (const field of this.fields()) rules.get(field.number)?.(field);
  }

  damaged(at: number, what: string): AifError {
    return inputError(
      `${this.file} is cut off, damaged or no ONNX file: at byte ${this.start + at} ${what}; export or copy it again.`,
    );
  }
}

/** One field: a view of its bytes and the ways to read them. Each throws an input error where the wire type is another. */
export class Field {
  constructor(
    private readonly message: Message,
    readonly number: number,
    private readonly wire: number,
    private readonly start: number,
    private readonly end: number,
  ) {}

  asBytes(): Uint8Array {
    this.expect(LENGTH);
    return this.message.bytes.subarray(this.start, this.end);
  }

  asMessage(): Message {
    return new Message(this.asBytes(), this.message.file, this.message.start + this.start);
  }

  /** UTF-8 text of at most 64 KiB. */
  asText(): string {
    const bytes = this.asBytes();
    if (bytes.length > longestName) throw this.wrong(`a name has ${bytes.length} bytes, more than ${longestName}`);
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw this.wrong("a name is not UTF-8 text");
    }
  }

  /** A signed 64-bit integer. */
  asInteger(): bigint {
    this.expect(VARINT);
    return BigInt.asIntN(64, varintAt(this.message, this.start).value);
  }

  asFloat(): number {
    this.expect(FIXED32);
    return view(this.message.bytes).getFloat32(this.start, true);
  }

  /** A repeated integer field, packed or one by one. */
  *integers(): Generator<bigint> {
    if (this.wire === VARINT) {
      yield this.asInteger();
      return;
    }
    const packed = this.asMessage();
    for (let at = 0; at < packed.bytes.length; ) {
      const { value, end } = varintAt(packed, at);
      yield BigInt.asIntN(64, value);
      at = end;
    }
  }

  /** The bytes of a repeated field of fixed size (4 or 8 bytes a number), packed or one by one. */
  fixed(size: 4 | 8): Uint8Array {
    if (this.wire !== (size === 4 ? FIXED32 : FIXED64)) this.expect(LENGTH);
    const bytes = this.message.bytes.subarray(this.start, this.end);
    if (bytes.length % size !== 0) throw this.wrong(`${bytes.length} bytes are to hold numbers of ${size} bytes`);
    return bytes;
  }

  wrong(what: string): AifError {
    return this.message.damaged(this.start, what);
  }

  private expect(wire: number): void {
    if (this.wire !== wire) throw this.wrong(`field ${this.number} has wire type ${this.wire}, expected ${wire}`);
  }
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The varint at an offset, and where it ends. */
function varintAt(message: Message, start: number): { value: bigint; end: number } {
  const { bytes } = message;
  let low = 0; // 28 bits: most varints are short, and numbers are faster than BigInts
  let high = 0n;
  for (let k = 0; k < 10; k++) {
    if (start + k >= bytes.length) throw message.damaged(start, "a number does not end");
    const byte = bytes[start + k];
    if (k < 4) low |= (byte & 0x7f) << (7 * k);
    else high |= BigInt(byte & 0x7f) << BigInt(7 * k);
    if (byte < 0x80) {
      if (high >> 64n !== 0n) break;
      return { value: high | BigInt(low), end: start + k + 1 };
    }
  }
  throw message.damaged(start, "a number has more than 64 bits");
}
