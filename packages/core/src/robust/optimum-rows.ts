import { Matrix } from "../linalg/matrix.js";
import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { RobustProblem } from "./optimum-problem.js";

/**
 * Sums over rows of h_i(f, R) = ½(1+κ)ℓ(f+R) + ½(1−κ)ℓ(f−R), R = ρN: with κ = ±1 at the worse end this is the row's worst
 * loss; κ within (−1, 1) is the multiplier of a row whose two ends are equally bad (MATH 10a).
 */
export interface RowSums {
  /** n: f_i */
  readonly scores: Float64Array;
  /** Σ w h */
  readonly loss: number;
  /** Σ w ∂h/∂f v (d) */
  readonly slope: Float64Array;
  /** Σ w ∂²h/∂f∂R v (d) */
  readonly cross: Float64Array;
  /** Σ w ∂²h/∂f² vv' (d×d, lower triangle); 0×0 where it was not asked for. */
  readonly gram: Matrix;
  /** Σ w ∂h/∂R ≥ 0 */
  readonly push: number;
  /** Σ w ∂²h/∂R² */
  readonly bend: number;
  /** √Σ w (∂h/∂f)² */
  readonly slopeSize: number;
}

/**
 * One pass over the data.
 * @param kappa n: κ of each row; written for kinked rows where `width` > 0.
 * @param width μ > 0 smooths the maximum over the two ends: |D| → √(D² + μ²), D = ½(ℓ(f+R) − ℓ(f−R)), κ = D/√(D² + μ²).
 * @param curvature whether the Gram matrix, the larger part of the work, is wanted.
 */
export async function rowSums(
  { fit: { model, data }, kinked, corner, moments }: RobustProblem,
  theta: Float64Array,
  reach: number,
  kappa: Float64Array,
  width: number,
  work?: Work,
  curvature = true,
): Promise<RowSums> {
  const { map, loss } = model;
  const scores = new Float64Array(data.rows);
  const upper = new Float64Array(3);
  const lower = new Float64Array(3);
  let total = 0;
  let push = 0;
  let bend = 0;
  let slopeSquares = 0;
  // Where ℓ'' is a constant, so is the Gram matrix on either side of a corner.
  const sweepsGram = curvature && !(loss.quadratic && width === 0);
  const { pull, grams } = await sweep(
    map,
    data,
    { theta: asColumn(theta), pull: 2, grams: sweepsGram ? 1 : 0, phase: "robust optimum" },
    ({ block: { y, w, firstRow }, scores: f, pull: omega, grams: [gram] }) => {
      scores.set(f.data, firstRow);
      for (let i = 0; i < y.length; i++) {
        const row = firstRow + i;
        let value: number;
        let first: number;
        let second: number;
        let firstR: number;
        let cross: number;
        let secondR: number;
        const smooth = width > 0 && kinked[row] === 1 && corner !== null;
        if (!smooth && Math.abs(kappa[row]) === 1) {
          const side = kappa[row];
          loss.jet(f.data[i] + side * reach, y[i], upper);
          value = upper[0];
          first = upper[1];
          second = upper[2];
          firstR = side * first;
          cross = side * second;
          secondR = second;
        } else {
          loss.jet(f.data[i] + reach, y[i], upper);
          loss.jet(f.data[i] - reach, y[i], lower);
          let extra = 0;
          if (smooth) {
            const gap = corner.gap(f.data[i], y[i], reach);
            const size = Math.hypot(gap, width);
            kappa[row] = gap / size;
            // What κD leaves out of √(D² + μ²), and its curvature μ²/(D² + μ²)^{3/2}.
            extra = (width / size) * width;
            const curvature = extra / (size * size);
            const gapF = 0.5 * (upper[1] - lower[1]);
            const gapR = 0.5 * (upper[1] + lower[1]);
            second = curvature * gapF * gapF;
            cross = curvature * gapF * gapR;
            secondR = curvature * gapR * gapR;
          } else {
            second = 0;
            cross = 0;
            secondR = 0;
          }
          const a = 0.5 * (1 + kappa[row]);
          const b = 0.5 * (1 - kappa[row]);
          value = a * upper[0] + b * lower[0] + extra;
          first = a * upper[1] + b * lower[1];
          firstR = a * upper[1] - b * lower[1];
          second += a * upper[2] + b * lower[2];
          cross += a * upper[2] - b * lower[2];
          secondR += a * upper[2] + b * lower[2];
        }
        total += w[i] * value;
        push += w[i] * firstR;
        bend += w[i] * secondR;
        slopeSquares += w[i] * first * first;
        omega.data[2 * i] = w[i] * first;
        omega.data[2 * i + 1] = w[i] * cross;
        if (sweepsGram) gram[i] = w[i] * second;
      }
    },
    work,
  );
  const d = map.count;
  return {
    scores,
    loss: total,
    slope: Float64Array.from({ length: d }, (_, j) => pull.data[2 * j]),
    cross: Float64Array.from({ length: d }, (_, j) => pull.data[2 * j + 1]),
    gram: sweepsGram ? grams[0] : curvature ? scaled(moments, loss.second(0, 0)) : Matrix.zeros(0, 0),
    push,
    bend,
    slopeSize: Math.sqrt(slopeSquares),
  };
}

const scaled = ({ data, rows, columns }: Matrix, by: number): Matrix =>
  new Matrix(
    data.map((value) => by * value),
    rows,
    columns,
  );

/** κ = ±1 of every row at its worse end (n); 0 where the reach is 0, so that ℓ itself is meant. */
export function worseEnds({ fit: { model, data } }: RobustProblem, scores: Float64Array, reach: number): Float64Array {
  return scores.map((f, i) => (reach > 0 ? model.loss.worseEnd(f, data.y[i], reach) : 0));
}
