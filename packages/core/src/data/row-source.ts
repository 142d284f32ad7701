import type { Matrix } from "../linalg/matrix.js";
import type { Scaler } from "./scaler.js";

/** Rows of features that can be written out, a few at a time, as the model sees them. */
export interface RowSource {
  /** m. */
  readonly columns: number;
  /** Writes rows `rows[from]` … `rows[to − 1]`, row-major, to the front of `out`. */
  fill(rows: Int32Array, from: number, to: number, out: Float64Array): void;
  /** The same rows as relative sizes of attacks are measured on them, where those are others. */
  fillMeasured?(rows: Int32Array, from: number, to: number, out: Float64Array): void;
  /** Rows `from` to `to` (exclusive) of the source itself without a copy, where it holds them so. */
  view?(from: number, to: number): Float64Array | null;
}

/** A matrix as it is, or standardised row by row. */
export function matrixRows(x: Matrix, scaler: Scaler | null): RowSource {
  const m = x.columns;
  if (scaler === null) {
    return {
      columns: m,
      fill(rows, from, to, out) {
        for (let i = from; i < to; i++) out.set(x.data.subarray(rows[i] * m, (rows[i] + 1) * m), (i - from) * m);
      },
      view: (from, to) => x.data.subarray(from * m, to * m),
    };
  }
  const { mean, scale } = scaler;
  return {
    columns: m,
    fill(rows, from, to, out) {
      for (let i = from; i < to; i++) {
        const source = rows[i] * m;
        const target = (i - from) * m;
        for (let j = 0; j < m; j++) out[target + j] = (x.data[source + j] - mean[j]) / scale[j];
      }
    },
  };
}

/** Some columns of another source. */
export function chosenColumns(source: RowSource, columns: Int32Array): RowSource {
  const [all, m] = [source.columns, columns.length];
  let buffer = new Float64Array(0);
  const chosen =
    (fill: RowSource["fill"]): RowSource["fill"] =>
    (rows, from, to, out) => {
      if (buffer.length < (to - from) * all) buffer = new Float64Array((to - from) * all);
      fill(rows, from, to, buffer);
      for (let i = 0, at = 0; i < to - from; i++) {
        for (let k = 0; k < m; k++, at++) out[at] = buffer[i * all + columns[k]];
      }
    };
  const measured = source.fillMeasured?.bind(source);
  return { columns: m, fill: chosen(source.fill.bind(source)), ...(measured && { fillMeasured: chosen(measured) }) };
}
