import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { addWeightedGram } from "../models/feature-map.js";
import { asColumn } from "../models/sweep.js";
import { timeSlices, type Work } from "../parallel/work.js";
import type { Threat } from "../threats/threat.js";
import type { TrainedRisk } from "./attacked-risk.js";
import { type ScoreCurvature, scoreCurvature } from "./score-curvature.js";
import { movedRows, type ScoreEnd, scoreEnds } from "./score-ends.js";

/** Entries of the feature rows that are formed at once. */
const STRETCH_ENTRIES = 1 << 17;

/** The robust risk of a score quadratic in x at one θ, its two ends joined smoothly, to second order. */
export interface SmoothedRisk {
  readonly theta: Float64Array;
  /** Σ w M(l⁺, l⁻) + ½ΣPθ², M(a, b) = (a+b)/2 + √((a−b)²/4 + width²) */
  readonly smoothed: number;
  /** Σ w max(l⁺, l⁻), without the ridge: exact. */
  readonly loss: number;
  readonly objective: number;
  /** ∇ of `smoothed` (d). */
  readonly gradient: Float64Array;
  /** ∇² of `smoothed` (d×d, lower triangle), parts that would make it indefinite left out. */
  readonly hessian: Matrix;
  /** √(Σ w ℓ'²) */
  readonly slopeSize: number;
}

/**
 * R(θ) = Σ w max(ℓ(f⁺), ℓ(f⁻)) + ½ΣPθ² for a score quadratic in x under ‖δ⊘b‖₂ ≤ ρ (MATH 10a, 13), with f^± the ends of the
 * score by the trust-region subproblem. f⁺ is convex in θ: ∇f⁺ = v(x+δ), ∇²f⁺ = V diag(b)Q K Q'diag(b)V' with V = ∂v/∂x at x+δ
 * and K = M⁻¹ − M⁻¹uu'M⁻¹/(u'M⁻¹u), M = μI − Λ (K = M⁻¹ inside the ball). Losses that fall or rise throughout have one end.
 */
export async function quadraticRobustRisk(
  trained: TrainedRisk,
  threat: Threat,
  radius: number,
  theta: Float64Array,
  width: number,
  work?: Work,
): Promise<SmoothedRisk> {
  const { model, data, ridge } = trained;
  const { map, loss } = model;
  const d = map.count;
  const curvature = scoreCurvature(model, threat, theta);
  if (curvature === null) throw new TypeError("The score is not quadratic in x.");
  const gradient = Matrix.zeros(d, 1);
  const [hessian, excess] = [Matrix.zeros(d, d), Matrix.zeros(d, d)];
  let [smoothed, exact, slopeSquares] = [0, 0, 0];
  const slices = timeSlices(work);
  for (const { x, y, w, firstRow } of data.blocks(Math.max(16, Math.floor(STRETCH_ENTRIES / d)))) {
    const { up, down } = scoreEnds(model, curvature, theta, radius, x);
    const r = y.length;
    const sides = [up, down].map((end) => ({
      end,
      slope: new Float64Array(r),
      bend: new Float64Array(r),
      first: new Float64Array(r),
    }));
    const tied = new Float64Array(r);
    for (let i = 0; i < r; i++) {
      const values = sides.map(({ end }) => loss.value(end.scores[i], y[i]));
      const half = 0.5 * (values[0] - values[1]);
      const round = Number.isNaN(loss.kink(y[i])) ? 0 : width;
      const root = Math.sqrt(half * half + round * round);
      const lean = root > 0 ? half / root : 1;
      const shares = [0.5 * (1 + lean), 0.5 * (1 - lean)];
      exact += w[i] * Math.max(values[0], values[1]);
      smoothed += w[i] * (0.5 * (values[0] + values[1]) + root);
      tied[i] = root > 0 ? (0.25 * w[i] * round * round) / root ** 3 : 0;
      sides.forEach(({ end, slope, bend, first }, side) => {
        first[i] = loss.first(end.scores[i], y[i]);
        slope[i] = w[i] * shares[side] * first[i];
        bend[i] = w[i] * shares[side] * loss.second(end.scores[i], y[i]);
        slopeSquares += w[i] * shares[side] * first[i] * first[i];
      });
    }
    const features = sides.map(({ end, slope, bend }) => {
      const moved = movedRows(curvature, x, end.points);
      map.addPullback(moved, asColumn(slope), gradient);
      addScoreCurvature(map, curvature, end, slope, moved, radius, hessian, excess);
      const v = map.features(moved);
      addWeightedGram(v, bend, hessian.data, d);
      return v;
    });
    if (tied.some((value) => value > 0)) {
      const [above, below] = features;
      for (let i = 0, at = 0; i < r; i++) {
        for (let j = 0; j < d; j++, at++) {
          above.data[at] = sides[0].first[i] * above.data[at] - sides[1].first[i] * below.data[at];
        }
      }
      addWeightedGram(above, tied, hessian.data, d);
    }
    if (slices.due()) await slices.pause({ phase: "robust optimum", done: firstRow + r, total: data.rows });
  }
  let penalty = 0;
  for (let j = 0; j < d; j++) {
    gradient.data[j] += ridge[j] * theta[j];
    penalty += 0.5 * ridge[j] * theta[j] * theta[j];
    for (let k = 0; k <= j; k++) hessian.data[j * d + k] -= excess.data[j * d + k];
    hessian.data[j * (d + 1)] += ridge[j];
  }
  return {
    theta,
    smoothed: smoothed + penalty,
    loss: exact,
    objective: exact + penalty,
    gradient: gradient.data,
    hessian,
    slopeSize: Math.sqrt(slopeSquares),
  };
}

