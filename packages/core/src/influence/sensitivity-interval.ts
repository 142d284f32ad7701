import { Matrix } from "../linalg/matrix.js";
import { sumOfSquares } from "../linalg/square.js";
import { EquilibratedCholesky, symmetricEigen } from "../linalg/symmetric.js";
import { dot } from "../solvers/inverse-hessian.js";
import { chiSquareQuantile, chiSquareTail, normalQuantile } from "../stats/distributions.js";
import type { Influence } from "./aif.js";
import { naturalHessianTimes } from "./contributions.js";
import type { LeverageBias } from "./leverage-bias.js";
import type { Sandwich } from "./sandwich.js";

/** An interval for the population's S = ½I'H_LI, per ε². */
export interface SensitivityInterval {
  readonly lower: number;
  readonly upper: number;
  /** "delta": debiased ± z·se; "projection": all ½I'H_LI with I in the confidence ellipsoid, when Î is not clearly non-zero or noise is worth all of Ŝ. */
  readonly method: "delta" | "projection";
  /** P value of the Wald test of I = 0. */
  readonly waldProbability: number;
}

/** What an interval is made of. */
type Estimate = Omit<Sandwich, "sensitivityRows">;

/** Below this Wald p value Î is clearly non-zero and Ŝ about normal (MATH 3). */
const CLEARLY_NONZERO = 1e-3;
/** Directions of V̂ this much thinner than the widest, in units of standard errors, carry no information of their own. */
const RANK_TOLERANCE = 1e-11;
/** Nor do those that are no longer than so many times the most that rounding has taken from one: V̂ has none below 0. */
const ROUNDING = 10;

/**
 * The composite rule of MATH 3.
 * @param bias what `leverageBias` found, which moves the centre of Î and Ŝ; null: nothing.
 */
export const sensitivityInterval = (
  { fit, influence }: Influence,
  found: Estimate,
  level: number,
  bias: LeverageBias | null = null,
): SensitivityInterval => curvatureInterval(influence, (u) => naturalHessianTimes(fit, u), found, level, bias);

/** The same for any model. @param naturalTimes u ↦ H_L u (d). */
export function curvatureInterval(
  influence: Float64Array,
  naturalTimes: (u: Float64Array) => Float64Array,
  found: Estimate,
  level: number,
  bias: LeverageBias | null = null,
): SensitivityInterval {
  const I = influence.map((value, j) => value - (bias ? bias.influence[j] : 0));
  const centre = found.debiased - (bias ? bias.sensitivity : 0);
  const { correlation, sizes } = inOwnUnits(found.covariance);
  const measured = I.map((value, j) => value / sizes[j]);
  const axes = fullLength(correlation, measured) ?? ellipsoid(correlation, measured);
  const waldProbability = chiSquareTail(axes.wald, axes.rank);
  const reach = normalQuantile(0.5 + level / 2) * found.sensitivityStandardError;
  // Where noise is worth more than all of Ŝ, Ŝ is far from normal, whatever the test says; wholly below 0 no interval holds.
  const isSignal = centre > 0 || centre + reach < 0;
  if (waldProbability < CLEARLY_NONZERO && isSignal) {
    return {
      lower: Math.max(0, centre - reach),
      upper: centre + reach,
      method: "delta",
      waldProbability,
    };
  }
  // x = Î + root·z with ‖z‖² ≤ χ²: ½x'Hx = S + b'z + ½z'Az.
  const root = axes.root().map((column) => column.map((value, j) => value * sizes[j]));
  const size = Math.sqrt(chiSquareQuantile(level, axes.rank));
  const towards = naturalTimes(I);
  const images = root.map((column) => naturalTimes(column));
  const A = Matrix.fromRows(root.map((column) => Float64Array.from(images, (image) => dot(column, image))));
  const b = Float64Array.from(root, (column) => dot(column, towards));
  const { values, vectors } = symmetricEigen(A);
  const slopes = Float64Array.from(values, (_, k) => dot(vectors.row(k), b) * size);
  const curvatures = values.map((value) => Math.max(0, value) * size * size);
  const S = 0.5 * dot(I, towards);
  return {
    lower: Math.max(0, Math.min(centre, S + smallestOverBall(curvatures, slopes))),
    upper: Math.max(centre, S + largestOverBall(curvatures, slopes)),
    method: "projection",
    waldProbability,
  };
}

