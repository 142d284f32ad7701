import { blas } from "./backend.js";
import { Matrix } from "./matrix.js";
import { checkRows, checkSquare, sumOfSquares } from "./square.js";

/** A = Σ values[k]·v_k v_k', v_k row k of `vectors`. */
export interface SymmetricEigen {
  /** n, ascending. */
  readonly values: Float64Array;
  /** n×n, orthonormal rows. */
  readonly vectors: Matrix;
}

/** All eigenvalues and eigenvectors of a symmetric n×n matrix. Throws a `numerical` error where it is not finite. */
export function symmetricEigen(a: Matrix): SymmetricEigen {
  checkSquare(a);
  const vectors = new Matrix(a.data.slice(), a.rows, a.columns);
  const values = new Float64Array(a.rows);
  // An empty matrix still needs a leading dimension of 1, which syevd takes from n.
  if (a.rows > 0) blas().syevd(a.rows, vectors.data, values);
  return { values, vectors };
}

/** Solutions with the pseudo-inverse A⁺ of a symmetric matrix. */
export interface PseudoInverseSolver {
  /** Number of eigenvalues that were inverted. */
  readonly rank: number;
  /** A⁺b, the shortest of the least-squares solutions, for a vector (n) or every column of a matrix (n×k). */
  solve(b: Float64Array): Float64Array;
  solve(b: Matrix): Matrix;
  /** ‖(I − A A⁺)b‖/‖b‖, the share of b that no solution reaches; 0 for b = 0. */
  nullResidual(b: Float64Array): number;
}

class EigenSolver implements PseudoInverseSolver {
  readonly rank: number;

  constructor(
    private readonly order: number,
    private readonly inverted: Float64Array,
    /** rank×n, the eigenvectors of the eigenvalues that count. */
    private readonly range: Matrix,
    /** (n − rank)×n, the others: a basis of the null space. */
    private readonly nullSpace: Matrix,
  ) {
    this.rank = inverted.length;
  }

  solve(b: Float64Array): Float64Array;
  solve(b: Matrix): Matrix;
  solve(b: Float64Array | Matrix): Float64Array | Matrix {
    checkRows(b, this.order);
    const { order: n, rank, inverted, range } = this;
    const columns = b instanceof Matrix ? b.columns : 1;
    const data = b instanceof Matrix ? b.data : b;
    const ld = Math.max(1, columns);
    const coefficients = new Float64Array(rank * columns);
    const x = new Float64Array(n * columns);
    blas().gemm(false, false, rank, columns, n, 1, range.data, Math.max(1, n), data, ld, 0, coefficients, ld);
    for (let k = 0; k < rank; k++) {
      for (let j = 0; j < columns; j++) coefficients[k * columns + j] *= inverted[k];
    }
    blas().gemm(true, false, n, columns, rank, 1, range.data, Math.max(1, n), coefficients, ld, 0, x, ld);
    return b instanceof Matrix ? new Matrix(x, n, columns) : x;
  }

  nullResidual(b: Float64Array): number {
    checkRows(b, this.order);
    const largest = b.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (largest === 0) return 0;
    const scaled = b.map((value) => value / largest); // whose squares neither overflow nor vanish
    const { nullSpace } = this;
    const outside = new Float64Array(nullSpace.rows);
    blas().gemv(false, nullSpace.rows, this.order, 1, nullSpace.data, Math.max(1, this.order), scaled, 0, outside);
    return Math.sqrt(sumOfSquares(outside) / sumOfSquares(scaled));
  }
}

/**
 * The pseudo-inverse of a symmetric n×n matrix from its eigen-decomposition: eigenvalues of at most `relativeTolerance`
 * times the largest in magnitude count as zero. The matrix is not equilibrated first, since scaling changes a
 * pseudo-inverse. Throws a `numerical` error where the matrix is not finite.
 * @param eigen those of the matrix, where they are known
 */
export function pseudoInverseSolver(a: Matrix, relativeTolerance: number, eigen?: SymmetricEigen): PseudoInverseSolver {
  if (!(relativeTolerance >= 0 && relativeTolerance < 1)) {
    throw new RangeError(`The tolerance of a pseudo-inverse must lie in [0, 1), got ${relativeTolerance}.`);
  }
  const { values, vectors } = eigen ?? symmetricEigen(a);
  const n = a.rows;
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const rows = Array.from(values, (_, k) => k);
  const counts = (k: number): boolean => Math.abs(values[k]) > relativeTolerance * largest;
  const rowsOf = (chosen: number[]): Matrix => {
    const matrix = Matrix.zeros(chosen.length, n);
    chosen.forEach((k, i) => {
      matrix.row(i).set(vectors.row(k));
    });
    return matrix;
  };
  const kept = rows.filter(counts);
  const dropped = rows.filter((k) => !counts(k));
  const inverted = Float64Array.from(kept, (k) => 1 / values[k]);
  return new EigenSolver(n, inverted, rowsOf(kept), rowsOf(dropped));
}
