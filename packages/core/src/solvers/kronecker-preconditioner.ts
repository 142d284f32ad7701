import type { Block } from "../data/dataset.js";
import { usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { symmetricEigen } from "../linalg/symmetric.js";
import type { SharedCurvature } from "../models/model.js";
import type { Work } from "../parallel/work.js";
import { definiteFactor } from "./definite-factor.js";
import { eachBlock, type RiskProblem } from "./model-risk.js";
import type { DampedPreconditioner } from "./preconditioner.js";

/** An eigenvalue of C below this share of the largest is 0 but for rounding. */
const NO_CURVATURE = 1e-13;

/**
 * What making it costs, in products with one vector: nq² multiplications for G, half of which a symmetric product saves, where a product
 * takes 2nKq of them.
 */
export const kroneckerCost = (parts: number, inputs: number): number => inputs / (4 * parts);

/** Numbers that it holds. */
export const kroneckerNumbers = (parts: number, inputs: number): number => (parts + 2) * inputs * inputs;

/** What `sharedCurvature` says of no rows: a process may hold none, and still adds its zeros. */
export function sharedShape({ model, data }: RiskProblem, theta: Float64Array): SharedCurvature | null {
  const x = Matrix.zeros(0, data.features.length);
  return model.sharedCurvature?.(theta, { x, y: new Float64Array(0), w: new Float64Array(0), firstRow: 0 }) ?? null;
}

/**
 * A preconditioner for H + λI from one Gram matrix over the rows: in the eigenvectors of C = Σ w A (K×K) the parts of M come apart, and c_kG + diag(P)
 * + λI is factorised for each eigenvalue c_k, G = Σ w tr(A) vv' / tr(C). Where A is the same in all rows, M is H.
 * @throws usage: a model that does not give its curvature in this form; numerical, cancelled.
 */
export async function kroneckerPreconditioner(
  problem: RiskProblem,
  theta: Float64Array,
  damping = 0,
  work: Work = {},
): Promise<DampedPreconditioner> {
  const { model, data, ridge } = problem;
  const sums = sharedShape(problem, theta);
  if (!sums) throw usageError("This model does not give a stand-in for its Hessian: use no preconditioner.");
  const visit = (block: Block): void => {
    const part = model.sharedCurvature?.(theta, block);
    if (!part) return;
    addTo(sums.outer, part.outer);
    addTo(sums.inner, part.inner);
  };
  await eachBlock(data, "preconditioner", work, visit, [sums.outer.data, sums.inner.data]);
  const { outer, inner, parameters } = sums;
  const trace = outer.data.reduce((sum, value, at) => (at % (outer.columns + 1) === 0 ? sum + value : sum), 0);
  for (let at = 0; at < inner.data.length; at++) inner.data[at] /= trace || 1;
  const { values, vectors } = symmetricEigen(outer);
  const q = inner.rows;
  const own = Float64Array.from({ length: q }, (_, j) => meanOf(parameters.map((members) => ridge[members[j]])));
  const withDamping = (lambda: number): DampedPreconditioner => {
    const diagonal = own.map((value) => value + lambda);
    const largest = values[values.length - 1];
    const parts = Array.from(values, (value) =>
      value > NO_CURVATURE * largest ? factored(inner, value, diagonal) : divided(diagonal),
    );
    return {
      name: "kronecker",
      products: 0,
      apply: (residuals) => inEigenvectors(vectors, parameters, residuals, parts),
      withDamping,
    };
  };
  return withDamping(damping);
}

type Solve = (right: Matrix) => Matrix;

function factored(inner: Matrix, value: number, diagonal: Float64Array): Solve {
  const q = inner.rows;
  const matrix = new Matrix(
    inner.data.map((entry) => value * entry),
    q,
    q,
  );
  for (let j = 0; j < q; j++) matrix.data[j * (q + 1)] += diagonal[j];
  const factor = definiteFactor(matrix);
  return (right) => factor.solve(right);
}

/** Of the same change of all parts, which changes no l: without a ridge no step goes there. */
const divided =
  (diagonal: Float64Array): Solve =>
  (right) =>
    new Matrix(
      right.data.map((value, at) => {
        const own = diagonal[Math.floor(at / right.columns)];
        return own > 0 ? value / own : 0;
      }),
      right.rows,
      right.columns,
    );

/** Σ_k u_k ⊗ solve_k((u_k' ⊗ I) R) for the rows u_k of `vectors`. */
function inEigenvectors(
  vectors: Matrix,
  parameters: readonly Int32Array[],
  residuals: Matrix,
  parts: readonly Solve[],
): Matrix {
  const columns = residuals.columns;
  const q = parameters[0].length;
  const out = Matrix.zeros(residuals.rows, columns);
  parts.forEach((solve, k) => {
    const axis = vectors.row(k);
    const part = Matrix.zeros(q, columns);
    parameters.forEach((members, c) => {
      for (let j = 0; j < q; j++) {
        const from = members[j] * columns;
        for (let o = 0; o < columns; o++) part.data[j * columns + o] += axis[c] * residuals.data[from + o];
      }
    });
    const solved = solve(part);
    parameters.forEach((members, c) => {
      for (let j = 0; j < q; j++) {
        const to = members[j] * columns;
        for (let o = 0; o < columns; o++) out.data[to + o] += axis[c] * solved.data[j * columns + o];
      }
    });
  });
  return out;
}

const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

function addTo(out: Matrix, part: Matrix): void {
  for (let at = 0; at < out.data.length; at++) out.data[at] += part.data[at];
}
