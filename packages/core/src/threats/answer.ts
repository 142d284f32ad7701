import type { Block } from "../data/dataset.js";
import { newArray, type Store } from "../linalg/buffers.js";
import { Matrix } from "../linalg/matrix.js";
import type { Threat } from "./threat.js";

/** The adversary's first-order answer to r rows: φ_i (r×m) and g_i·φ_i (r). */
export interface Answer {
  readonly directions: Matrix;
  readonly gain: Float64Array;
}

/**
 * φ_i ∈ argmax g_i·d over the moves that the threat allows; φ_i = 0 where g_i = 0.
 * @param gradients r×m: g_i = ∇x l_i. @param room where directions may be written
 */
export function answerTo(gradients: Matrix, threat: Threat, block: Block, room: Store = newArray): Answer {
  const { rows, columns } = gradients;
  const slope = new Float64Array(rows).fill(1);
  const into = {
    sign: new Float64Array(rows),
    base: new Matrix(room(rows * columns), rows, columns),
    gain: new Float64Array(rows),
  };
  const { sign, base, gain } = threat.respond({ slope, base: gradients }, block, into);
  if (base.rows === gradients.rows && sign.every((s) => s === 1)) return { directions: base, gain };
  const directions = Matrix.zeros(gradients.rows, gradients.columns);
  for (let i = 0; i < directions.rows; i++) {
    const from = base.row(base.rows === 1 ? 0 : i);
    const to = directions.row(i);
    for (let k = 0; k < to.length; k++) to[k] = sign[i] * from[k];
  }
  return { directions, gain };
}
