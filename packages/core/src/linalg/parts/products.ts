/** Matrix products as parts of a job ask for them. `X` are rows in this thread's memory, or where they lie. */
export interface Products<X> {
  /** C ← alpha·op(A)·op(B) + beta·C on one thread, as `Blas.gemm`. */
  gemm(
    transposeA: boolean,
    transposeB: boolean,
    m: number,
    n: number,
    k: number,
    alpha: number,
    a: X | Float64Array,
    lda: number,
    b: X | Float64Array,
    ldb: number,
    beta: number,
    c: Float64Array,
    ldc: number,
  ): void;
  /** The rows' numbers from one on. */
  from(x: X, number: number): X;
}

/** An array of a job by its name, and how many numbers it must hold. */
export type Need = readonly [name: string, numbers: Float64Array, count: number];
