import type { Kernels } from "./checked.js";

function expectClose(routine: string, actual: Float64Array, expected: readonly number[]): void {
  const wrong = expected.some((value, i) => !(Math.abs(actual[i] - value) <= 1e-14));
  if (wrong) {
    throw new Error(`self-test of ${routine} failed: got ${actual.join(", ")} instead of ${expected.join(", ")}`);
  }
}

const numbers = (...values: number[]): Float64Array => Float64Array.from(values);

/**
 * Runs every kernel once on numbers small enough to check by hand. It tells a library with 64-bit integers, another
 * calling convention or another meaning of a flag from a usable one before any real data meets it. Throws an Error that
 * names the first kernel that is wrong.
 */
export function selfTest(kernels: Kernels): void {
  const untouched = 99; // marks entries that a kernel must leave alone

  const product = numbers(Number.NaN, Number.NaN, untouched, Number.NaN, Number.NaN, untouched);
  kernels.gemm(false, true, 2, 2, 3, 1, numbers(1, 2, 3, 4, 5, 6), 3, numbers(1, 3, 5, 2, 4, 6), 3, 0, product, 3);
  expectClose("gemm", product, [22, 28, untouched, 49, 64, untouched]);

  const gram = numbers(1, untouched, 1, 1);
  kernels.syrk(2, 3, 2, numbers(1, 2, 3, 4, 5, 6), 2, -1, gram, 2);
  expectClose("syrk", gram, [69, untouched, 87, 111]);

  const image = numbers(1, 1, 1);
  kernels.gemv(true, 2, 3, 1, numbers(1, 2, 3, 4, 5, 6), 3, numbers(1, 2), 1, image);
  expectClose("gemv", image, [10, 13, 16]);

  const symmetricImage = numbers(0, 0);
  kernels.symv(2, 1, numbers(1, untouched, 2, 3), 2, numbers(1, 2), 0, symmetricImage);
  expectClose("symv", symmetricImage, [5, 8]);

  const factor = numbers(4, untouched, 2, 5);
  const pivot = kernels.potrf(2, factor, 2);
  if (pivot !== 0) throw new Error(`self-test of potrf failed: pivot ${pivot} of a positive definite matrix refused`);
  expectClose("potrf", factor, [2, untouched, 1, 2]);
  const failedAt = kernels.potrf(2, numbers(1, untouched, 2, 1), 2);
  if (failedAt !== 2) throw new Error(`self-test of potrf failed: an indefinite matrix gave ${failedAt} instead of 2`);

  const solution = numbers(2, 4, 5, 6);
  kernels.trsm(false, 2, 2, factor, 2, solution, 2);
  expectClose("trsm", solution, [1, 2, 2, 2]);
  kernels.trsm(true, 2, 2, factor, 2, solution, 2);
  expectClose("trsm", solution, [0, 0.5, 1, 1]);
  const column = numbers(2, untouched, 5);
  kernels.trsm(false, 2, 1, factor, 2, column, 2);
  kernels.trsm(true, 2, 1, factor, 2, column, 2);
  expectClose("trsm of one column", column, [0, untouched, 1]);

  const vectors = numbers(2, untouched, 1, 2);
  const values = new Float64Array(2);
  if (!kernels.syevd(2, vectors, values)) throw new Error("self-test of syevd failed: it did not converge");
  expectClose("syevd", values, [1, 3]);
  expectClose("syevd", numbers(vectors[0] * vectors[1], vectors[2] * vectors[3]), [-0.5, 0.5]);
}
