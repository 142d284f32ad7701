import { Matrix } from "../linalg/matrix.js";
import type { Block, Dataset } from "./dataset.js";
import { gathered } from "./gather.js";

/**
 * The rows of one block as a data set of its own, in place: what is summed over the rows of a data set can then be summed block by
 * block. Weights stay those of the whole, so that they do not sum to 1.
 */
export class BlockRows implements Dataset {
  readonly rows: number;
  readonly y: Float64Array;
  readonly weights: Float64Array;

  constructor(
    readonly x: Matrix,
    { y, w }: Pick<Block, "y" | "w">,
    readonly features: readonly string[],
  ) {
    this.rows = x.rows;
    this.y = y;
    this.weights = w;
  }

  *blocks(rowsPerBlock = Math.max(1, this.rows), firstRow = 0): Generator<Block> {
    const { rows, x, y, weights } = this;
    for (let from = firstRow; from < rows; from += rowsPerBlock) {
      const to = Math.min(from + rowsPerBlock, rows);
      yield { x: x.rowRange(from, to), y: y.subarray(from, to), w: weights.subarray(from, to), firstRow: from };
    }
  }

  /** A copy of some rows, their weights as they are. */
  select(rows: Int32Array): BlockRows {
    const m = this.x.columns;
    const x = Matrix.zeros(rows.length, m);
    rows.forEach((row, i) => {
      x.data.set(this.x.row(row), i * m);
    });
    return new BlockRows(x, { y: gathered(this.y, rows), w: gathered(this.weights, rows) }, this.features);
  }
}
