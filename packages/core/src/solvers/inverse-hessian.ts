import { numericalError } from "../errors.js";
import { blas } from "../linalg/backend.js";
import type { Matrix } from "../linalg/matrix.js";
import { EquilibratedCholesky, equilibratedPseudoInverse } from "../linalg/symmetric.js";

/** Beyond this condition number of the equilibrated H (the data's own is its root, 1e7) Cholesky is not trusted (MATH 12). */
const MAXIMUM_CONDITION = 1e14;

/** With pivots no smaller than this the condition number is not worth estimating. */
const SOUND_PIVOT = 1e-6;

/** Eigenvalues of the equilibrated H below this share of the largest count as zero in a pseudo-inverse. */
const RANK_TOLERANCE = 1e-12;

/** H⁻¹, or the pseudo-inverse H⁺ of a singular H, factorised once for every right-hand side. */
export interface InverseHessian {
  /** How H⁻¹ is had; a pseudo-inverse where H is singular. */
  readonly method: "cholesky" | "eigenvalues" | "pseudo-inverse";
  readonly rank: number;
  /** Where the method is a Cholesky factorisation, that. */
  readonly factor?: EquilibratedCholesky;
  /** H⁻¹b with one refinement. */
  solve(b: Float64Array): Float64Array;
  /** The same without it, for what is a step on the way only. */
  solveRoughly(b: Float64Array): Float64Array;
  /** ‖Hx − b‖ / ‖b‖, recomputed. 0 for b = 0. */
  relativeResidual(x: Float64Array, b: Float64Array): number;
  /** ‖(I − HH⁺)b‖ / ‖b‖: how far b is from what H can reach; 0 when H is regular. */
  nullResidual(b: Float64Array): number;
  /** About b'H⁻¹b along what a pseudo-inverse leaves out, whose curvature is known to few digits; 0 when H is regular. */
  leftOut(b: Float64Array): number;
  /** √(b'H⁻¹b) */
  dualLength(b: Float64Array): number;
}

/**
 * @param hessian d×d symmetric, lower triangle valid.
 * @throws numerical: H has a non-finite entry or (beyond rounding) a negative eigenvalue.
 */
export function invertHessian(hessian: Matrix): InverseHessian {
  const d = hessian.rows;
  for (let i = 0; i < d; i++) {
    for (let j = 0; j <= i; j++) {
      if (!Number.isFinite(hessian.data[i * d + j]))
        throw numericalError(
          "The Hessian has entries that are not finite: some columns are too large to be squared; standardise or rescale them.",
        );
    }
  }
  const factor = EquilibratedCholesky.factor(hessian);
  if (factor instanceof EquilibratedCholesky) {
    const sound = factor.smallestPivot() > SOUND_PIVOT || factor.conditionEstimate() < MAXIMUM_CONDITION;
    if (sound) return choleskyInverse(hessian, factor);
  }
  return pseudoInverse(hessian);
}

function choleskyInverse(hessian: Matrix, factor: EquilibratedCholesky): InverseHessian {
  return {
    method: "cholesky",
    rank: hessian.rows,
    factor,
    solve(b) {
      const x = factor.solve(b);
      const correction = factor.solve(residual(hessian, x, b));
      for (let j = 0; j < x.length; j++) x[j] += correction[j];
      return x;
    },
    solveRoughly: (b) => factor.solve(b),
    relativeResidual: (x, b) => relative(residual(hessian, x, b), b),
    nullResidual: () => 0,
    leftOut: () => 0,
    dualLength: (b) => Math.sqrt(Math.max(0, factor.inverseQuadratic(b))),
  };
}

function pseudoInverse(hessian: Matrix): InverseHessian {
  const solver = equilibratedPseudoInverse(hessian, RANK_TOLERANCE);
  return {
    method: "pseudo-inverse",
    rank: solver.rank,
    solve: (b) => solver.solve(b),
    solveRoughly: (b) => solver.solve(b),
    relativeResidual: (x, b) => relative(residual(hessian, x, b), b),
    nullResidual: (b) => solver.nullResidual(b),
    leftOut: (b) => solver.leftOut(b),
    dualLength(b) {
      const x = solver.solve(b);
      return Math.sqrt(Math.max(0, dot(b, x)));
    },
  };
}

/** b − Hx */
function residual(hessian: Matrix, x: Float64Array, b: Float64Array): Float64Array {
  const out = b.slice();
  if (b.length > 0) blas().symv(b.length, -1, hessian.data, b.length, x, 1, out);
  return out;
}

/** Hx for a symmetric H whose lower triangle is valid. */
export function hessianTimes(hessian: Matrix, x: Float64Array): Float64Array {
  const out = new Float64Array(x.length);
  if (x.length > 0) blas().symv(x.length, 1, hessian.data, x.length, x, 0, out);
  return out;
}

/** Σ a_j b_j, in four sums side by side: each addition waits for the one before it. */
export function dot(a: Float64Array, b: Float64Array): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let j = 0;
  for (const end = a.length - 3; j < end; j += 4) {
    s0 += a[j] * b[j];
    s1 += a[j + 1] * b[j + 1];
    s2 += a[j + 2] * b[j + 2];
    s3 += a[j + 3] * b[j + 3];
  }
  for (; j < a.length; j++) s0 += a[j] * b[j];
  return s0 + s1 + (s2 + s3);
}

function relative(r: Float64Array, b: Float64Array): number {
  const size = Math.sqrt(dot(b, b));
  return size === 0 ? 0 : Math.sqrt(dot(r, r)) / size;
}
