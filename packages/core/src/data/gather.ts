/** The cells at the given positions, as float64. (`Float64Array.from` with a function is ten times slower.) */
export function gathered(cells: ArrayLike<number>, positions: Int32Array): Float64Array {
  const out = new Float64Array(positions.length);
  for (let i = 0; i < out.length; i++) out[i] = cells[positions[i]];
  return out;
}

/** The cells at the given positions, as integers. */
export function gatheredCodes(cells: Int32Array, positions: Int32Array): Int32Array {
  const out = new Int32Array(positions.length);
  for (let i = 0; i < out.length; i++) out[i] = cells[positions[i]];
  return out;
}
