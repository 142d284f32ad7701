/** Where numbers are written: so many of them, whatever they hold so far. */
export type Store = (length: number) => Float64Array;

/** Arrays that nobody else has. */
export const newArray: Store = (length) => new Float64Array(length);

/** A buffer that grows to what is asked of it and is then used again. */
export function growingBuffer(make = newArray): Store {
  let buffer: Float64Array = new Float64Array(0);
  return (length) => {
    if (buffer.length < length) buffer = make(length);
    return buffer.subarray(0, length);
  };
}
