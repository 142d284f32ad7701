import type { Block } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";

/** Every `step`th row of the data set that lies in a block. */
export function everyRow(block: Block, step: number): Block {
  if (step === 1) return block;
  const chosen: number[] = [];
  for (let i = (step - (block.firstRow % step)) % step; i < block.x.rows; i += step) chosen.push(i);
  const x = Matrix.zeros(chosen.length, block.x.columns);
  chosen.forEach((i, at) => {
    x.row(at).set(block.x.row(i));
  });
  const of = (values: Float64Array): Float64Array => Float64Array.from(chosen, (i) => values[i]);
  return { x, y: of(block.y), w: of(block.w), firstRow: block.firstRow };
}
