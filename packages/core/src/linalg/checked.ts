/**
 * The contract of `Blas` in one place, for every implementation: arguments are checked before any memory is touched,
 * the degenerate cases (an empty dimension, alpha = 0, beta = 0 over NaN) have one meaning, and a factorisation never
 * reports success for a matrix that is not finite. What is left for an implementation is arithmetic on sizes of at
 * least 1.
 */
import { numericalError } from "../errors.js";
import type { Blas } from "./blas.js";
import { needsOf } from "./parts/jobs.js";

/** The arithmetic of `Blas`, with the same arguments, called only with checked arguments and sizes of at least 1. */
export interface Kernels {
  shareParts?: Blas["shareParts"] | undefined;
  gemm: Blas["gemm"];
  /** Called with beta = 0 only on a y that is all zeros. */
  gemv: Blas["gemv"];
  syrk: Blas["syrk"];
  /** Called with beta = 0 only on a y that is all zeros. */
  symv: Blas["symv"];
  trsm: Blas["trsm"];
  /** The lower triangle of A is finite. */
  potrf: Blas["potrf"];
  /** The lower triangle of A is finite. Returns whether the iteration converged. */
  syevd(n: number, a: Float64Array, w: Float64Array): boolean;
}

export interface BackendIdentity {
  readonly name: Blas["name"];
  readonly description: string;
  readonly threads: number;
}

const LARGEST_DIMENSION = 0x7fffffff; // BLAS counts in 32-bit integers

function checkDimension(routine: string, name: string, value: number): void {
  if (!Number.isInteger(value) || value < 0 || value > LARGEST_DIMENSION) {
    throw new RangeError(`${routine}: ${name} must be a whole number from 0 to ${LARGEST_DIMENSION}, got ${value}.`);
  }
}

function checkVector(routine: string, name: string, x: Float64Array, length: number): void {
  if (!(x instanceof Float64Array)) throw new TypeError(`${routine}: ${name} must be a Float64Array.`);
  if (x.length < length) throw new RangeError(`${routine}: ${name} needs ${length} numbers, has ${x.length}.`);
}

/** The last row may end at its last column: what lies behind it up to the leading dimension need not exist. */
function checkMatrix(routine: string, name: string, x: Float64Array, rows: number, columns: number, ld: number): void {
  if (!Number.isInteger(ld) || ld < Math.max(1, columns) || ld > LARGEST_DIMENSION) {
    throw new RangeError(
      `${routine}: the leading dimension of ${name} must be a whole number of at least ${Math.max(1, columns)}, got ${ld}.`,
    );
  }
  checkVector(routine, name, x, rows === 0 || columns === 0 ? 0 : (rows - 1) * ld + columns);
}

function scaleVector(y: Float64Array, length: number, beta: number): void {
  if (beta === 0) y.fill(0, 0, length);
  else if (beta !== 1) for (let i = 0; i < length; i++) y[i] *= beta;
}

function scaleRows(
  c: Float64Array,
  ldc: number,
  rows: number,
  columnsOfRow: (i: number) => number,
  beta: number,
): void {
  for (let i = 0; i < rows; i++) scaleVector(c.subarray(i * ldc), columnsOfRow(i), beta);
}

/** 1-based number of the first row whose lower triangle holds a number that is not finite, or 0. */
function firstRowNotFinite(n: number, a: Float64Array, lda: number): number {
  for (let i = 0; i < n; i++) {
    let sum = 0; // x − x is 0 for a finite x and NaN otherwise, and needs no branch
    for (let at = i * lda, end = at + i; at <= end; at++) sum += a[at] - a[at];
    if (sum !== 0) return i + 1;
  }
  return 0;
}

class CheckedBlas implements Blas {
  readonly name: Blas["name"];
  readonly description: string;
  readonly threads: number;
  readonly shareParts?: NonNullable<Blas["shareParts"]>;

