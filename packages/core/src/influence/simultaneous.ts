import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { symmetricEigen } from "../linalg/symmetric.js";
import { chiSquareTail, normalQuantile } from "../stats/distributions.js";
import { randomStream } from "../stats/random.js";

/** The standard deviation of t from so many directions is at most 0.025 (d ≤ 200), 0.008 at d = 3, 0 at d = 1. */
const DIRECTIONS = 2000;
const BATCH = 500;
/** Eigenvalues below this share of the largest are rounding: of a covariance, and of correlations, of which they move no Z_j by 1e-4. */
const RANK_TOLERANCE = { covariance: 1e-12, correlations: 1e-9 } as const;
/** Steps of the table of P(R ≤ r). */
const TABLE = 400;

/**
 * The factor t with P(max_j |Z_j| ≤ t) = level for Z ~ N(0, corr V̂): estimate ± t·se covers all parameters at once
 * (sup-t, MATH 14.9), so it holds for those shown because they are large. By seeded simulation of directions: Z = R·LU with U on
 * the unit sphere and R² ~ χ² apart from it, so P(max|Z| ≤ t) = E P(R ≤ t/max_j|LU|_j), which is smooth in t.
 */
export function supremumFactor(covariance: Matrix, level: number, seed: number): number {
  const root = correlationRoot(covariance);
  return factorOf(root, covariance.rows, largestOf, level, seed);
}

/**
 * The same for all differences Z_i − Z_j, Z ~ N(0, V̂), each divided by its standard error (K×K; pairs with 0 do not count): the max-t
 * factor of all pairwise comparisons. Z are the means of rows weighted by independent normal multipliers, given the rows.
 */
export function pairwiseFactor(covariance: Matrix, errors: Matrix, level: number, seed: number): number {
  const K = covariance.rows;
  let pairs = 0;
  for (let i = 0; i < K; i++) for (let j = 0; j < i; j++) if (errors.data[i * K + j] > 0) pairs++;
  if (pairs === 0) return 0;
  const largest = (values: Float64Array): number => {
    let most = 0;
    for (let i = 0; i < K; i++) {
      for (let j = 0, at = i * K; j < i; j++, at++) {
        const error = errors.data[at];
        if (error > 0) most = Math.max(most, Math.abs(values[i] - values[j]) / error);
      }
    }
    return most;
  };
  return factorOf(rootOf(covariance, RANK_TOLERANCE.covariance), pairs, largest, level, seed);
}

/** P(R·largest(LU) ≤ t) = level for `count` linear forms of RLU. */
function factorOf(
  root: Root,
  count: number,
  largest: (values: Float64Array) => number,
  level: number,
  seed: number,
): number {
  const rank = root.axes.rows;
  if (rank === 0) return 0;
  const below = radiusTable(rank);
  const reaches = largestReaches(root, largest, seed);
  // Bonferroni's factor is never too small.
  let [low, high] = [0, normalQuantile(1 - (1 - level) / (2 * count))];
  for (let step = 0; step < 50; step++) {
    const t = 0.5 * (low + high);
    let covered = 0;
    for (const reach of reaches) covered += below(t / reach);
    if (covered < level * reaches.length) low = t;
    else high = t;
  }
  return high;
}

/** Of the correlations of V̂. */
function correlationRoot(covariance: Matrix): Root {
  const d = covariance.rows;
  const deviations = Float64Array.from({ length: d }, (_, j) => Math.sqrt(Math.max(0, covariance.data[j * (d + 1)])));
  const correlation = Matrix.zeros(d, d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++) {
      const scale = deviations[i] * deviations[j];
      correlation.data[i * d + j] = scale > 0 ? covariance.data[i * d + j] / scale : 0;
    }
  }
  return rootOf(correlation, RANK_TOLERANCE.correlations);
}

/** The range of V by orthonormal axes A (rank×d), and L' = Λ^½A (rank×d) with LL' = V. */
interface Root {
  readonly axes: Matrix;
  readonly scaled: Matrix;
}

function rootOf(covariance: Matrix, tolerance: number): Root {
  const d = covariance.rows;
  const { values, vectors } = symmetricEigen(covariance);
  let first = 0;
  while (first < d && !(values[first] > tolerance * values[d - 1])) first++;
  const axes = vectors.rowRange(first, d);
  const scaled = new Matrix(axes.data.slice(), axes.rows, d);
  for (let k = 0; k < axes.rows; k++) {
    const length = Math.sqrt(values[first + k]);
    for (let j = 0; j < d; j++) scaled.data[k * d + j] *= length;
  }
  return { axes, scaled };
}

function largestOf(values: Float64Array): number {
  let most = 0;
  for (let j = 0; j < values.length; j++) most = Math.max(most, Math.abs(values[j]));
  return most;
}

/**
 * The largest form of LU for directions U = AZ/‖AZ‖, with Z drawn along the estimates: LU = V^½Z/‖AZ‖ is the same for all axes,
 * whose signs (and, of equal eigenvalues, whose choice) rounding decides.
 */
function largestReaches({ axes, scaled }: Root, largest: (values: Float64Array) => number, seed: number): Float64Array {
  const { rows: rank, columns: d } = axes;
  const random = randomStream(seed, 1);
  const out = new Float64Array(DIRECTIONS);
  const normals = new Float64Array(BATCH * d);
  const along = new Float64Array(BATCH * rank);
  const drawn = new Float64Array(BATCH * d);
  for (let from = 0; from < DIRECTIONS; from += BATCH) {
    random.fillNormals(normals);
    blas().gemm(false, true, BATCH, rank, d, 1, normals, d, axes.data, d, 0, along, rank);
    blas().gemm(false, false, BATCH, d, rank, 1, along, rank, scaled.data, d, 0, drawn, d);
    for (let i = 0; i < BATCH; i++) {
      let square = 0;
      for (let at = i * rank, end = at + rank; at < end; at++) square += along[at] * along[at];
      out[from + i] = largest(drawn.subarray(i * d, (i + 1) * d)) / Math.sqrt(square);
    }
  }
  return out;
}

/** r ↦ P(R ≤ r) for R² ~ χ²_k, interpolated in a table: right to 1e-4. */
function radiusTable(k: number): (r: number) => number {
  const centre = Math.sqrt(k);
  const from = Math.max(0, centre - 5);
  const step = (centre + 5 - from) / TABLE;
  const values = Float64Array.from({ length: TABLE + 1 }, (_, i) => 1 - chiSquareTail((from + i * step) ** 2, k));
  return (r) => {
    const at = (r - from) / step;
    if (!(at > 0)) return 0;
    if (at >= TABLE) return 1;
    const i = Math.floor(at);
    return values[i] + (at - i) * (values[i + 1] - values[i]);
  };
}
