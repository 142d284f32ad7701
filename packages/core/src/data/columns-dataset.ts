import { Matrix } from "../linalg/matrix.js";
import type { Block, Dataset } from "./dataset.js";

/** Some features of a data set, gathered block by block; rows, targets and weights are the same. */
export class ColumnsDataset implements Dataset {
  readonly features: readonly string[];

  /** @param columns which features, in the order wanted. */
  constructor(
    private readonly whole: Dataset,
    private readonly columns: readonly number[],
  ) {
    this.features = columns.map((k) => whole.features[k]);
  }

  get rows(): number {
    return this.whole.rows;
  }

  get y(): Float64Array {
    return this.whole.y;
  }

  get weights(): Float64Array {
    return this.whole.weights;
  }

  *blocks(rowsPerBlock?: number): Iterable<Block> {
    const { columns } = this;
    for (const block of this.whole.blocks(rowsPerBlock)) {
      const { x } = block;
      const part = Matrix.zeros(x.rows, columns.length);
      for (let i = 0, at = 0; i < x.rows; i++) {
        for (const k of columns) part.data[at++] = x.data[i * x.columns + k];
      }
      yield { ...block, x: part };
    }
  }

  select(rows: Int32Array): Dataset {
    return new ColumnsDataset(this.whole.select(rows), this.columns);
  }
}
