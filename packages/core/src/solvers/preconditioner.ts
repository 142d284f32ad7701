import { Matrix } from "../linalg/matrix.js";

/** A symmetric positive definite stand-in for H⁻¹. */
export interface Preconditioner {
  readonly name: "none" | "jacobi" | "kronecker" | "nystrom" | "gauss-newton";
  /** Vectors that were multiplied with H to build it. */
  readonly products: number;
  /** M⁻¹R (d×k), as a new matrix. */
  apply(residuals: Matrix): Matrix;
}

/** One for H + λI, and those for other λ from what was made for it. */
export interface DampedPreconditioner extends Preconditioner {
  /** The same for H + λ'I, λ' ≥ 0. */
  withDamping(damping: number): DampedPreconditioner;
}

export const NO_PRECONDITIONER: Preconditioner = {
  name: "none",
  products: 0,
  apply: (residuals) => new Matrix(residuals.data.slice(), residuals.rows, residuals.columns),
};