/** hessian += Σ ω_i V diag(b)Q M⁻¹ Q'diag(b)V', excess += its part along u that the sphere takes away, ω = |w share ℓ'|. */
function addScoreCurvature(
  map: TrainedRisk["model"]["map"],
  { attacked, budgets, eigenvalues, eigenvectors }: ScoreCurvature,
  { sign, points, multipliers }: ScoreEnd,
  slope: Float64Array,
  moved: Matrix,
  radius: number,
  hessian: Matrix,
  excess: Matrix,
): void {
  const [r, a, m, d] = [slope.length, attacked.length, map.inputs, map.count];
  // A loss that rises towards this end bends with it; the other way round it would bend down, and is next to no part of M.
  const omega = slope.map((value) => Math.max(0, sign * value));
  const inverse = (i: number, k: number): number => {
    const gap = multipliers[i] - sign * eigenvalues[k];
    return gap > 1e-14 * Math.abs(multipliers[i]) ? 1 / gap : 0;
  };
  const weights = new Float64Array(r);
  const direction = Matrix.zeros(1, m);
  for (let k = 0; k < a; k++) {
    for (let j = 0; j < a; j++) direction.data[attacked[j]] = budgets[j] * eigenvectors.data[k * a + j];
    for (let i = 0; i < r; i++) weights[i] = omega[i] * inverse(i, k);
    addWeightedGram(map.jacobianTimes(moved, direction), weights, hessian.data, d);
  }
  const pulled = Matrix.zeros(r, a);
  for (let i = 0; i < r; i++) {
    const u = points.row(i);
    let [square, along] = [0, 0];
    for (let k = 0; k < a; k++) {
      const z = u[k] * inverse(i, k);
      pulled.data[i * a + k] = z;
      square += u[k] * u[k];
      along += u[k] * z;
    }
    const onSphere = square > radius * radius * (1 - 1e-9);
    weights[i] = onSphere && along > 0 ? omega[i] / along : 0;
  }
  const turned = new Float64Array(r * a);
  if (r > 0) blas().gemm(false, false, r, a, a, 1, pulled.data, a, eigenvectors.data, a, 0, turned, a);
  const directions = Matrix.zeros(r, m);
  for (let i = 0; i < r; i++) {
    for (let k = 0; k < a; k++) directions.data[i * m + attacked[k]] = budgets[k] * turned[i * a + k];
  }
  addWeightedGram(map.jacobianTimes(moved, directions), weights, excess.data, d);
}
