/** Rows are copied faster by a loop than through the engine's bulk copy, which takes an object for each, unless they are long. */
export function copyRow(from: Float64Array, fromAt: number, to: Float64Array, toAt: number, length: number): void {
  if (length > 256) {
    to.set(from.subarray(fromAt, fromAt + length), toAt);
    return;
  }
  let k = 0;
  for (; k + 3 < length; k += 4) {
    to[toAt + k] = from[fromAt + k];
    to[toAt + k + 1] = from[fromAt + k + 1];
    to[toAt + k + 2] = from[fromAt + k + 2];
    to[toAt + k + 3] = from[fromAt + k + 3];
  }
  for (; k < length; k++) to[toAt + k] = from[fromAt + k];
}
