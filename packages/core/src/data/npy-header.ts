import { type AifError, inputError } from "../errors.js";
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

const KEYS = ["descr", "fortran_order", "shape"];

/** NumPy's own limit is 10,000 characters. */
const longestHeader = 1 << 16;
/** So many bytes hold every header. */
export const HEADER_BYTES = longestHeader + 12;
/** Of an axis: a float64 counts no further. */
const longestAxis = 2 ** 53;

/**
 * Reads the header of a .npy file (versions 1 to 3). Arrays of objects hold pickles, which are programs: they are refused.
 * @param head the first bytes, `HEADER_BYTES` where there are as many
 * @param bytes how many there are in all
 * @param name what messages call the array
 * @throws AifError "input": no header, another type, or a shape that needs other bytes than there are
 */
export function parseHeader(head: Uint8Array, bytes: number, name: string): ArrayHeader {
  const { text, offset } = headerText(head, name);
  if (KEYS.some((key) => text.split(`'${key}'`).length > 2)) throw noArray(name);
  const type = /'descr': {0,9}'([<>|=]?)([^']{0,99})'/.exec(text);
  const order = /'fortran_order': {0,9}(True|False)/.exec(text);
  const shape = /'shape': {0,9}\(([\d, ]*)\)/.exec(text);
  if (type !== null && type[2].startsWith("O")) {
    throw inputError(
      `${name} holds Python objects (a pickle), which are never opened; save numbers, as with numpy.save(file, X.astype(float)).`,
    );
  }
  if (type === null || !isKind(type[2])) {
    const found = type === null ? "a type made of several" : `the type ${quoted(type[2])}`;
    throw inputError(
      `${name} holds ${found}; give numbers or booleans (float32, float64, 8 to 64 bit integers, bool).`,
    );
  }
  if (order === null || shape === null) throw noArray(name);
  const sizes = shape[1]
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  checkLength(sizes, kinds[type[2]][0], bytes - offset, name);
  return {
    kind: type[2],
    littleEndian: type[1] !== ">",
    fortranOrder: order[1] === "True",
    boolean: type[2] === "b1",
    shape: sizes.map(Number),
    offset,
  };
}

function headerText(bytes: Uint8Array, name: string): { text: string; offset: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const long = bytes[6] > 1;
  const start = long ? 12 : 10;
  if (bytes.length < start || bytes[1] !== 0x4e) throw noArray(name);
  const length = long ? view.getUint32(8, true) : view.getUint16(8, true);
  if (length > longestHeader || start + length > bytes.length) throw noArray(name);
  return { text: new TextDecoder("latin1").decode(bytes.subarray(start, start + length)), offset: start + length };
}

const noArray = (name: string): AifError =>
  inputError(`${name} is no NumPy array, or its header is damaged; write it with numpy.save.`);

/** The product of the shape as BigInt, before anything is made of that size. */
function checkLength(sizes: readonly string[], size: number, room: number, name: string): void {
  if (sizes.some((length) => /\s/.test(length) || BigInt(length) > longestAxis)) throw noArray(name);
  const needed = sizes.reduce((product, length) => product * BigInt(length), BigInt(size));
  if (needed > BigInt(room)) {
    throw inputError(
      `${name} is cut off: its shape (${sizes.join(", ")}) needs ${needed} bytes, it has ${room}; copy or write it again.`,
    );
  }
}

export const elementBytes = ({ kind }: ArrayHeader): number => kinds[kind][0];

/** Reads element k of a run of elements. */
export function elementReader(header: ArrayHeader, bytes: Uint8Array): (k: number) => number | bigint {
  const [size, read]: readonly [number, Read] = kinds[header.kind];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return (k) => read(view, k * size, header.littleEndian);
}
