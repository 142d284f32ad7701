import { Matrix } from "../linalg/matrix.js";
import { matrixRows, type RowSource } from "./row-source.js";

/** Writes the features of one column for some rows of the table: entry (i, j) at `out[(i − from) · m + offset + j]`. */
export type ColumnWriter = (rows: Int32Array, from: number, to: number, out: Float64Array, m: number) => void;

const materializedBytes = 2 ** 30;

/** A column of numbers, standardised; missing cells (NaN) become `fill`. */
export function numberWriter(
  values: Float64Array,
  fill: number,
  mean: number,
  scale: number,
  offset: number,
): ColumnWriter {
  const filled = (fill - mean) / scale;
  return (rows, from, to, out, m) => writeNumbers(values, mean, scale, filled, rows, from, to, out, offset, m);
}

/**
 * Missing cells spoil the sum, and only then are looked for: comparing every cell takes longer than the rest. Apart from the writers, so
 * that its numbers are in registers and not looked up in each writer's scope for every cell.
 */
function writeNumbers(
  values: Float64Array,
  mean: number,
  scale: number,
  filled: number,
  rows: Int32Array,
  from: number,
  to: number,
  out: Float64Array,
  offset: number,
  m: number,
): void {
  let sum = 0;
  for (let i = from, at = offset; i < to; i++, at += m) {
    const entry = (values[rows[i]] - mean) / scale;
    sum += entry;
    out[at] = entry;
  }
  if (!Number.isNaN(sum)) return;
  for (let i = from, at = offset; i < to; i++, at += m) if (Number.isNaN(values[rows[i]])) out[at] = filled;
}

/** A column of labels as standardised indicators. `featureOf[code]` is the feature that is 1, −1 where all are 0. */
export function indicatorWriter(
  codes: Int32Array,
  featureOf: Int32Array,
  off: Float64Array,
  on: Float64Array,
  missing: Float64Array,
  offset: number,
): ColumnWriter {
  const width = off.length;
  return (rows, from, to, out, m) => {
    for (let i = from, at = offset; i < to; i++, at += m) {
      const code = codes[rows[i]];
      const base = code < 0 ? missing : off;
      for (let k = 0; k < width; k++) out[at + k] = base[k];
      const feature = code < 0 ? -1 : featureOf[code];
      if (feature >= 0) out[at + feature] = on[feature];
    }
  };
}

/**
 * Rows gathered from a table's columns. Source row i is table row `rows[i]`. Where all of it takes at most 1 GB it
 * is written out once, when first asked for, and handed out as views from then on.
 */
export function columnRows(writers: readonly ColumnWriter[], rows: Int32Array, m: number): RowSource {
  const fits = rows.length * m * 8 <= materializedBytes;
  let whole: RowSource | null = null;
  const materialized = (): RowSource => {
    if (whole !== null) return whole;
    const data = new Float64Array(rows.length * m);
    const step = Math.max(64, Math.floor((1 << 17) / m));
    for (let from = 0; from < rows.length; from += step) {
      const to = Math.min(from + step, rows.length);
      const part = data.subarray(from * m, to * m);
      for (const write of writers) write(rows, from, to, part, m);
    }
    whole = matrixRows(new Matrix(data, rows.length, m), null);
    return whole;
  };
  return {
    columns: m,
    fill(chosen, from, to, out) {
      if (fits) return materialized().fill(chosen, from, to, out);
      const tableRows = new Int32Array(to - from);
      for (let i = from; i < to; i++) tableRows[i - from] = rows[chosen[i]];
      for (const write of writers) write(tableRows, 0, to - from, out, m);
    },
    view: (from, to) => (fits ? (materialized().view?.(from, to) ?? null) : null),
  };
}
