import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { EquilibratedCholesky, symmetrise } from "../linalg/symmetric.js";
import type { Fit } from "../solvers/fit.js";

/**
 * H⁻¹ (d×d, full), or H⁺ where H is singular: one factorisation and one Newton step X ← X + X(1 − HX), which does for all
 * columns at once what a refined solve does for one.
 */
export function inverseMatrix({ hessian, inverse }: Fit): Matrix {
  const d = hessian.rows;
  const factor = inverse.method !== "pseudo-inverse" ? EquilibratedCholesky.factor(hessian) : null;
  if (!(factor instanceof EquilibratedCholesky)) return inverseByColumns(d, (unit) => inverse.solve(unit));
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
export const between = (inverse: Matrix, inner: Matrix): Matrix => product(product(inverse, inner), inverse);

/** Ax, or A'x with `transposed`. */
export function image(a: Matrix, x: Float64Array, transposed = false): Float64Array {
  const out = new Float64Array(transposed ? a.columns : a.rows);
  if (a.data.length > 0) blas().gemv(transposed, a.rows, a.columns, 1, a.data, a.columns, x, 0, out);
  return out;
}
