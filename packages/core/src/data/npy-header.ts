import { inputError } from "../errors.js";
import { safeInteger } from "./integers.js";
import { quoted } from "./names.js";

/** What stands in front of the numbers of a .npy file. */
export interface ArrayHeader {
  readonly kind: keyof typeof kinds;
  readonly littleEndian: boolean;
  readonly fortranOrder: boolean;
  readonly boolean: boolean;
  /** n or n, m. */
  readonly shape: readonly number[];
  /** Where the numbers start. */
  readonly offset: number;
}

type Read = (view: DataView, at: number, little: boolean) => number | bigint;

/** Bytes of an element and how it is read. */
const kinds = {
  f4: [4, (view, at, little) => view.getFloat32(at, little)],
  f8: [8, (view, at, little) => view.getFloat64(at, little)],
  i1: [1, (view, at) => view.getInt8(at)],
  i2: [2, (view, at, little) => view.getInt16(at, little)],
  i4: [4, (view, at, little) => view.getInt32(at, little)],
  i8: [8, (view, at, little) => view.getBigInt64(at, little)],
  u1: [1, (view, at) => view.getUint8(at)],
  u2: [2, (view, at, little) => view.getUint16(at, little)],
  u4: [4, (view, at, little) => view.getUint32(at, little)],
  u8: [8, (view, at, little) => view.getBigUint64(at, little)],
  b1: [1, (view, at) => view.getUint8(at)],
} satisfies Record<string, readonly [number, Read]>;

const isKind = (text: string): text is keyof typeof kinds => Object.hasOwn(kinds, text);

/** Reads the header of a .npy file (versions 1 to 3). `name` is what messages call the array. */
export function parseHeader(bytes: Uint8Array, name: string): ArrayHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const long = bytes[6] > 1;
  const start = long ? 12 : 10;
  if (bytes.length < start || bytes[1] !== 0x4e)
    throw inputError(`${name} is no NumPy array; write it with numpy.save.`);
  const offset = start + (long ? view.getUint32(8, true) : view.getUint16(8, true));
  const text = new TextDecoder("latin1").decode(bytes.subarray(start, offset));
  const type = /'descr':\s*'([<>|=]?)([^']*)'/.exec(text);
  const order = /'fortran_order':\s*(True|False)/.exec(text);
  const shape = /'shape':\s*\(([^)]*)\)/.exec(text);
  if (type === null || order === null || shape === null || !isKind(type[2])) {
    const found = type === null ? "a type made of several" : `the type ${quoted(type[2])}`;
    throw inputError(
      `${name} holds ${found}; give numbers or booleans (float32, float64, 8 to 64 bit integers, bool).`,
    );
  }
  const sizes = shape[1].split(",").filter((part) => part.trim() !== "");
  return {
    kind: type[2],
    littleEndian: type[1] !== ">",
    fortranOrder: order[1] === "True",
    boolean: type[2] === "b1",
    shape: sizes.map(Number),
    offset,
  };
}

export const elementBytes = ({ kind }: ArrayHeader): number => kinds[kind][0];

/** @throws input: a file has fewer bytes than its header promises */
export function checkLength(header: ArrayHeader, bytes: number, file: string): void {
  const count = header.shape.reduce((product, length) => product * length, 1);
  const needed = header.offset + count * elementBytes(header);
  if (bytes >= needed) return;
  throw inputError(`${file} is cut off: its arrays need ${needed} bytes, it has ${bytes}; copy or write it again.`);
}

/** Reads element k of a run of elements. Throws where an integer does not fit float64. */
export function elementReader(
  header: ArrayHeader,
  bytes: Uint8Array,
  column: string,
  where: () => string,
): (k: number) => number {
  const [size, read]: readonly [number, Read] = kinds[header.kind];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (k) => {
    const value = read(view, k * size, header.littleEndian);
    return typeof value === "bigint" ? safeInteger(value, column, where) : value;
  };
}
