import { Matrix } from "../linalg/matrix.js";
import { product, productTransposed, transposedProduct } from "../linalg/products.js";
import { symmetricEigen } from "../linalg/symmetric.js";
import type { ScoreCurvature } from "../models/model.js";
import type { Work } from "../parallel/work.js";
import { everyRow } from "./every-row.js";
import { divided, inEigenvectors, isCurved, parametersOf, partByPart } from "./kronecker-solve.js";
import { eachBlock, type RiskProblem } from "./model-risk.js";
import type { DampedPreconditioner } from "./preconditioner.js";

/** Rows that are looked at, spread evenly over the data. */
const MOST_ROWS = 2048;
/** A column counts with this share of the mean of all, where these rows do not show it. */
const SMALLEST_SHARE = 1e-3;
/** Eigenvalues of C below this share of the largest are left as they are. */
const FELT = 1e-6;
/** Of the stand-in, added to what is exact: it is never corrected by more than the inverse of this. */
const LEAST = 1e-3;
/** Eigenvalues below this share of the largest are 0 but for rounding. */
const NO_CURVATURE = 1e-12;

/** `ScoreCurvature` of a sample of rows, as of rows whose weights add up to 1. */
export type ScoreSample = ScoreCurvature;

/** Multiplications of an eigendecomposition and an inverse, over the cube of the order. */
const EIGEN_WORK = 25;
/** In products with one vector: what conjugate gradients save where the scores matter is several times as much. */
const WORTH = 2;

/** Whether what a `scorePreconditioner` takes is little beside products with all rows. @param parts K @param inputs q */
export function scoresAreWorth(rows: number, parts: number, inputs: number): boolean {
  const order = parts * Math.min(parts, inputs);
  const sampled = Math.min(rows, MOST_ROWS) * (parts * inputs + 0.5 * order * order);
  return sampled + EIGEN_WORK * order ** 3 <= WORTH * 2 * rows * parts * inputs;
}

/** Null where the model does not give it. */
export async function scoreSample(
  { model, data }: RiskProblem,
  theta: Float64Array,
  work: Work = {},
): Promise<ScoreSample | null> {
  const none = {
    x: Matrix.zeros(0, data.features.length),
    y: new Float64Array(0),
    w: new Float64Array(0),
    firstRow: 0,
  };
  const sums = model.scoreCurvature?.(theta, none);
  if (!sums) return null;
  const step = Math.max(1, Math.floor(data.rows / MOST_ROWS));
  const weight = new Float64Array(1);
  const all = [sums.outer.data, sums.diagonal, sums.own.data];
  await eachBlock(
    data,
    "preconditioner",
    work,
    (block) => {
      const chosen = everyRow(block, step);
      const part = model.scoreCurvature?.(theta, chosen);
      if (!part) return;
      for (const w of chosen.w) weight[0] += w;
      [part.outer.data, part.diagonal, part.own.data].forEach((numbers, k) => {
        for (let at = 0; at < numbers.length; at++) all[k][at] += numbers[at];
      });
    },
    [...all, weight],
    0,
    model.rowsAtOnce,
  );
  for (const numbers of all) for (let at = 0; at < numbers.length; at++) numbers[at] /= weight[0] || 1;
  return sums;
}

/** What stands in for Σ w A ⊗ vv': C ⊗ G, C = Σ_k values[k] u_k u_k' with the rows u_k of `vectors`. */
export interface StandIn {
  readonly values: Float64Array;
  readonly vectors: Matrix;
  readonly parameters: readonly Int32Array[];
  /** r×r: EGE' for the rows of E (r×q). */
  along(axes: Matrix): Matrix;
}

/** Adds to M⁻¹R (d×c) what it lacks. */
export type Correction = (residuals: Matrix, out: Matrix) => void;

/**
 * M⁻¹ + Z(H_Z⁻¹ − M_Z⁻¹)Z', Z = U ⊗ E': H itself along the axes of the scores, the stand-in M beside them, for the eigenvectors U of C
 * that are felt. H_Z and M_Z are Z'HZ and Z'MZ.
 * @param diagonal q: what M and H have on their diagonal beside the rows' share
 */
