/**
 * The portable back end: WebAssembly kernels of our own for everything that is matrix times matrix, plain loops for
 * everything that is matrix times vector. Runs in Node, where large products may have several threads, and in browsers.
 */
import type { Blas } from "./blas.js";
import { checkedBlas, type Kernels } from "./checked.js";
import { Arena } from "./portable/arena.js";
import { decomposeSymmetric } from "./portable/eigen.js";
import { multiplyVector } from "./portable/matrix-vector.js";
import { operand } from "./portable/operand.js";
import { multiplyInto } from "./portable/product.js";
import type { Team } from "./portable/team.js";
import { factorise, solveFromLeft } from "./portable/triangular.js";
import { multiplySymmetric, solveVector, solveVectorTransposed } from "./portable/vectors.js";

function portableKernels(arena: Arena): Kernels {
  return {
    gemv(transpose, m, n, alpha, a, lda, x, beta, y) {
      multiplyVector(arena, transpose, m, n, alpha, a, lda, x, beta, y);
    },
    gemm(transposeA, transposeB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc) {
      if (n === 1 && (transposeB || ldb === 1) && ldc === 1) {
        // One column: padded to the width of a tile it would cost four times as much.
        if (beta === 0) c.fill(0, 0, m);
        const [rows, columns] = transposeA ? [k, m] : [m, k];
        multiplyVector(arena, transposeA, rows, columns, alpha, a, lda, b, beta, c);
        return;
      }
      multiplyInto(
        arena,
        false,
        m,
        n,
        k,
        alpha,
        operand(transposeA, a, lda),
        operand(transposeB, b, ldb),
        beta,
        c,
        0,
        ldc,
      );
    },
    syrk(n, k, alpha, a, lda, beta, c, ldc) {
      multiplyInto(arena, true, n, n, k, alpha, operand(true, a, lda), undefined, beta, c, 0, ldc);
    },
    symv: multiplySymmetric,
    trsm(transpose, m, n, l, ldl, b, ldb) {
      if (n === 1 && ldb === 1) (transpose ? solveVectorTransposed : solveVector)(m, l, ldl, b);
      else {
        solveFromLeft(arena, transpose, m, n, { data: l, start: 0, ld: ldl }, { data: b, start: 0, ld: ldb });
      }
    },
    potrf: (n, a, lda) => factorise(arena, n, { data: a, start: 0, ld: lda }),
    syevd: (n, a, w) => decomposeSymmetric(arena, n, a, w),
  };
}

export interface PortableOptions {
  /** Threads that share large products, this one among them: `teamOf` of helpers.node.ts; null (default): this one alone. */
  readonly team?: Team | null;
}

/** The portable back end with an arena of its own. */
export function loadPortableBlas({ team = null }: PortableOptions = {}): Blas {
  const arena = new Arena(team);
  return checkedBlas(portableKernels(arena), {
    name: "portable",
    description: `WebAssembly (${arena.instructions})`,
    threads: team?.threads ?? 1,
  });
}
