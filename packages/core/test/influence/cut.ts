import { type Block, type Dataset, Matrix } from "../../src/index.js";

/** The same rows, handed out `size` at a time at most. */
export class Cut implements Dataset {
  constructor(
    private readonly inner: Dataset,
    private readonly size: number,
  ) {}
  get rows() {
    return this.inner.rows;
  }
  get features() {
    return this.inner.features;
  }
  get y() {
    return this.inner.y;
  }
  get weights() {
    return this.inner.weights;
  }
  *blocks(): Generator<Block> {
    // One buffer for all blocks: nobody may keep the rows of the last one.
    const buffer = new Float64Array(this.size * this.inner.features.length);
    for (const block of this.inner.blocks(this.size)) {
      buffer.fill(Number.NaN);
      buffer.set(block.x.data);
      const x = new Matrix(buffer.subarray(0, block.x.data.length), block.x.rows, block.x.columns);
      yield { ...block, x, lasting: false };
    }
  }
  select(rows: Int32Array): Dataset {
    return new Cut(this.inner.select(rows), this.size);
  }
}
