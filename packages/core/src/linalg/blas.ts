import type { PartsJob } from "./parts/jobs.js";

/** A job that other threads are at. Until it has ended, its numbers must stay as they are, and products of this thread keep to one thread. */
export interface BegunParts {
  /** Does parts until the others have taken all. It throws nothing. */
  help(): void;
  /** Helps, and waits until all is done; must be called, once. @throws what a part on this thread does */
  end(): void;
}

/**
 * The dense kernels that everything else is built on, row-major throughout, with one native implementation (the system's
 * BLAS/LAPACK) and one portable one (WebAssembly). A matrix argument is (array, leading dimension): row i starts at
 * `i * ld`. Pass a `subarray` to work on a part. Implementations check lengths and dimensions before they touch memory;
 * symmetric matrices are read and written in their LOWER triangle only (j <= i), the rest is left alone.
 */
export interface Blas {
  /**
   * Begins a job on threads beside this one, where there are any: rows are read where they lie, all else must lie in shared memory.
   * @param own one part on this thread
   */
  readonly shareParts?: (job: PartsJob<Float64Array>, own: (part: number) => void) => BegunParts;
  readonly name: "native" | "portable";
  /** For people: library, file, version, as far as they are known. */
  readonly description: string;
  readonly threads: number;
  /** C ← alpha·op(A)·op(B) + beta·C, with op(A) m×k, op(B) k×n, C m×n. beta = 0 overwrites C, NaN included. */
  gemm(
    transposeA: boolean,
    transposeB: boolean,
    m: number,
    n: number,
    k: number,
    alpha: number,
    a: Float64Array,
    lda: number,
    b: Float64Array,
    ldb: number,
    beta: number,
    c: Float64Array,
    ldc: number,
  ): void;
  /** y ← alpha·op(A)·x + beta·y, A m×n as stored. */
  gemv(
    transpose: boolean,
    m: number,
    n: number,
    alpha: number,
    a: Float64Array,
    lda: number,
    x: Float64Array,
    beta: number,
    y: Float64Array,
  ): void;
  /** C ← alpha·A'A + beta·C (lower triangle, n×n), A k×n. */
  syrk(
    n: number,
    k: number,
    alpha: number,
    a: Float64Array,
    lda: number,
    beta: number,
    c: Float64Array,
    ldc: number,
  ): void;
  /** y ← alpha·A·x + beta·y, A symmetric n×n, lower triangle. */
  symv(n: number, alpha: number, a: Float64Array, lda: number, x: Float64Array, beta: number, y: Float64Array): void;
  /** B ← op(L)⁻¹·B, L lower triangular m×m, B m×n. */
  trsm(transpose: boolean, m: number, n: number, l: Float64Array, ldl: number, b: Float64Array, ldb: number): void;
  /** Cholesky A = LL' in place of the lower triangle. Returns 0, or the 1-based pivot that was not positive (or not finite). */
  potrf(n: number, a: Float64Array, lda: number): number;
  /** B ← (LL')⁻¹·B, B n×nrhs. */
  potrs(n: number, nrhs: number, l: Float64Array, ldl: number, b: Float64Array, ldb: number): void;
  /**
   * Eigen-decomposition of a symmetric matrix (lower triangle, n×n, packed with lda = n). `w` receives the eigenvalues in ascending order, row k of
   * `a` the unit eigenvector of w[k]. Throws a `numerical` error when it does not converge.
   */
  syevd(n: number, a: Float64Array, w: Float64Array): void;
}
