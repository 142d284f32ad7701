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
  /** C ← alpha·A'A + beta·C (lower triangle) on one thread, as `Blas.syrk`. */
  syrk(
    n: number,
    k: number,
    alpha: number,
    a: X | Float64Array,
    lda: number,
    beta: number,
    c: Float64Array,
    ldc: number,
  ): void;
  /** The rows' numbers from one on. */
  from(x: X, number: number): X;
  /** The first so many of the rows' numbers as an array. */
  numbers(x: X, count: number): Float64Array;
  readonly stretch: Stretch;
}

/** How much of tall matrices is multiplied at a time. It depends on the back end alone: digits do. */
export interface Stretch {
  /** Multiply-adds of a product. */
  readonly terms: number;
  /** Numbers of X that are read twice. */
  readonly numbers: number;
}

/** BLAS takes products of so few terms without packing, and on one thread; X stays in the cache. */
export const NATIVE_STRETCH: Stretch = { terms: 1e6, numbers: 40_000 };
/** The portable back end copies X each time, and shares larger products among its threads. */
export const PORTABLE_STRETCH: Stretch = { terms: 8e6, numbers: Number.POSITIVE_INFINITY };

/** An array of a job by its name, and how many numbers it must hold. */
export type Need = readonly [name: string, numbers: Float64Array, count: number];
