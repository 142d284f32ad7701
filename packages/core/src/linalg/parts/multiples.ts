/** out from `at` on ← factor · data[from … to), four at a time: the loop itself would cost as much as the products. */
export function writeMultiples(
  data: Float64Array,
  from: number,
  to: number,
  factor: number,
  out: Float64Array,
  at: number,
): void {
  let [k, into] = [from, at];
  for (; k + 3 < to; k += 4, into += 4) {
    out[into] = factor * data[k];
    out[into + 1] = factor * data[k + 1];
    out[into + 2] = factor * data[k + 2];
    out[into + 3] = factor * data[k + 3];
  }
  for (; k < to; k++, into++) out[into] = factor * data[k];
}
