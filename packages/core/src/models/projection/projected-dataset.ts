import type { Block, Dataset } from "../../data/dataset.js";
import { type Projection, projectRows } from "./projection.js";

/** The rows z = P'(x − μ) themselves, computed block by block. */
export function projectedDataset(data: Dataset, projection: Projection): Dataset {
  return {
    rows: data.rows,
    features: projection.names,
    y: data.y,
    weights: data.weights,
    *blocks(rowsPerBlock?: number): Generator<Block> {
      for (const block of data.blocks(rowsPerBlock)) yield { ...block, x: projectRows(projection, block.x) };
    },
    select: (rows) => projectedDataset(data.select(rows), projection),
    ...(data.check && { check: () => data.check?.() }),
  };
}
