import { blas } from "../linalg/backend.js";
import { newArray, type Store } from "../linalg/buffers.js";
import { Matrix } from "../linalg/matrix.js";
import { commonWeight } from "../linalg/parts/common-weight.js";
import { rowScaler } from "../linalg/row-scaler.js";

/**
 * A basis v(x) of d features of m inputs (MATH 0), seen through products with the rows V of a block (r×d). No map stores V
 * for more than a cache-sized stretch of rows. K parameter vectors travel together as the columns of a d×K matrix.
 */
export interface FeatureMap {
  /** m */
  readonly inputs: number;
  /** d */
  readonly count: number;
  /** Whether v_0 = 1; it is never penalised and never attacked. */
  readonly intercept: boolean;
  /** Whether ∇_x f is the same for every row (v affine in x). */
  readonly sharedGradient: boolean;
  /** Whether β = ∇_x f is θ itself, but for the intercept. */
  readonly ownCoefficients: boolean;
  /** d names in parameter order, given the m inputs' names. */
  names(inputs: readonly string[]): string[];
  /** V Θ, r×K, in what `store` gives (default: a new array). */
  scores(theta: Matrix, x: Matrix, store?: Store): Matrix;
  /** out (d×K) += V'Ω, Ω r×K. */
  addPullback(x: Matrix, omega: Matrix, out: Matrix): void;
  /** out (d×d, lower triangle) += V' diag(ω) V, ω ≥ 0. */
  addGram(x: Matrix, omega: Float64Array, out: Matrix): void;
  /** The same for `count` weights and many blocks of rows, where the blocks are better not summed one by one. @param rows n */
  gramSums?(rows: number, count: number): GramSums | null;
  /**
   * V (r×d) itself, where forming it is most of what products with it cost: a pass forms it once a block and takes all products from
   * there. It lies in what `store` gives.
   */
  formed?(x: Matrix, store: Store): Matrix;
  /** How products of x itself become V'diag(ω)V and V'Ω, where they do. */
  readonly rowProducts?: RowProducts;
  /** γ_i = ∂v(x_i)'θ/∂x: r×m, or 1×m where it is shared. What has to be written lies in what `store` gives (default: a new array). */
  inputGradients(theta: Float64Array, x: Matrix, store?: Store): Matrix;
  /** out (d) += Σ_i ω_i V_i φ_i with V_i = ∂v/∂x (d×m) and φ_i row i of `directions` (or its only row). */
  addJacobianPullback(x: Matrix, directions: Matrix, omega: Float64Array, out: Float64Array): void;
  /** r: φ_i' (∇²_x f) φ_i, or null where f is affine in x. */
  curvature(theta: Float64Array, x: Matrix, directions: Matrix): Float64Array | null;
  /** (∇²_x f) φ_i for every row, r×m, or null where f is affine in x. */
  curvatureTimes(theta: Float64Array, x: Matrix, directions: Matrix): Matrix | null;
  /** out (d) += Σ_i ω_i φ_i' (∇²v_a) φ_i, feature by feature a: the gradient in θ of Σ ω_i `curvature`_i. */
  addCurvaturePullback(x: Matrix, directions: Matrix, omega: Float64Array, out: Float64Array): void;
  /** V itself, r×d: for a block at a time. */
  features(x: Matrix): Matrix;
  /** V_iφ_i for every row, r×d; 1×d where V and φ are shared. */
  jacobianTimes(x: Matrix, directions: Matrix): Matrix;
  /** out (d×d, lower triangle) += Σ_i ω_i V_i diag(h_i) V_i', h_i row i of `diagonals` or its only row. */
  addJacobianGram(x: Matrix, diagonals: Matrix, omega: Float64Array, out: Matrix): void;
  /** The inputs that feature a is made of, where every feature belongs to some. */
  inputsOf?(a: number): readonly number[];
  /** Whether Σ_i |V_i| has a non-zero column k: input k enters the score at all. */
  usesInput(k: number): boolean;
}