export function scoreCorrection(standIn: StandIn, sample: ScoreSample, diagonal: Float64Array): Correction {
  const { axes, own } = sample;
  const K = standIn.values.length;
  const r = axes.rows;
  const felt = [...standIn.values.keys()].filter((k) => standIn.values[k] > FELT * standIn.values[K - 1]);
  if (r === 0 || felt.length === 0) return () => {};
  const ridge = productTransposed(timesColumns(axes, diagonal), axes);
  const inner = standIn.along(axes);
  const size = felt.length * r;
  const directions = Matrix.fromRows(felt.map((k) => standIn.vectors.row(k)));
  const exact = inDirections(own, directions, r);
  const rough = Matrix.zeros(size, size);
  for (let k = 0; k < felt.length; k++) {
    for (let s = 0; s < r; s++) {
      for (let t = 0; t < r; t++) {
        const at = (k * r + s) * size + k * r + t;
        rough.data[at] = standIn.values[felt[k]] * inner.data[s * r + t] + ridge.data[s * r + t];
        exact.data[at] += ridge.data[s * r + t];
      }
    }
  }
  for (let at = 0; at < exact.data.length; at++) exact.data[at] += LEAST * rough.data[at];
  const change = inverse(exact);
  const without = inverse(rough);
  for (let at = 0; at < change.data.length; at++) change.data[at] -= without.data[at];
  return (residuals, out) => {
    const { columns } = residuals;
    const q = axes.columns;
    // (K·q)×c as it lies, part by part: E' and U' from either side.
    const parts = partByPart(standIn.parameters, residuals);
    const seen = Matrix.zeros(K, r * columns);
    for (let k = 0; k < K; k++) seen.row(k).set(product(axes, new Matrix(parts.row(k), q, columns)).data);
    const right = product(directions, seen);
    const moved = product(change, new Matrix(right.data, size, columns));
    const back = transposedProduct(directions, new Matrix(moved.data, felt.length, r * columns));
    for (let k = 0; k < K; k++) parts.row(k).set(transposedProduct(axes, new Matrix(back.row(k), r, columns)).data);
    const added = parametersOf(standIn.parameters, parts, columns);
    for (let at = 0; at < added.data.length; at++) out.data[at] += added.data[at];
  };
}

/** (U' ⊗ I) A (U ⊗ I) for A Kr×Kr, the columns of U as rows of `directions`. */
function inDirections(a: Matrix, directions: Matrix, r: number): Matrix {
  const oneSide = (of: Matrix): Matrix =>
    new Matrix(
      product(directions, new Matrix(of.data, directions.columns, r * of.columns)).data,
      directions.rows * r,
      of.columns,
    );
  return oneSide(oneSide(a).transposed());
}

/** Of a symmetric matrix; the pseudo-inverse of a singular one. */
function inverse(a: Matrix): Matrix {
  const { values, vectors } = symmetricEigen(a);
  const largest = values[values.length - 1];
  const divided = vectors.data.slice();
  values.forEach((value, k) => {
    const factor = value > NO_CURVATURE * largest ? 1 / value : 0;
    for (let j = 0, at = k * a.rows; j < a.rows; j++, at++) divided[at] *= factor;
  });
  return transposedProduct(vectors, new Matrix(divided, a.rows, a.columns));
}

function timesColumns(a: Matrix, factors: Float64Array): Matrix {
  return new Matrix(
    a.data.map((value, at) => value * factors[at % a.columns]),
    a.rows,
    a.columns,
  );
}

/**
 * A preconditioner for H + λI that costs far less than one product: from a sample of rows, C ⊗ diag(Σ w tr(A) v²) with H itself along
 * the axes of the scores.
 * @param own q: the ridge
 */
export function scorePreconditioner(
  sample: ScoreSample,
  parameters: readonly Int32Array[],
  own: Float64Array,
  damping = 0,
): DampedPreconditioner {
  const { values, vectors } = symmetricEigen(sample.outer);
  const trace = values.reduce((sum, value) => sum + value, 0);
  const mean = sample.diagonal.reduce((sum, value) => sum + value, 0) / sample.diagonal.length;
  const inner = sample.diagonal.map((value) => Math.max(value, SMALLEST_SHARE * mean) / (trace || 1));
  const standIn: StandIn = {
    values,
    vectors,
    parameters,
    along: (axes) => productTransposed(timesColumns(axes, inner), axes),
  };
  const withDamping = (lambda: number): DampedPreconditioner => {
    const diagonal = own.map((value) => value + lambda);
    const correct = scoreCorrection(standIn, sample, diagonal);
    const parts = Array.from(values, (value) =>
      divided(isCurved(value, values) ? diagonal.map((beside, j) => value * inner[j] + beside) : diagonal),
    );
    return {
      name: "kronecker",
      products: 0,
      apply: (residuals) => {
        const out = inEigenvectors(vectors, parameters, residuals, parts);
        correct(residuals, out);
        return out;
      },
      withDamping,
    };
  };
  return withDamping(damping);
}
