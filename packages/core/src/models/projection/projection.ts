import type { RowBlocks } from "../../data/dataset.js";
import { usageError } from "../../errors.js";
import { blas } from "../../linalg/backend.js";
import { Matrix } from "../../linalg/matrix.js";

/** Low-dimensional inputs z = P'(x − μ) of a model, while the adversary acts on x (MATH 13). */
export interface Projection {
  readonly kind: "pca" | "factors" | "matrix";
  /** k, what the components are called. */
  readonly names: readonly string[];
  /** μ (m). */
  readonly centre: Float64Array;
  /** P (m×k). */
  readonly matrix: Matrix;
  /** k: the share of the features' variance that component j adds to what the components before it reproduce linearly. */
  readonly explained: Float64Array;
  /** The same learned from other rows; absent where nothing was learned. */
  readonly relearn?: (data: RowBlocks) => Promise<Projection>;
  /** How an iteration ended; absent where there was none. */
  readonly convergence?: { readonly iterations: number; readonly change: number };
  /** Features whose own variance a factor analysis puts at its lower limit (Heywood cases); absent elsewhere. */
  readonly atLimit?: readonly number[];
}

/** Z = (X − μ)P for the rows of a block: r×k. */
export function projectRows({ centre, matrix }: Projection, x: Matrix): Matrix {
  const [r, m, k] = [x.rows, matrix.rows, matrix.columns];
  const z = Matrix.zeros(r, k);
  if (r === 0) return z;
  const shift = new Float64Array(k);
  blas().gemv(true, m, k, -1, matrix.data, k, centre, 0, shift);
  for (let i = 0; i < r; i++) z.row(i).set(shift);
  blas().gemm(false, false, r, k, m, 1, x.data, m, matrix.data, k, 1, z.data, k);
  return z;
}

/** Φ P for directions in x, one a row or shared: how they move z. */
export function projectDirections({ matrix }: Projection, directions: Matrix): Matrix {
  const [r, m, k] = [directions.rows, matrix.rows, matrix.columns];
  const out = Matrix.zeros(r, k);
  if (r > 0) blas().gemm(false, false, r, k, m, 1, directions.data, m, matrix.data, k, 0, out.data, k);
  return out;
}

/** G P' for gradients in z, one a row or shared: the gradients in x. */
export function liftGradients({ matrix }: Projection, gradients: Matrix): Matrix {
  const [r, m, k] = [gradients.rows, matrix.rows, matrix.columns];
  const out = Matrix.zeros(r, m);
  if (r > 0) blas().gemm(false, true, r, m, k, 1, gradients.data, k, matrix.data, k, 0, out.data, m);
  return out;
}

/** @throws usage: not a whole number from 1 to m. */
export function checkComponents(components: number, features: number): void {
  if (Number.isInteger(components) && components >= 1 && components <= features) return;
  throw usageError(
    `${components} components of ${features} features make no sense: ask for a whole number from 1 to ${features}.`,
  );
}
