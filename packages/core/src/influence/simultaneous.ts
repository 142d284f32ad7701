import { blas } from "../linalg/backend.js";
import { growingBuffer } from "../linalg/buffers.js";
import { Matrix } from "../linalg/matrix.js";
import { symmetricEigen, symmetrise } from "../linalg/symmetric.js";
import { decreasingRoot, type SlopedFunction } from "../robust/decreasing-root.js";
import { chiSquareTail, normalQuantile } from "../stats/distributions.js";
import { randomStream } from "../stats/random.js";

/** The standard deviation of t from so many directions is at most 0.025 (d ≤ 200), 0.008 at d = 3, 0 at d = 1. */
const DIRECTIONS = 2000;
const BATCH = 250;
/** Of one batch after the other. */
const [normalBuffer, drawnBuffer] = [growingBuffer(), growingBuffer()];
/** So many normal numbers at the most stay for the next covariance (4 MB): drawing them takes most of the time of a small one. */
const KEPT = 1 << 19;
let kept: { readonly seed: number; readonly normals: Float64Array } | null = null;
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
  return factorOf(root, covariance.rows, largestOf(covariance.rows), level, seed);
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
  const largest: Largest = (values, from) => {
    let most = 0;
    for (let i = 0; i < K; i++) {
      for (let j = 0, at = i * K; j < i; j++, at++) {
        const error = errors.data[at];
        if (error > 0) most = Math.max(most, Math.abs(values[from + i] - values[from + j]) / error);
      }
    }
    return most;
  };
  return factorOf(rootOf(covariance, RANK_TOLERANCE.covariance), pairs, largest, level, seed);
}

/** The largest of some linear forms of a vector that lies in `values` from `from` on. */
type Largest = (values: Float64Array, from: number) => number;

/** P(R·largest(LU) ≤ t) = level for `count` linear forms of RLU. */
function factorOf(root: Root, count: number, largest: Largest, level: number, seed: number): number {
  if (root.rank === 0) return 0;
  const reaches = largestReaches(root, largest, seed);
  const open = openShare(root.rank, level, reaches);
  // Bonferroni's factor is never too small.
  const most = normalQuantile(1 - (1 - level) / (2 * count));
  return open(most, { value: 0 }) > 0 ? most : decreasingRoot(open, most);
}

/** t ↦ level − E P(R ≤ t/reach) for R² ~ χ²_k, P interpolated in a table: right to 1e-4. */
function openShare(k: number, level: number, reaches: Float64Array): SlopedFunction {
  const centre = Math.sqrt(k);
  const from = Math.max(0, centre - 5);
  const step = (centre + 5 - from) / TABLE;
  const values = Float64Array.from({ length: TABLE + 1 }, (_, i) => 1 - chiSquareTail((from + i * step) ** 2, k));
  return (t, slope) => {
    let covered = 0;
    let rise = 0;
    for (let b = 0; b < reaches.length; b++) {
      const at = (t / reaches[b] - from) / step;
      if (at >= TABLE) covered += 1;
      else if (at > 0) {
        const i = Math.floor(at);
        const difference = values[i + 1] - values[i];
        covered += values[i] + (at - i) * difference;
        rise += difference / (reaches[b] * step);
      }
    }
    slope.value = -rise / reaches.length;
    return level - covered / reaches.length;
  };
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

/** How V = V^½V^½ is drawn from. */
interface Root {
  readonly rank: number;
  /** V^½ (d×d) */
  readonly half: Matrix;
  /** The range of V by orthonormal axes A (rank×d); null where it is everything. */
  readonly axes: Matrix | null;
}

function rootOf(covariance: Matrix, tolerance: number): Root {
  const d = covariance.rows;
  const { values, vectors } = symmetricEigen(covariance);
  let first = 0;
  while (first < d && !(values[first] > tolerance * values[d - 1])) first++;
  const axes = vectors.rowRange(first, d);
  // With scaled = Λ^¼A, V^½ = scaled'scaled.
  const scaled = axes.data.slice();
  for (let k = 0, at = 0; k < axes.rows; k++) {
    const length = values[first + k] ** 0.25;
    for (let j = 0; j < d; j++, at++) scaled[at] *= length;
  }
  const half = Matrix.zeros(d, d);
  if (axes.rows > 0) blas().syrk(d, axes.rows, 1, scaled, d, 0, half.data, d);
  return { rank: axes.rows, half: symmetrise(half), axes: first === 0 ? null : axes };
}

const largestOf =
  (d: number): Largest =>
  (values, from) => {
    let one = 0;
    let two = 0;
    let at = from;
    for (const end = from + d - (d % 2); at < end; at += 2) {
      one = Math.max(one, Math.abs(values[at]));
      two = Math.max(two, Math.abs(values[at + 1]));
    }
    return at < from + d ? Math.max(one, two, Math.abs(values[at])) : Math.max(one, two);
  };

/**
 * The largest form of LU for directions U = AZ/‖AZ‖, with Z drawn along the estimates: LU = V^½Z/‖AZ‖ is the same for all axes,
 * whose signs (and, of equal eigenvalues, whose choice) rounding decides. ‖AZ‖ = ‖Z‖ where the axes are all there are.
 */
function largestReaches({ half, axes }: Root, largest: Largest, seed: number): Float64Array {
  const d = half.rows;
  const normalsFrom = normalRows(d, seed);
  const out = new Float64Array(DIRECTIONS);
  const ofAxes = axes && new Float64Array(BATCH * axes.rows);
  const drawn = drawnBuffer(BATCH * d);
  const width = axes?.rows ?? d;
  for (let from = 0; from < DIRECTIONS; from += BATCH) {
    const normals = normalsFrom(from);
    const along = ofAxes ?? normals;
    if (axes) blas().gemm(false, true, BATCH, width, d, 1, normals, d, axes.data, d, 0, along, width);
    blas().gemm(false, false, BATCH, d, d, 1, normals, d, half.data, d, 0, drawn, d);
    for (let i = 0; i < BATCH; i++) {
      out[from + i] = largest(drawn, i * d) / Math.sqrt(squareOf(along, i * width, width));
    }
  }
  return out;
}

/** The normal numbers of a batch of directions (BATCH×d), asked for one batch after the other. They are the first of one stream for every d. */
function normalRows(d: number, seed: number): (from: number) => Float64Array {
  const count = DIRECTIONS * d;
  const random = randomStream(seed, 1);
  const drawn = (room: Float64Array): Float64Array => {
    random.fillNormals(room);
    return room;
  };
  if (count > KEPT) return () => drawn(normalBuffer(BATCH * d));
  if (kept?.seed !== seed || kept.normals.length < count) kept = { seed, normals: drawn(new Float64Array(count)) };
  const { normals } = kept;
  return (from) => normals.subarray(from * d, (from + BATCH) * d);
}

/** Σ x² of a stretch; two sums at a time, so that neither waits for the other. */
function squareOf(x: Float64Array, from: number, count: number): number {
  let one = 0;
  let two = 0;
  let at = from;
  for (const end = from + count - (count % 2); at < end; at += 2) {
    one += x[at] * x[at];
    two += x[at + 1] * x[at + 1];
  }
  return at < from + count ? one + two + x[at] * x[at] : one + two;
}
