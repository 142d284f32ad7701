import { blas } from "./backend.js";
import { EquilibratedCholesky } from "./equilibrated-cholesky.js";
import { Matrix } from "./matrix.js";
import { type PseudoInverseSolver, pseudoInverseSolver, symmetricEigen } from "./pseudo-inverse.js";
import { checkRows, checkSquare, sumOfSquares } from "./square.js";

/** The pseudo-inverse of a symmetric matrix whose null space was found after scaling. */
export interface EquilibratedPseudoInverse extends PseudoInverseSolver {
  /** The eigenvalue of S A S nearest −∞, beside that of the largest magnitude. */
  readonly relativeSmallest: number;
  /** About b'A⁻¹b along what counts as zero: Σ (v_k'Sb)²/λ_k over those eigenvalues of S A S, none below one rounding of the largest. */
  leftOut(b: Float64Array): number;
}

/** Entries of a null vector this small beside its largest are what rounding leaves of 0. */
const NULL_ROUNDING = 1e-12;

/**
 * The pseudo-inverse A⁺ of a symmetric n×n matrix, whose rank is that of S A S with S = diag(s), s_i = 1/√|a_ii|: what the
 * variables' units are does not decide which eigenvalues count as zero, and costs the others no digits. With M⁺ that of S A S and P the
 * orthogonal projection onto the range of A, A⁺ = P S M⁺ S P; the null space of A is S times that of S A S.
 * `nullResidual` is ‖(I − M M⁺)Sb‖/‖Sb‖, which no units change. Eigenvalues of at most `relativeTolerance` times the largest in
 * magnitude count as zero. Throws a `numerical` error where the matrix is not finite.
 */
export function equilibratedPseudoInverse(a: Matrix, relativeTolerance: number): EquilibratedPseudoInverse {
  checkSquare(a);
  const n = a.rows;
  const s = equilibrating(a);
  const scaled = Matrix.zeros(n, n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) scaled.data[i * n + j] = s[i] * a.data[i * n + j] * s[j];
  const eigen = symmetricEigen(scaled);
  const largest = eigen.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const inner = pseudoInverseSolver(scaled, relativeTolerance, eigen);
  const dropped = [...eigen.values.keys()].filter((k) => Math.abs(eigen.values[k]) <= relativeTolerance * largest);
  const least = (Number.EPSILON / 2) * largest;
  const project = projectionFrom(
    dropped.map((k) => eigen.vectors.row(k).slice()),
    s,
  );
  const solve = (b: Float64Array): Float64Array => project(times(s, inner.solve(times(s, project(b)))));
  return {
    rank: inner.rank,
    relativeSmallest: largest > 0 ? eigen.values[0] / largest : 0,
    solve: ((b: Float64Array | Matrix) => {
      checkRows(b, n);
      return b instanceof Matrix ? byColumn(b, solve) : solve(b);
    }) as PseudoInverseSolver["solve"],
    nullResidual: (b) => inner.nullResidual(times(s, b)),
    leftOut(b) {
      const scaledB = times(s, b);
      return dropped.reduce((sum, k) => {
        const along = eigen.vectors.row(k).reduce((total, value, j) => total + value * scaledB[j], 0);
        return along === 0 ? sum : sum + along ** 2 / Math.max(eigen.values[k], least);
      }, 0);
    },
  };
}

/** s_i; of variables with a_ii = 0 the largest of the others, so that nothing of theirs is overlooked. */
function equilibrating({ data, rows: n }: Matrix): Float64Array {
  const s = Float64Array.from({ length: n }, (_, i) => {
    const size = Math.abs(data[i * (n + 1)]);
    return size > 0 && size < Infinity ? 1 / Math.sqrt(size) : 0;
  });
  const widest = s.reduce((most, value) => Math.max(most, value), 0) || 1;
  return s.map((value) => value || widest);
}

const times = (s: Float64Array, b: Float64Array): Float64Array => b.map((value, j) => s[j] * value);

function byColumn(b: Matrix, solve: (column: Float64Array) => Float64Array): Matrix {
  const out = Matrix.zeros(b.rows, b.columns);
  for (let k = 0; k < b.columns; k++) {
    const column = solve(b.column(k));
    for (let j = 0; j < b.rows; j++) out.data[j * b.columns + k] = column[j];
  }
  return out;
}

/**
 * x − N'(NN')⁻¹Nx, the rows of N those of Z S: what is orthogonal to the null space. Rows that share no variable are parted first, so that
 * those in small units are not lost beside those in large ones.
 */
function projectionFrom(Z: readonly Float64Array[], s: Float64Array): (x: Float64Array) => Float64Array {
  if (Z.length === 0) return (x) => x;
  const rows = reduced(Z, s).map((row) => unit(times(s, row)));
  const [k, n] = [rows.length, s.length];
  const N = Matrix.fromRows(rows);
  const gram = Matrix.zeros(k, k);
  blas().gemm(false, true, k, k, n, 1, N.data, n, N.data, n, 0, gram.data, k);
  const factor = EquilibratedCholesky.factor(gram);
  if (!(factor instanceof EquilibratedCholesky)) return (x) => x;
  return (x) => {
    const out = x.slice();
    const along = new Float64Array(k);
    blas().gemv(false, k, n, 1, N.data, n, x, 0, along);
    const coefficients = factor.solve(along);
    blas().gemv(true, k, n, -1, N.data, n, coefficients, 1, out);
    return out;
  };
}

/**
 * A basis of the rows' span in which each row has a variable that no other row has, by elimination with the largest of what is left of
 * s_j|Z_kj|. In place.
 */
function reduced(Z: readonly Float64Array[], s: Float64Array): readonly Float64Array[] {
  const left = new Set(Z);
  for (const row of Z) clear(row);
  while (left.size > 0) {
    const { row, column } = largestOf(left, s);
    left.delete(row);
    const pivot = row[column];
    for (let j = 0; j < row.length; j++) row[j] /= pivot;
    for (const other of Z) {
      const share = other[column];
      if (other === row || share === 0) continue;
      const size = maximumMagnitude(other);
      for (let j = 0; j < row.length; j++) other[j] -= share * row[j];
      other[column] = 0;
      clear(other, size);
    }
  }
  return Z;
}

function largestOf(rows: Iterable<Float64Array>, s: Float64Array): { row: Float64Array; column: number } {
  let found = { row: s, column: 0 };
  let most = -1;
  for (const row of rows) {
    for (let j = 0; j < row.length; j++) {
      const size = s[j] * Math.abs(row[j]);
      if (size <= most) continue;
      most = size;
      found = { row, column: j };
    }
  }
  return found;
}

/** Rounding becomes 0. */
function clear(row: Float64Array, size = maximumMagnitude(row)): void {
  for (let j = 0; j < row.length; j++) if (Math.abs(row[j]) <= NULL_ROUNDING * size) row[j] = 0;
}

/** Of length 1, its squares neither overflowing nor vanishing. */
function unit(row: Float64Array): Float64Array {
  const largest = maximumMagnitude(row) || 1;
  const scaled = row.map((value) => value / largest);
  const length = Math.sqrt(sumOfSquares(scaled));
  return scaled.map((value) => value / length);
}

const maximumMagnitude = (row: Float64Array): number => row.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