  constructor(
    private readonly kernels: Kernels,
    identity: BackendIdentity,
  ) {
    this.name = identity.name;
    this.description = identity.description;
    this.threads = identity.threads;
    const { shareParts } = kernels;
    if (shareParts) {
      this.shareParts = (job, own) => {
        for (const [name, numbers, count] of needsOf(job)) checkVector("shareParts", name, numbers, count);
        return shareParts(job, own);
      };
    }
  }

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
  ): void {
    if (this.gemmIsWork(transposeA, transposeB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)) {
      this.kernels.gemm(transposeA, transposeB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    }
  }

  /** Checks the arguments and does what is no product at all. */
  private gemmIsWork(
    ...[transposeA, transposeB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc]: Parameters<Blas["gemm"]>
  ): boolean {
    checkDimension("gemm", "m", m);
    checkDimension("gemm", "n", n);
    checkDimension("gemm", "k", k);
    checkMatrix("gemm", "A", a, transposeA ? k : m, transposeA ? m : k, lda);
    checkMatrix("gemm", "B", b, transposeB ? n : k, transposeB ? k : n, ldb);
    checkMatrix("gemm", "C", c, m, n, ldc);
    if (m > 0 && n > 0 && k > 0 && alpha !== 0) return true;
    scaleRows(c, ldc, m, () => n, beta);
    return false;
  }

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
  ): void {
    if (this.gemvIsWork(transpose, m, n, alpha, a, lda, x, beta, y))
      this.kernels.gemv(transpose, m, n, alpha, a, lda, x, beta, y);
  }

  /** Checks the arguments and does what is no product at all. */
  private gemvIsWork(...[transpose, m, n, alpha, a, lda, x, beta, y]: Parameters<Blas["gemv"]>): boolean {
    checkDimension("gemv", "m", m);
    checkDimension("gemv", "n", n);
    checkMatrix("gemv", "A", a, m, n, lda);
    const length = transpose ? n : m;
    checkVector("gemv", "x", x, transpose ? m : n);
    checkVector("gemv", "y", y, length);
    if (length === 0) return false;
    // Reference BLAS leaves y alone where the inner dimension is 0, and some versions multiply a NaN in y by beta = 0.
    const nothingToAdd = m === 0 || n === 0 || alpha === 0;
    if (nothingToAdd || beta === 0) scaleVector(y, length, beta);
    return !nothingToAdd;
  }

  syrk(
    n: number,
    k: number,
    alpha: number,
    a: Float64Array,
    lda: number,
    beta: number,
    c: Float64Array,
    ldc: number,
  ): void {
    if (this.syrkIsWork(n, k, alpha, a, lda, beta, c, ldc)) this.kernels.syrk(n, k, alpha, a, lda, beta, c, ldc);
  }

  /** Checks the arguments and does what is no product at all. */
  private syrkIsWork(...[n, k, alpha, a, lda, beta, c, ldc]: Parameters<Blas["syrk"]>): boolean {
    checkDimension("syrk", "n", n);
    checkDimension("syrk", "k", k);
    checkMatrix("syrk", "A", a, k, n, lda);
    checkMatrix("syrk", "C", c, n, n, ldc);
    if (n > 0 && k > 0 && alpha !== 0) return true;
    scaleRows(c, ldc, n, (i) => i + 1, beta);
    return false;
  }

  symv(n: number, alpha: number, a: Float64Array, lda: number, x: Float64Array, beta: number, y: Float64Array): void {
    checkDimension("symv", "n", n);
    checkMatrix("symv", "A", a, n, n, lda);
    checkVector("symv", "x", x, n);
    checkVector("symv", "y", y, n);
    if (alpha === 0 || beta === 0) scaleVector(y, n, beta);
    if (n > 0 && alpha !== 0) this.kernels.symv(n, alpha, a, lda, x, beta, y);
  }

  trsm(transpose: boolean, m: number, n: number, l: Float64Array, ldl: number, b: Float64Array, ldb: number): void {
    checkDimension("trsm", "m", m);
    checkDimension("trsm", "n", n);
    checkMatrix("trsm", "L", l, m, m, ldl);
    checkMatrix("trsm", "B", b, m, n, ldb);
    if (m > 0 && n > 0) this.kernels.trsm(transpose, m, n, l, ldl, b, ldb);
  }

  potrf(n: number, a: Float64Array, lda: number): number {
    checkDimension("potrf", "n", n);
    checkMatrix("potrf", "A", a, n, n, lda);
    if (n === 0) return 0;
    // LAPACK compares pivots with 0, and NaN passes that comparison.
    const notFinite = firstRowNotFinite(n, a, lda);
    if (notFinite !== 0) return notFinite;
    const failedAt = this.kernels.potrf(n, a, lda);
    if (failedAt !== 0) return failedAt;
    // Overflow inside an indefinite matrix can make inf − inf, which a comparison with 0 lets pass as well.
    for (let i = 0; i < n; i++) if (!Number.isFinite(a[i * lda + i])) return i + 1;
    return 0;
  }

  potrs(n: number, nrhs: number, l: Float64Array, ldl: number, b: Float64Array, ldb: number): void {
    checkDimension("potrs", "n", n);
    checkDimension("potrs", "nrhs", nrhs);
    checkMatrix("potrs", "L", l, n, n, ldl);
    checkMatrix("potrs", "B", b, n, nrhs, ldb);
    if (n === 0 || nrhs === 0) return;
    for (let i = 0; i < n; i++) {
      if (!(l[i * ldl + i] > 0 && l[i * ldl + i] < Infinity)) {
        throw numericalError(
          `The Cholesky factor has ${l[i * ldl + i]} as pivot ${i + 1}: factorise a positive definite matrix first.`,
        );
      }
      let sum = 0;
      for (let at = i * ldb, end = at + nrhs; at < end; at++) sum += b[at] - b[at];
      if (sum !== 0) throw numericalError(`Row ${i + 1} of the right-hand side of a linear system is not finite.`);
    }
    this.kernels.trsm(false, n, nrhs, l, ldl, b, ldb);
    this.kernels.trsm(true, n, nrhs, l, ldl, b, ldb);
  }

  syevd(n: number, a: Float64Array, w: Float64Array): void {
    checkDimension("syevd", "n", n);
    checkMatrix("syevd", "A", a, n, n, n);
    checkVector("syevd", "w", w, n);
    if (n === 0) return;
    // Eigen-solvers may iterate for ever on NaN.
    const notFinite = firstRowNotFinite(n, a, n);
    if (notFinite !== 0) throw numericalError(`Row ${notFinite} of a matrix to be diagonalised is not finite.`);
    if (!this.kernels.syevd(n, a, w)) {
      throw numericalError(`The eigenvalues of a symmetric ${n}×${n} matrix did not converge.`);
    }
  }
}

/** Wraps bare kernels into a `Blas` that keeps the contract. */
export function checkedBlas(kernels: Kernels, identity: BackendIdentity): Blas {
  return new CheckedBlas(kernels, identity);
}
