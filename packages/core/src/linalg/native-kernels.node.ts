/**
 * The kernels of a BLAS and a LAPACK library as JavaScript functions. LAPACK is called by its Fortran symbols (Debian's
 * OpenBLAS has no LAPACKE); a row-major lower triangle is a column-major upper one.
 */
import type { Kernels } from "./checked.js";

export type Koffi = typeof import("koffi")["default"];
export type Library = ReturnType<Koffi["load"]>;

// cblas.h
const ROW_MAJOR = 101;
const NO_TRANSPOSE = 111;
const TRANSPOSE = 112;
const LOWER = 122;
const NON_UNIT = 131;
const LEFT = 141;

const INT = "int";
const DOUBLE = "double";
const POINTER = "void *";

// LAPACK's character arguments; gfortran expects one hidden length (size_t) for each behind the other arguments.
const UPPER = Uint8Array.of("U".charCodeAt(0));
const VECTORS = Uint8Array.of("V".charCodeAt(0));

/**
 * A Fortran INTEGER: on little-endian machines the low half of a 64-bit cell is right for 32-bit and for 64-bit
 * integers.
 */
const fortranInteger = (value: number): Int32Array => Int32Array.of(value, value < 0 ? -1 : 0);

const cblasTranspose = (transpose: boolean): number => (transpose ? TRANSPOSE : NO_TRANSPOSE);

const integers = (count: number): string[] => Array<string>(count).fill(INT);
const matrix = [POINTER, INT];

type AddressOr<T> = T extends Float64Array ? T | bigint : T;
type OrAddresses<T extends unknown[]> = { [At in keyof T]: AddressOr<T[At]> };

/** `gemm` of arrays, or of addresses. */
export type AddressGemm = (...product: OrAddresses<Parameters<Kernels["gemm"]>>) => void;

export function bindGemm(blas: Library): AddressGemm {
  const dgemm = blas.func("cblas_dgemm", "void", [...integers(6), DOUBLE, ...matrix, ...matrix, DOUBLE, ...matrix]);
  return (transposeA, transposeB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) => {
    const opA = cblasTranspose(transposeA);
    const opB = cblasTranspose(transposeB);
    dgemm(ROW_MAJOR, opA, opB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  };
}

/** `syrk` of arrays, or of addresses. */
export type AddressSyrk = (...product: OrAddresses<Parameters<Kernels["syrk"]>>) => void;

export function bindSyrk(blas: Library): AddressSyrk {
  const dsyrk = blas.func("cblas_dsyrk", "void", [...integers(5), DOUBLE, ...matrix, DOUBLE, ...matrix]);
  return (n, k, alpha, a, lda, beta, c, ldc) => {
    dsyrk(ROW_MAJOR, LOWER, TRANSPOSE, n, k, alpha, a, lda, beta, c, ldc);
  };
}

/** Looks the symbols up; throws where one is missing. */
export function bindKernels(blas: Library, lapack: Library): Kernels {
  const dgemv = blas.func("cblas_dgemv", "void", [...integers(4), DOUBLE, ...matrix, ...matrix, DOUBLE, ...matrix]);
  const dsymv = blas.func("cblas_dsymv", "void", [...integers(3), DOUBLE, ...matrix, ...matrix, DOUBLE, ...matrix]);
  const dtrsm = blas.func("cblas_dtrsm", "void", [...integers(7), DOUBLE, ...matrix, ...matrix]);
  const dtrsv = blas.func("cblas_dtrsv", "void", [...integers(5), ...matrix, ...matrix]);
  const dpotrf = lapack.func("dpotrf_", "void", [...Array<string>(5).fill(POINTER), "size_t"]);
  const dsyevd = lapack.func("dsyevd_", "void", [...Array<string>(11).fill(POINTER), "size_t", "size_t"]);
  return {
    gemm: bindGemm(blas),
    gemv(transpose, m, n, alpha, a, lda, x, beta, y) {
      dgemv(ROW_MAJOR, cblasTranspose(transpose), m, n, alpha, a, lda, x, 1, beta, y, 1);
    },
    syrk: bindSyrk(blas),
    symv(n, alpha, a, lda, x, beta, y) {
      dsymv(ROW_MAJOR, LOWER, n, alpha, a, lda, x, 1, beta, y, 1);
    },
    trsm(transpose, m, n, l, ldl, b, ldb) {
      // OpenBLAS packs the whole of L for one column as for many, which takes four times as long.
      if (n === 1) dtrsv(ROW_MAJOR, LOWER, cblasTranspose(transpose), NON_UNIT, m, l, ldl, b, ldb);
      else dtrsm(ROW_MAJOR, LEFT, LOWER, cblasTranspose(transpose), NON_UNIT, m, n, 1, l, ldl, b, ldb);
    },
    potrf(n, a, lda) {
      const info = fortranInteger(0);
      dpotrf(UPPER, fortranInteger(n), a, fortranInteger(lda), info, 1);
      return info[0];
    },
    syevd(n, a, w) {
      const info = fortranInteger(0);
      const order = fortranInteger(n);
      // The sizes that LAPACK documents; asking for the best ones gains nothing measurable.
      const work = new Float64Array(1 + 6 * n + 2 * n * n);
      const integerWork = 3 + 5 * n;
      dsyevd(
        VECTORS,
        UPPER,
        order,
        a,
        order,
        w,
        work,
        fortranInteger(work.length),
        new Int32Array(2 * integerWork),
        fortranInteger(integerWork),
        info,
        1,
        1,
      );
      return info[0] === 0;
    },
  };
}
