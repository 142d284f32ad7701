import { usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import type { Work } from "../parallel/work.js";
import type { DampedPreconditioner } from "./preconditioner.js";

/**
 * A symmetric d×d matrix H known by what it does to vectors. A solver asks for nothing else and does not know what H means.
 * The optional parts are shortcuts: a solver that needs one that is missing says so.
 */
export interface SymmetricOperator {
  /** d */
  readonly size: number;
  /** HV for the k columns of V (d×k), as a new d×k matrix: one pass over whatever H is made of, for all of them. */
  product(vectors: Matrix): Promise<Matrix>;
  /** The diagonal of H (d). */
  diagonal?(): Promise<Float64Array>;
  /** H itself (d×d, lower triangle valid), as a new matrix. */
  matrix?(): Promise<Matrix>;
  /**
   * H_b V (d×k) of a sample of the rows that H sums over. `batch` is a whole number in [0, 2³¹); the same number gives the same
   * sample, and over numbers drawn uniformly E[H_b] = H. Every H_b is positive semidefinite.
   */
  sampledProduct?(vectors: Matrix, batch: number): Promise<Matrix>;
  /** A stand-in for (H + λI)⁻¹ from the Gauss–Newton part of H; null where there is none that serves with this λ. */
  gaussNewton?(damping: number, work?: Work): Promise<DampedPreconditioner | null>;
}

/** H + λI with the same shortcuts as H. @throws usage: λ is no number ≥ 0. */
export function dampedOperator(operator: SymmetricOperator, damping: number): SymmetricOperator {
  if (!(damping >= 0 && damping < Infinity)) throw usageError(`The damping must be a number ≥ 0, got ${damping}.`);
  if (damping === 0) return operator;
  const { diagonal, matrix, sampledProduct } = operator;
  return {
    size: operator.size,
    product: async (vectors) => plusScaled(await operator.product(vectors), vectors, damping),
    ...(diagonal && {
      diagonal: async () => (await diagonal.call(operator)).map((value) => value + damping),
    }),
    ...(matrix && {
      matrix: async () => {
        const out = await matrix.call(operator);
        for (let j = 0; j < out.rows; j++) out.data[j * (out.columns + 1)] += damping;
        return out;
      },
    }),
    ...(sampledProduct && {
      sampledProduct: async (vectors: Matrix, batch: number) =>
        plusScaled(await sampledProduct.call(operator, vectors, batch), vectors, damping),
    }),
  };
}

/** a + factor·b as a new matrix. */
function plusScaled(a: Matrix, b: Matrix, factor: number): Matrix {
  return new Matrix(
    a.data.map((value, at) => value + factor * b.data[at]),
    a.rows,
    a.columns,
  );
}
