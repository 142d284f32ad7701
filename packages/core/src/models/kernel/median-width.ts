import { inputError } from "../../errors.js";
import type { Matrix } from "../../linalg/matrix.js";

/** Rows whose distances are looked at: evenly spaced ones where there are more. */
const MOST_ROWS = 1000;

/** γ = 1/(2·median ‖x_i−x_j‖²) over pairs of different rows, the median heuristic. @throws input: most rows coincide. */
export function medianGamma(x: Matrix): number {
  const count = Math.min(MOST_ROWS, x.rows);
  const rows = Array.from({ length: count }, (_, k) => x.row(Math.floor((k * x.rows) / count)));
  const squares = new Float64Array((count * (count - 1)) / 2);
  let at = 0;
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < i; j++, at++) {
      let square = 0;
      for (let k = 0; k < x.columns; k++) square += (rows[i][k] - rows[j][k]) ** 2;
      squares[at] = square;
    }
  }
  squares.sort();
  const middle = squares.length >> 1;
  const median = squares.length % 2 === 1 ? squares[middle] : 0.5 * (squares[middle - 1] + squares[middle]);
  if (!(median > 0 && median < Infinity)) {
    throw inputError("Half of all pairs of rows coincide, so that their distances suggest no width γ: give one.");
  }
  return 1 / (2 * median);
}
