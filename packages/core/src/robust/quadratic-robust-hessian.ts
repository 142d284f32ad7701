import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { addWeightedGram, type FeatureMap } from "../models/feature-map.js";
import { QuadraticDirections } from "../models/quadratic-directions.js";
import { QuadraticMap } from "../models/quadratic-map.js";
import { timeSlices, type Work } from "../parallel/work.js";
import type { TrainedRisk } from "./attacked-risk.js";
import { curvatureOf, joinedEnds, type Side, type SmoothedAttack } from "./quadratic-robust-risk.js";
import type { ScoreCurvature } from "./score-curvature.js";
import { movedRows } from "./score-ends.js";

/** Entries of the feature rows that are formed at once. */
const STRETCH_ENTRIES = 1 << 17;

/**
 * ∇² of `quadraticRobustRisk` (d×d, lower triangle), parts that would make it indefinite left out. ∇²f⁺ = V diag(b)Q K Q'diag(b)V'
 * with V = ∂v/∂x at x+δ and K = M⁻¹ − M⁻¹uu'M⁻¹/(u'M⁻¹u), M = μI − Λ (K = M⁻¹ inside the ball): the columns of diag(b)Q are
 * the same for all rows, M⁻¹u is each row's own.
 */
export async function quadraticRobustHessian(
  { model, data, ridge }: TrainedRisk,
  attack: SmoothedAttack,
  theta: Float64Array,
  work?: Work,
): Promise<Matrix> {
  const { map, loss } = model;
  if (!(map instanceof QuadraticMap)) throw new TypeError("The score is not quadratic in x.");
  const d = map.count;
  const curvature = curvatureOf(model, attack.threat, theta);
  const [hessian, excess] = [Matrix.zeros(d, d), Matrix.zeros(d, d)];
  const shared = new QuadraticDirections(map, curvature.attacked.length);
  const slices = timeSlices(work);
  for (const block of data.blocks(Math.max(16, Math.floor(STRETCH_ENTRIES / d)))) {
    const { x, y, firstRow } = block;
    const r = y.length;
    const { sides, shares, tied } = joinedEnds(model, curvature, theta, attack, block);
    const features = sides.map((side, at) => {
      const { scores, points } = side.end;
      const moved = movedRows(curvature, x, points);
      addScoreCurvature(map, curvature, side, moved, attack.radius, shared, excess);
      const v = map.features(moved);
      const bend = shares[at].map((share, i) => share * loss.second(scores[i], y[i]));
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
  shared.addTo(attackDirections(map, curvature), hessian);
  for (let j = 0; j < d; j++) {
    for (let k = 0; k <= j; k++) hessian.data[j * d + k] -= excess.data[j * d + k];
    hessian.data[j * (d + 1)] += ridge[j];
  }
  return hessian;
}

/** a×m: the columns of diag(b)Q. */
function attackDirections({ inputs: m }: FeatureMap, { attacked, budgets, eigenvectors }: ScoreCurvature): Matrix {
  const a = attacked.length;
  const directions = Matrix.zeros(a, m);
  for (let k = 0; k < a; k++) {
    for (let j = 0; j < a; j++) directions.data[k * m + attacked[j]] = budgets[j] * eigenvectors.data[k * a + j];
  }
  return directions;
}

/** shared += Σ ω_i V diag(b)Q M⁻¹ Q'diag(b)V', excess += its part along u that the sphere takes away, ω = |w share ℓ'|. */
function addScoreCurvature(
  map: FeatureMap,
  { attacked, budgets, eigenvalues, eigenvectors }: ScoreCurvature,
  { end: { sign, points, multipliers }, slope }: Side,
  moved: Matrix,
  radius: number,
  shared: QuadraticDirections,
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
  shared.add(moved, (k) => {
    for (let i = 0; i < r; i++) weights[i] = omega[i] * inverse(i, k);
    return weights;
  });
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
