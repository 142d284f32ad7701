/** Two tiles fit the first cache. */
const TILE = 32;

/** A dense row-major matrix of float64. `data.length === rows * columns`; entry (i, j) is `data[i * columns + j]`. */
export class Matrix {
  constructor(
    readonly data: Float64Array,
    readonly rows: number,
    readonly columns: number,
  ) {
    if (!(Number.isInteger(rows) && rows >= 0 && Number.isInteger(columns) && columns >= 0)) {
      throw new RangeError("A matrix is new Matrix(data, rows, columns), with two whole numbers ≥ 0 at the end.");
    }
    if (data.length !== rows * columns) {
      throw new RangeError(`A ${rows}×${columns} matrix needs ${rows * columns} numbers, got ${data.length}.`);
    }
  }

  static zeros(rows: number, columns: number): Matrix {
    return new Matrix(new Float64Array(rows * columns), rows, columns);
  }

  /** Copies nested arrays, one inner array a row. */
  static fromRows(rows: readonly ArrayLike<number>[]): Matrix {
    const columns = rows[0]?.length ?? 0;
    const matrix = Matrix.zeros(rows.length, columns);
    rows.forEach((row, i) => {
      if (row.length !== columns) throw new RangeError(`Row ${i} has ${row.length} entries, row 0 has ${columns}.`);
      matrix.data.set(row, i * columns);
    });
    return matrix;
  }

  /** A view of one row; writes go through. */
  row(i: number): Float64Array {
    return this.data.subarray(i * this.columns, (i + 1) * this.columns);
  }

  /** A copy of one column. */
  column(j: number): Float64Array {
    const out = new Float64Array(this.rows);
    for (let i = 0; i < this.rows; i++) out[i] = this.data[i * this.columns + j];
    return out;
  }

  /** A copy with rows and columns exchanged. */
  transposed(): Matrix {
    const out = Matrix.zeros(this.columns, this.rows);
    this.writeTransposed(out.data);
    return out;
  }

  /** Its numbers column by column, to `out`, tile by tile. */
  writeTransposed(out: Float64Array): void {
    const { rows, columns, data } = this;
    if (rows === 1 || columns === 1) {
      out.set(data);
      return;
    }
    for (let top = 0; top < rows; top += TILE) {
      const bottom = Math.min(rows, top + TILE);
      for (let left = 0; left < columns; left += TILE) {
        const right = Math.min(columns, left + TILE);
        for (let i = top; i < bottom; i++) {
          for (let j = left; j < right; j++) out[j * rows + i] = data[i * columns + j];
        }
      }
    }
  }

  /** A view of rows `from` (inclusive) to `to` (exclusive). */
  rowRange(from: number, to: number): Matrix {
    return new Matrix(this.data.subarray(from * this.columns, to * this.columns), to - from, this.columns);
  }
}
