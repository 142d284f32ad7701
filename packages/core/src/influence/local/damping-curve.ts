import { usageError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import { symmetricEigen } from "../../linalg/symmetric.js";
import { asColumn } from "../../models/sweep.js";
import type { Work } from "../../parallel/work.js";
import { blockConjugateGradients } from "../../solvers/block-cg.js";
import { dot } from "../../solvers/inverse-hessian.js";
import { dampedOperator } from "../../solvers/operator.js";
import { NO_PRECONDITIONER } from "../../solvers/preconditioner.js";
import type { LocalInfluence } from "./influence.js";

/** What the response would be with another λ. */
export interface DampedSensitivity {
  readonly damping: number;
  /** ½ I(λ)'H I(λ), H with the ridge and without λ; null where H + λI is not positive definite or was not solved. */
  readonly sensitivity: number | null;
  /** ‖I(λ)‖₂; null likewise. */
  readonly length: number | null;
}

/** A larger H is not decomposed: conjugate gradients from the next larger λ then take fewer products. */
const LARGEST_EIGENPROBLEM = 1500;
const SINGULAR = 1e-12;
const TOLERANCE = 1e-8;

/**
 * The curve of the sensitivity against λ: how much the damping decides. Where H was formed whole one eigen-decomposition
 * serves all λ, else conjugate gradients descend through them, each beginning at the solution of the one before.
 * @throws usage: a λ below 0; cancelled.
 */
export async function dampingCurve(
  attack: LocalInfluence,
  dampings: readonly number[],
  work: Work = {},
): Promise<DampedSensitivity[]> {
  const bad = dampings.find((lambda) => !(lambda >= 0 && lambda < Infinity));
  if (bad !== undefined) throw usageError(`The damping must be a number ≥ 0, got ${bad}.`);
  const { matrix } = attack.system;
  return matrix && matrix.rows <= LARGEST_EIGENPROBLEM
    ? byEigenvectors(matrix, attack.penaltyGradient, dampings)
    : byConjugateGradients(attack, dampings, work);
}

/** H = Q'diag(μ)Q, z = QΦ: ½I'HI = ½Σ μ_k z_k²/(μ_k + λ)². Where H + λI is singular, over the z_k that it reaches. */
function byEigenvectors(matrix: Matrix, Phi: Float64Array, dampings: readonly number[]): DampedSensitivity[] {
  const { values, vectors } = symmetricEigen(matrix);
  const z = values.map((_, k) => dot(vectors.row(k), Phi));
  const size = Math.max(Math.abs(values[0]), Math.abs(values[values.length - 1]));
  const reach = 1e-8 * Math.sqrt(dot(Phi, Phi));
  return dampings.map((damping) => {
    let [sensitivity, square, solvable] = [0, 0, true];
    values.forEach((value, k) => {
      const stiffness = value + damping;
      if (Math.abs(stiffness) <= SINGULAR * size) {
        if (Math.abs(z[k]) > reach) solvable = false;
        return;
      }
      if (stiffness < 0) solvable = false;
      sensitivity += 0.5 * value * (z[k] / stiffness) ** 2;
      square += (z[k] / stiffness) ** 2;
    });
    return solvable
      ? { damping, sensitivity, length: Math.sqrt(square) }
      : { damping, sensitivity: null, length: null };
  });
}

async function byConjugateGradients(
  { system, penaltyGradient: Phi, local: { smallestEigenvalue } }: LocalInfluence,
  dampings: readonly number[],
  work: Work,
): Promise<DampedSensitivity[]> {
  const { operator } = system;
  const found = new Map<number, DampedSensitivity>();
  const size = Math.sqrt(dot(Phi, Phi));
  let x = new Float64Array(Phi.length);
  for (const damping of new Set(dampings.toSorted((a, b) => b - a))) {
    found.set(damping, { damping, sensitivity: null, length: null });
    if (smallestEigenvalue !== null && smallestEigenvalue + damping < 0) continue;
    const damped = dampedOperator(operator, damping);
    const preconditioner = (await system.preconditioner(work, damping)) ?? NO_PRECONDITIONER;
    const image = (await damped.product(asColumn(x))).data;
    const residual = Phi.map((value, j) => value - image[j]);
    const left = Math.sqrt(dot(residual, residual));
    const { solution, converged } = await blockConjugateGradients(damped, new Matrix(residual, Phi.length, 1), {
      ...work,
      tolerance: left > 0 ? Math.min(0.5, (TOLERANCE * size) / left) : 0.5,
      preconditioner,
    });
    if (!converged) continue;
    x = x.map((value, j) => value + solution.data[j]);
    const curved = (await operator.product(asColumn(x))).data;
    found.set(damping, { damping, sensitivity: 0.5 * dot(x, curved), length: Math.sqrt(dot(x, x)) });
  }
  return dampings.flatMap((damping) => found.get(damping) ?? []);
}
