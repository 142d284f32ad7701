import type { Block, Dataset } from "../data/dataset.js";

/** The same rows under other weights (n, positive, summing to 1). */
export function reweighted(data: Dataset, weights: Float64Array): Dataset {
  return {
    rows: data.rows,
    features: data.features,
    y: data.y,
    weights,
    *blocks(rowsPerBlock?: number, firstRow?: number): Generator<Block> {
      for (const block of data.blocks(rowsPerBlock, firstRow)) {
        yield { ...block, w: weights.subarray(block.firstRow, block.firstRow + block.y.length) };
      }
    },
    select(rows) {
      const chosen = Float64Array.from(rows, (i) => weights[i]);
      const total = chosen.reduce((sum, weight) => sum + weight, 0);
      return reweighted(
        data.select(rows),
        chosen.map((weight) => weight / total),
      );
    },
  };
}