/** Sums over rows of which V'diag(ω)V (d×d, lower triangle) of G weights and V'Ω (d×J) are made. */
export interface RowProducts {
  /** Whether X'ω is needed beside X'diag(ω)X. */
  readonly borders: boolean;
  /** Adds products of some rows. @param sums G squares X'diag(ω)X (m×m, lower triangle), the borders, then X'Ω, m numbers for each column */
  addSums(sums: Float64Array, grams: readonly Matrix[], pulled: Matrix): void;
  /** Adds what depends on no x. @param totals G + J: Σω of each weight and each column of Ω */
  addTotals(totals: Float64Array, grams: readonly Matrix[], pulled: Matrix): void;
}

/** Gram matrices that become matrices when all blocks are summed. */
export interface GramSums {
  readonly rowsPerBlock: number;
  /** Adds V'diag(ω)V for each ω ≥ 0. */
  add(x: Matrix, weights: readonly Float64Array[]): void;
  /** out (d×d each, lower triangle) += what was added. */
  addTo(out: readonly Matrix[]): void;
}

/** Rows are scaled in stretches of this many numbers (4 MB). */
const SCALED_NUMBERS = 1 << 19;

/**
 * out (lower triangle, its top left corner at `offset` with leading dimension `ld`) += A' diag(ω) A for A r×k. Equal weights
 * go to the kernel as a factor; others scale the rows by √ω in a copy first.
 */
export function addWeightedGram(a: Matrix, omega: Float64Array, out: Float64Array, ld: number): void {
  const { rows: r, columns: k } = a;
  if (r === 0 || k === 0) return;
  const common = commonWeight(omega);
  if (!Number.isNaN(common)) {
    blas().syrk(k, r, common, a.data, k, 1, out, ld);
    return;
  }
  const stretch = Math.max(16, Math.floor(SCALED_NUMBERS / k));
  for (let from = 0; from < r; from += stretch) {
    const to = Math.min(r, from + stretch);
    const scaled = rowScaler.scaled(a.rowRange(from, to), omega.subarray(from, to));
    blas().syrk(k, to - from, 1, scaled, k, 1, out, ld);
  }
}

/** Column sums of an r×K matrix added to the first row of a d×K one: the intercept's part of V'Ω. */
export function addColumnSums(omega: Matrix, out: Matrix): void {
  const { rows, columns, data } = omega;
  if (columns === 1) {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += data[i];
    out.data[0] += sum;
    return;
  }
  const sums = out.data;
  let at = 0;
  for (const end = (rows - (rows % 4)) * columns; at < end; at += 3 * columns) {
    for (let k = 0; k < columns; k++, at++) {
      sums[k] += data[at] + data[at + columns] + (data[at + 2 * columns] + data[at + 3 * columns]);
    }
  }
  for (; at < rows * columns; ) for (let k = 0; k < columns; k++) sums[k] += data[at++];
}

/** Numbers over and over, each copy twice as long as the one before. */
function repeat(numbers: Float64Array, out: Float64Array): void {
  if (out.length === 0) return;
  out.set(numbers);
  for (let done = numbers.length; done < out.length; done *= 2)
    out.copyWithin(done, 0, Math.min(done, out.length - done));
}

/** F (r×K) before x has been seen: row 0 of Θ (the intercepts) in every row, or zeros without an intercept. */
export function startWithIntercepts(theta: Matrix, rows: number, intercept: boolean, store = newArray): Matrix {
  const scores = new Matrix(store(rows * theta.columns), rows, theta.columns);
  if (intercept) repeat(theta.row(0), scores.data);
  else if (store !== newArray) scores.data.fill(0);
  return scores;
}

/** Products with several columns are taken in stretches of this many multiply-adds, which BLAS multiplies without packing. */
const SMALL_PRODUCT = 1e6;

