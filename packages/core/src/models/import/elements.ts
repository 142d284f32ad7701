/** Numbers as model files store them, little-endian. */

/** Bytes a number, and how it is read. */
export interface Element {
  readonly size: number;
  readonly read: (view: DataView, at: number) => number;
}

export const FLOAT32: Element = { size: 4, read: (view, at) => view.getFloat32(at, true) };
export const FLOAT64: Element = { size: 8, read: (view, at) => view.getFloat64(at, true) };
export const INT32: Element = { size: 4, read: (view, at) => view.getInt32(at, true) };
export const INT64: Element = { size: 8, read: (view, at) => Number(view.getBigInt64(at, true)) };
export const FLOAT16: Element = { size: 2, read: (view, at) => halfFloat(view.getUint16(at, true)) };
export const BFLOAT16: Element = { size: 2, read: (view, at) => brainFloat(view.getUint16(at, true)) };

/** IEEE 754 binary16 from its bits: (−1)^s 2^(e−15) (1 + f/1024), below e = 1 subnormal. */
function halfFloat(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

const word = new DataView(new ArrayBuffer(4));

/** bfloat16: the upper half of a float32. */
function brainFloat(bits: number): number {
  word.setUint32(0, bits * 0x10000);
  return word.getFloat32(0);
}

/** All numbers of a buffer whose length was checked. */
export function decoded(bytes: Uint8Array, element: Element): Float64Array {
  const out = new Float64Array(bytes.length / element.size);
  decodeInto(out, 0, bytes, element);
  return out;
}

/** Writes the numbers of a buffer to `out` from `at` on, and returns where they end. */
export function decodeInto(out: Float64Array, at: number, bytes: Uint8Array, { size, read }: Element): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = bytes.length / size;
  for (let k = 0; k < count; k++) out[at + k] = read(view, k * size);
  return at + count;
}

/** "[3, 7]", shapes in messages. */
export const shapeText = (shape: readonly (number | bigint | null)[]): string =>
  `[${shape.map((length) => length ?? "?").join(", ")}]`;
