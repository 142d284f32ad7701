/**
 * Threads where they pay. Waking a second thread costs more than a small product takes, and on a busy machine it may wait
 * whole time slices for it; the blocks that data are cut into are such small products.
 */
import type { Kernels } from "./checked.js";

/** Multiply-adds from which matrix products are worth several threads: about a millisecond on one. */
const MATRIX_WORK = 2e7;
/** Matrix entries from which products with a vector are. */
const VECTOR_WORK = 4e6;

/**
 * The same kernels, run on one thread below a fixed size and on all from there on. The size of a product decides, and whether
 * another runs beside it, so that its digits do not depend on what ran before.
 * @param setThreads the library's own switch (about 0.1 µs a call)
 */
export function threadsByWork(kernels: Kernels, threads: number, setThreads: (count: number) => void): Kernels {
  const { shareParts } = kernels;
  let current = threads;
  let beside = 0;
  const use = (large: boolean): void => {
    const wanted = large && beside === 0 ? threads : 1;
    if (wanted === current) return;
    setThreads(wanted);
    current = wanted;
  };
  return {
    gemm(transposeA, transposeB, m, n, k, ...rest) {
      use(m * n * k >= MATRIX_WORK);
      kernels.gemm(transposeA, transposeB, m, n, k, ...rest);
    },
    gemv(transpose, m, n, ...rest) {
      use(m * n >= VECTOR_WORK);
      kernels.gemv(transpose, m, n, ...rest);
    },
    syrk(n, k, ...rest) {
      use((n * n * k) / 2 >= MATRIX_WORK);
      kernels.syrk(n, k, ...rest);
    },
    ...(shareParts && {
      shareParts(...work) {
        use(false);
        beside++;
        const begun = shareParts(...work);
        return {
          help: () => begun.help(),
          end() {
            try {
              begun.end();
            } finally {
              beside--;
            }
          },
        };
      },
    }),
    symv(n, ...rest) {
      use(n * n >= VECTOR_WORK);
      kernels.symv(n, ...rest);
    },
    trsm(transpose, m, n, ...rest) {
      use((m * m * n) / 2 >= MATRIX_WORK);
      kernels.trsm(transpose, m, n, ...rest);
    },
    potrf(n, ...rest) {
      use(n ** 3 / 6 >= MATRIX_WORK);
      return kernels.potrf(n, ...rest);
    },
    syevd(n, ...rest) {
      use(n ** 3 >= MATRIX_WORK);
      return kernels.syevd(n, ...rest);
    },
  };
}