/** F += X Θ_x, where Θ_x are the rows of Θ from `first` on. */
export function addLinearScores(x: Matrix, theta: Matrix, first: number, scores: Matrix): void {
  const { rows: r, columns: m } = x;
  const k = theta.columns;
  if (r === 0 || m === 0) return;
  const tail = theta.data.subarray(first * k);
  if (k === 1) {
    // Fits begin at β = 0.
    if (maximumMagnitude(tail) > 0) blas().gemv(false, r, m, 1, x.data, m, tail, 1, scores.data);
    return;
  }
  const stretch = Math.max(1, Math.floor(SMALL_PRODUCT / (m * k)));
  for (let from = 0; from < r; from += stretch) {
    const rows = Math.min(stretch, r - from);
    blas().gemm(
      false,
      false,
      rows,
      k,
      m,
      1,
      x.data.subarray(from * m),
      m,
      tail,
      k,
      1,
      scores.data.subarray(from * k),
      k,
    );
  }
}

/** Rows `first`… of out += X'Ω. */
export function addLinearPullback(x: Matrix, omega: Matrix, first: number, out: Matrix): void {
  const { rows: r, columns: m } = x;
  const k = omega.columns;
  if (r === 0 || m === 0) return;
  const tail = out.data.subarray(first * k);
  if (k === 1) {
    blas().gemv(true, r, m, 1, x.data, m, omega.data, 1, tail);
    return;
  }
  const stretch = Math.max(1, Math.floor(SMALL_PRODUCT / (m * k)));
  for (let from = 0; from < r; from += stretch) {
    const rows = Math.min(stretch, r - from);
    blas().gemm(true, false, m, k, rows, 1, x.data.subarray(from * m), m, omega.data.subarray(from * k), k, 1, tail, k);
  }
}

/** Σ_i ω_i φ_i added to `out`, for one shared direction or one a row. */
export function addWeightedDirections(directions: Matrix, omega: Float64Array, out: Float64Array): void {
  const m = directions.columns;
  if (directions.rows === 1) {
    let total = 0;
    for (let i = 0; i < omega.length; i++) total += omega[i];
    for (let k = 0; k < m; k++) out[k] += total * directions.data[k];
  } else if (directions.rows > 0 && m > 0) {
    blas().gemv(true, directions.rows, m, 1, directions.data, m, omega, 1, out);
  }
}

/** Row by row a_i·b_i: r. */
export function rowProducts(a: Matrix, b: Matrix): Float64Array {
  const out = new Float64Array(a.rows);
  for (let i = 0, at = 0; i < a.rows; i++) for (let k = 0; k < a.columns; k++, at++) out[i] += a.data[at] * b.data[at];
  return out;
}

/** The row r times over, or the matrix itself where it has r rows already. */
export function repeatRow(matrix: Matrix, rows: number): Matrix {
  if (matrix.rows !== 1) return matrix;
  const out = Matrix.zeros(rows, matrix.columns);
  for (let i = 0; i < rows; i++) out.data.set(matrix.data, i * matrix.columns);
  return out;
}

/** Σ_i ω_i V_i diag(h_i) V_i' input by input, from the columns V_i e_k = jacobianTimes(e_k). */
export function addJacobianGramByInput(
  map: FeatureMap,
  x: Matrix,
  diagonals: Matrix,
  omega: Float64Array,
  out: Matrix,
): void {
  const m = map.inputs;
  const weights = new Float64Array(x.rows);
  for (let k = 0; k < m; k++) {
    let any = false;
    for (let i = 0; i < x.rows; i++) {
      weights[i] = omega[i] * diagonals.data[(diagonals.rows === 1 ? 0 : i) * m + k];
      any ||= weights[i] !== 0;
    }
    if (!any) continue;
    const unit = Matrix.zeros(1, m);
    unit.data[k] = 1;
    addWeightedGram(map.jacobianTimes(x, unit), weights, out.data, map.count);
  }
}

function maximumMagnitude(values: Float64Array): number {
  let largest = 0;
  for (let j = 0; j < values.length; j++) largest = Math.max(largest, Math.abs(values[j]));
  return largest;
}

/** "(intercept)", unless a column has taken that name. */
export function interceptName(inputs: readonly string[]): string {
  let name = "(intercept)";
  while (inputs.includes(name)) name = `(${name})`;
  return name;
}
