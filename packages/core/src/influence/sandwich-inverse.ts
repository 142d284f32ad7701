import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { EquilibratedCholesky, symmetrise } from "../linalg/symmetric.js";
import type { Fit } from "../solvers/fit.js";

/**
 * H⁻¹, or H⁺ where H is singular. Where two columns are nearly the same, the entries of H⁻¹ are large and cancel in what they are
 * multiplied with: a product with the matrix is off by cond(H)^1.5 roundings, a solve with the factor of H by cond(H).
 */
export interface InverseOfHessian {
  /**
   * LL' = SHS where H is so close to singular that v'H⁻¹MH⁻¹v has no digits left of entries as large as those between; it has them of
   * L⁻¹Sv, which is of the size of v. Null elsewhere.
   */
  readonly frame: EquilibratedCholesky | null;
  /** What v'H⁻¹v is asked of: H⁻¹, or the identity in the frame. */
  readonly form: Matrix;
  /** What v'H⁻¹MH⁻¹v is asked of in the frame; null without one. */
  formBetween(inner: Matrix): Matrix | null;
  /** H⁻¹B (d×k) */
  times(b: Matrix): Matrix;
  /** H⁻¹b (d) */
  image(b: Float64Array): Float64Array;
}

export function inverseOfHessian(fit: Fit): InverseOfHessian {
  const factor = factorOf(fit);
  const matrix = inverseMatrix(fit, factor);
  const frame = factor && factor.conditionEstimate() > NEARLY_SINGULAR ? factor : null;
  return {
    frame,
    form: frame ? identity(frame.order) : matrix,
    formBetween: (inner) => (frame ? halfBetween(frame, inner) : null),
    times: (b) => factor?.solve(b) ?? product(matrix, b),
    image: (b) => fit.inverse.solve(b),
  };
}

/** The condition number of H, equilibrated, from which forms are taken in its frame: below, entries leave them six digits. */
const NEARLY_SINGULAR = 1e5;

/** L⁻¹S M SL⁻' */
const halfBetween = (frame: EquilibratedCholesky, inner: Matrix): Matrix =>
  frame.halfSolve(frame.halfSolve(inner).transposed()).transposed();

function identity(d: number): Matrix {
  const out = Matrix.zeros(d, d);
  for (let j = 0; j < d; j++) out.data[j * (d + 1)] = 1;
  return out;
}

function factorOf({ hessian, inverse }: Fit): EquilibratedCholesky | null {
  const factor = inverse.method !== "pseudo-inverse" ? EquilibratedCholesky.factor(hessian) : null;
  return factor instanceof EquilibratedCholesky ? factor : null;
}

/**
 * H⁻¹ (d×d, full), or H⁺ where H is singular: one factorisation and one Newton step X ← X + X(1 − HX), which does for all
 * columns at once what a refined solve does for one.
 */
export function inverseMatrix(fit: Fit, factor = factorOf(fit)): Matrix {
  const { hessian, inverse } = fit;
  const d = hessian.rows;
  if (!factor) return inverseByColumns(d, (unit) => inverse.solve(unit));
  const X = factor.inverse();
  const full = symmetrise(new Matrix(hessian.data.slice(), d, d));
  const rest = product(full, X);
  for (let at = 0; at < rest.data.length; at++) rest.data[at] = -rest.data[at];
  for (let j = 0; j < d; j++) rest.data[j * (d + 1)] += 1;
  blas().gemm(false, false, d, d, d, 1, X.data.slice(), d, rest.data, d, 1, X.data, d);
  return symmetrise(X);
}

function inverseByColumns(d: number, solve: (b: Float64Array) => Float64Array): Matrix {
  const out = Matrix.zeros(d, d);
  for (let j = 0; j < d; j++) {
    const unit = new Float64Array(d);
    unit[j] = 1;
    out.data.set(solve(unit), j * d);
  }
  return out;
}

/** AB, or AB' with `transposed`. */
export function product(a: Matrix, b: Matrix, transposed = false): Matrix {
  const columns = transposed ? b.rows : b.columns;
  const out = Matrix.zeros(a.rows, columns);
  if (out.data.length > 0)
    blas().gemm(
      false,
      transposed,
      a.rows,
      columns,
      a.columns,
      1,
      a.data,
      a.columns,
      b.data,
      b.columns,
      0,
      out.data,
      columns,
    );
  return out;
}

/** H⁻¹MH⁻¹ */
export function between(inverse: Pick<InverseOfHessian, "times">, inner: Matrix): Matrix {
  return inverse.times(inverse.times(inner).transposed()).transposed();
}

/** H⁻¹MH⁻¹ of a symmetric M, symmetric: the mean of what rounding makes of each entry and its mirror image. */
export function covarianceBetween(inverse: Pick<InverseOfHessian, "times">, inner: Matrix): Matrix {
  const out = between(inverse, inner);
  const { data, rows: d } = out;
  for (let j = 0; j < d; j++) {
    for (let k = 0; k < j; k++) {
      const [at, mirrored] = [j * d + k, k * d + j];
      data[at] = data[mirrored] = 0.5 * (data[at] + data[mirrored]);
    }
  }
  return out;
}

/** BH⁻¹ */
export const timesInverse = (b: Matrix, inverse: Pick<InverseOfHessian, "times">): Matrix =>
  inverse.times(b.transposed()).transposed();

/** Ax, or A'x with `transposed`. */
export function image(a: Matrix, x: Float64Array, transposed = false): Float64Array {
  const out = new Float64Array(transposed ? a.columns : a.rows);
  if (a.data.length > 0) blas().gemv(transposed, a.rows, a.columns, 1, a.data, a.columns, x, 0, out);
  return out;
}
