import type { Block } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import type { Fit } from "../solvers/fit.js";
import type { Response, Threat } from "../threats/threat.js";
import type { RowPull } from "./aif.js";
import { responseAt } from "./response.js";

/** A row that could take the whole budget of a Wasserstein adversary of order 1, and the others that it is tied with. */
interface TiedAt {
  readonly fit: Fit;
  readonly threat: Threat;
  readonly scale: number;
  readonly pull: RowPull;
}

/** c G_jφ_j (d) for each of some rows: what Φ is when the row takes the whole budget, w_j ω_j = 1 (MATH 8, u = 1). */
export function tiedRowColumns(at: TiedAt, rows: readonly number[]): Float64Array[] {
  const { map } = at.fit.model;
  return rows.map((row) => {
    const block = oneRow(at.fit, row);
    const { onFeatures, onJacobian, response } = rowPull(at, row, block);
    const column = Matrix.zeros(map.count, 1);
    map.addPullback(block.x, Matrix.fromRows([[at.scale * onFeatures]]), column);
    map.addJacobianPullback(block.x, response.base, Float64Array.of(at.scale * onJacobian), column.data);
    return column.data;
  });
}

/** ℓ''_i γ_i·φ_i and ℓ'_i sgn_i: the row's entries of `RowPull` with w_i ω_i = 1. */
export function rowPull(
  at: TiedAt,
  row: number,
  block = oneRow(at.fit, row),
): { onFeatures: number; onJacobian: number; response: Response } {
  const { model, scores, data } = at.fit;
  const response = responseAt(at, block);
  const slope = at.pull.slopes[row];
  return {
    onFeatures: (model.loss.second(scores[row], data.y[row]) * response.gain[0]) / slope,
    onJacobian: slope * response.sign[0],
    response,
  };
}

/** Row i as a block of its own, its weight as in the whole. */
export function oneRow({ data }: Fit, row: number): Block {
  const [block] = data.select(Int32Array.of(row)).blocks();
  return { ...block, w: data.weights.subarray(row, row + 1), firstRow: row };
}
