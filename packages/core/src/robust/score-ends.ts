import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import type { ScoreModel } from "../models/score-model.js";
import { asColumn } from "../models/sweep.js";
import type { ScoreCurvature } from "./score-curvature.js";
import { ballMaximum, quadraticValue } from "./trust-region.js";

/** The largest (sign +1) or smallest (−1) score that each of r rows can be given within ‖δ⊘b‖₂ ≤ ρ. */
export interface ScoreEnd {
  readonly sign: 1 | -1;
  /** r */
  readonly scores: Float64Array;
  /** r×a: δ = b ⊙ Qu, row by row. */
  readonly points: Matrix;
  /** r: μ of the ball; (μI ∓ Λ)u = ±Q'(b⊙γ), and μ = 0 where δ is inside the ball. */
  readonly multipliers: Float64Array;
}

/**
 * Both ends of the score of every row, exactly: f(x+δ) = f + γ·δ + ½δ'∇²f δ is a trust-region subproblem for its maximum and,
 * with all signs turned, for its minimum; one eigen-decomposition serves all rows (MATH 13).
 */
export function scoreEnds(
  { map }: ScoreModel,
  curvature: ScoreCurvature,
  theta: Float64Array,
  radius: number,
  x: Matrix,
): { up: ScoreEnd; down: ScoreEnd } {
  const { attacked, budgets, eigenvalues, eigenvectors } = curvature;
  const natural = map.scores(asColumn(theta), x).data;
  const gamma = map.inputGradients(theta, x);
  const [r, a] = [x.rows, attacked.length];
  const scaled = new Float64Array(r * a);
  for (let i = 0; i < r; i++) {
    for (let k = 0; k < a; k++) scaled[i * a + k] = budgets[k] * gamma.data[i * gamma.columns + attacked[k]];
  }
  const rotated = Matrix.zeros(r, a);
  if (r > 0) blas().gemm(false, true, r, a, a, 1, scaled, a, eigenvectors.data, a, 0, rotated.data, a);
  const end = (sign: 1 | -1): ScoreEnd => {
    const g = rotated.data.map((value) => sign * value);
    const lambda = eigenvalues.map((value) => sign * value);
    const points = Matrix.zeros(r, a);
    const multipliers = new Float64Array(r);
    const scores = new Float64Array(r);
    for (let i = 0; i < r; i++) {
      const gi = g.subarray(i * a, (i + 1) * a);
      const u = points.row(i);
      multipliers[i] = ballMaximum(gi, lambda, radius, u);
      scores[i] = natural[i] + sign * quadraticValue(gi, lambda, u);
    }
    return { sign, scores, points, multipliers };
  };
  return { up: end(1), down: end(-1) };
}

/** x + b ⊙ Qu for every row (r×m). */
export function movedRows({ attacked, budgets, eigenvectors }: ScoreCurvature, x: Matrix, points: Matrix): Matrix {
  const [r, m, a] = [x.rows, x.columns, attacked.length];
  const moved = new Matrix(x.data.slice(0, r * m), r, m);
  const turned = new Float64Array(r * a);
  if (r > 0) blas().gemm(false, false, r, a, a, 1, points.data, a, eigenvectors.data, a, 0, turned, a);
  for (let i = 0; i < r; i++) {
    for (let k = 0; k < a; k++) moved.data[i * m + attacked[k]] += budgets[k] * turned[i * a + k];
  }
  return moved;
}
