import { numericalError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import { maximumMagnitude } from "../../threats/norms.js";
import { dot, hessianTimes, invertHessian } from "../inverse-hessian.js";
import { coordinateDescent, type QuadraticLasso } from "./coordinate-descent.js";

/** Gradients at a zero count as above λ from this share of their size on; below, they are rounding. */
const ROUNDING = 1e-13;
/** So small a gradient on the active set, relative to its terms, is what a solve leaves. */
const ARRIVED = 1e-11;
/** Of the largest diagonal entry, where H is singular on the active set. */
const SMALL_RIDGE = 1e-9;

/**
 * The minimiser to rounding. Coordinate descent finds most of the signs; then signs are corrected one at a time: with signs s on
 * the active set A the minimiser solves H_AA z = b_A − λ_A s. The way there is followed until an entry reaches 0, which leaves A;
 * at its end the zero whose gradient exceeds λ most enters with the opposite sign. Each step lowers the objective, so no set of
 * signs comes back and the end is reached in finitely many steps.
 * @throws numerical: the signs do not settle (columns that are copies of each other).
 */
export function quadraticLasso(problem: QuadraticLasso, start: Float64Array): Float64Array {
  const { H, b, penalties } = problem;
  const k = b.length;
  const z = start.slice();
  coordinateDescent(problem, z);
  const sign = z.map(Math.sign);
  const active = new Set([...penalties.keys()].filter((j) => penalties[j] === 0 || z[j] !== 0));
  const size = maximumMagnitude(b) + maximumMagnitude(penalties);
  for (let step = 0; step < 100 + 20 * k; step++) {
    const A = [...active].toSorted((i, j) => i - j);
    const { target, isShort } = solveOn(A, problem, sign, z);
    const leaving = moveTowards(A, z, target, sign, penalties);
    if (leaving.length > 0) {
      for (const j of leaving) active.delete(j);
      continue;
    }
    const gradient = hessianTimes(H, z).map((value, j) => value - b[j]);
    // A step that a singular H held back has not yet arrived.
    if (isShort && A.some((j) => Math.abs(gradient[j] + penalties[j] * sign[j]) > ARRIVED * size)) continue;
    let entering = -1;
    let most = ROUNDING * size;
    for (let j = 0; j < k; j++) {
      const excess = Math.abs(gradient[j]) - penalties[j];
      if (!active.has(j) && excess > most) [entering, most] = [j, excess];
    }
    if (entering < 0) return z;
    sign[entering] = -Math.sign(gradient[entering]);
    active.add(entering);
  }
  throw numericalError(
    "The lasso's signs did not settle: look for columns that are nearly copies of each other, or add a ridge (elastic net), such as --l2 0.01.",
  );
}

/**
 * H_AA⁻¹(b_A − λ_A s). Where H_AA is singular, a step with a small ridge on it: along the directions that H does not see it goes
 * far, to where an entry reaches 0 and leaves.
 */
function solveOn(
  A: readonly number[],
  { H, b, penalties }: QuadraticLasso,
  sign: Float64Array,
  z: Float64Array,
): { target: Float64Array; isShort: boolean } {
  if (A.length === 0) return { target: new Float64Array(0), isShort: false };
  const part = principalPart(H, A);
  const right = Float64Array.from(A, (j) => b[j] - penalties[j] * sign[j]);
  const inverse = invertHessian(part);
  if (inverse.method === "cholesky") return { target: inverse.solve(right), isShort: false };
  const from = Float64Array.from(A, (j) => z[j]);
  const downhill = hessianTimes(part, from).map((value, a) => right[a] - value);
  let largest = 0;
  for (let a = 0; a < A.length; a++) largest = Math.max(largest, part.data[a * (A.length + 1)]);
  for (let a = 0; a < A.length; a++) part.data[a * (A.length + 1)] += SMALL_RIDGE * largest;
  const step = invertHessian(part).solve(downhill);
  return { target: step.map((value, a) => from[a] + value), isShort: true };
}

/** The rows and columns A of a symmetric matrix (lower triangles; A ascending). */
export function principalPart(H: Matrix, A: readonly number[]): Matrix {
  const part = Matrix.zeros(A.length, A.length);
  A.forEach((i, a) => {
    for (let c = 0; c <= a; c++) part.data[a * A.length + c] = H.data[i * H.columns + A[c]];
  });
  return part;
}

/** Moves z_A to its target, or to where the first penalised entries reach 0 on the way: those are returned. */
function moveTowards(
  A: readonly number[],
  z: Float64Array,
  target: Float64Array,
  sign: Float64Array,
  penalties: Float64Array,
): number[] {
  let length = 1;
  let leaving: number[] = [];
  A.forEach((j, a) => {
    if (penalties[j] === 0 || sign[j] * target[a] > 0) return;
    // An entry that has just come in starts at 0 and moves its own way, but for rounding.
    const t = z[j] === 0 ? 0 : z[j] / (z[j] - target[a]);
    if (t < length) [length, leaving] = [t, [j]];
    else if (t === length) leaving.push(j);
  });
  A.forEach((j, a) => {
    z[j] = length === 1 ? target[a] : z[j] + length * (target[a] - z[j]);
  });
  for (const j of leaving) {
    z[j] = 0;
    sign[j] = 0;
  }
  return leaving;
}

/** z'(Hz) */
export const quadraticForm = (H: Matrix, z: Float64Array): number => Math.max(0, dot(z, hessianTimes(H, z)));