/** V̂ and √diag V̂: which directions are thin must not hang on the units of the parameters. */
function inOwnUnits({ data, rows: d }: Matrix): { correlation: Matrix; sizes: Float64Array } {
  const sizes = Float64Array.from({ length: d }, (_, j) => Math.sqrt(Math.max(0, data[j * (d + 1)])) || 1);
  const scaled = data.map((value, at) => value / (sizes[Math.floor(at / d)] * sizes[at % d]));
  return { correlation: new Matrix(scaled, d, d), sizes };
}

/** The ellipsoid of V̂, in units of the parameters' own standard errors. */
interface Ellipsoid {
  readonly rank: number;
  /** Î'V̂⁺Î */
  readonly wald: number;
  /** Columns r_k with V̂ = Σ r_k r_k'. */
  root(): Float64Array[];
}

/** Where V̂ is as far from singular as `ellipsoid` asks, which is told without its eigenvalues; else null. */
function fullLength(covariance: Matrix, I: Float64Array): Ellipsoid | null {
  const factor = EquilibratedCholesky.factor(covariance);
  if (!(factor instanceof EquilibratedCholesky)) return null;
  // λ_min ≥ 1/‖V̂⁻¹‖_F and λ_max ≤ tr V̂, with room for rounding; a square that is lost to underflow says nothing.
  const least = 1 / Math.sqrt(sumOfSquares(factor.inverse().data));
  const most = trace(covariance);
  if (!(least <= most && least > 100 * RANK_TOLERANCE * most)) return null;
  return { rank: I.length, wald: factor.inverseQuadratic(I), root: () => ellipsoid(covariance, I).root() };
}

function trace({ data, rows: d }: Matrix): number {
  let sum = 0;
  for (let j = 0; j < d; j++) sum += data[j * (d + 1)];
  return sum;
}

function ellipsoid(covariance: Matrix, I: Float64Array): Ellipsoid {
  const { values, vectors } = symmetricEigen(covariance);
  const largest = values[values.length - 1];
  const floor = Math.max(RANK_TOLERANCE * largest, -ROUNDING * values[0]);
  const kept = [...values.keys()].filter((k) => values[k] > floor);
  const wald = kept.reduce((sum, k) => sum + dot(vectors.row(k), I) ** 2 / values[k], 0);
  const root = (): Float64Array[] => kept.map((k) => vectors.row(k).map((v) => v * Math.sqrt(values[k])));
  return { rank: kept.length, wald, root };
}

/** min over ‖z‖ ≤ 1 of Σ b_k z_k + ½ a_k z_k², a ≥ 0: z_k = −b_k/(a_k + μ) with the μ ≥ 0 that keeps it in the ball. */
export function smallestOverBall(a: Float64Array, b: Float64Array): number {
  const at = (mu: number): number => a.reduce((sum, ak, k) => sum + (b[k] === 0 ? 0 : (b[k] / (ak + mu)) ** 2), 0);
  const mu = at(0) <= 1 ? 0 : root((value) => at(value) - 1, 0, Math.hypot(...b));
  return a.reduce((sum, ak, k) => {
    const z = b[k] === 0 ? 0 : -b[k] / (ak + mu);
    return sum + b[k] * z + 0.5 * ak * z * z;
  }, 0);
}

/** max over ‖z‖ ≤ 1 of Σ b_k z_k + ½ a_k z_k², a ≥ 0: on the sphere, z_k = b_k/(μ − a_k) with μ ≥ max a. */
export function largestOverBall(a: Float64Array, b: Float64Array): number {
  const top = Math.max(...a);
  const at = (mu: number): number => a.reduce((sum, ak, k) => sum + (b[k] === 0 ? 0 : (b[k] / (mu - ak)) ** 2), 0);
  const length = Math.hypot(...b);
  if (top === 0 && length === 0) return 0;
  // Where b has no part along the largest a, what is left of the unit length goes there.
  const hard = at(top) <= 1;
  const mu = hard ? top : root((value) => at(value) - 1, top, top + length);
  let value = 0;
  let used = 0;
  a.forEach((ak, k) => {
    const z = b[k] === 0 ? 0 : b[k] / (mu - ak);
    value += b[k] * z + 0.5 * ak * z * z;
    used += z * z;
  });
  return value + (hard ? 0.5 * top * Math.max(0, 1 - used) : 0);
}

/** The zero of a decreasing function between `low` (where it is positive or infinite) and `high`, by bisection. */
function root(f: (x: number) => number, low: number, high: number): number {
  let [from, to] = [low, high];
  for (let step = 0; step < 200; step++) {
    const middle = 0.5 * (from + to);
    if (middle <= from || middle >= to) break;
    if (f(middle) > 0) from = middle;
    else to = middle;
  }
  return to;
}
