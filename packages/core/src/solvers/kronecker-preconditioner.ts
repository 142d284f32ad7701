import type { Block } from "../data/dataset.js";
import { usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { product, productTransposed } from "../linalg/products.js";
import { symmetricEigen, symmetrise } from "../linalg/symmetric.js";
import type { SharedCurvature } from "../models/model.js";
import type { Work } from "../parallel/work.js";
import { definiteFactor } from "./definite-factor.js";
import { divided, inEigenvectors, isCurved, type Solve } from "./kronecker-solve.js";
import { eachBlock, type RiskProblem } from "./model-risk.js";
import type { DampedPreconditioner } from "./preconditioner.js";
import { type ScoreSample, type StandIn, scoreCorrection } from "./score-preconditioner.js";

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
 * x (d) less its mean over the parts, in place, in the places where that holds: the same change of all parts changes no l_i, so that a ridge
 * leaves none, nor has a solution of least norm one. What rounding leaves there grows as the ridge is small beside the features.
 * @param parts K times q parameters. @param holds for the K parameters of a place
 */
export function withoutCommon(
  x: Float64Array,
  parts: readonly Int32Array[],
  holds: (members: readonly number[]) => boolean = () => true,
): Float64Array {
  for (let place = 0; place < parts[0].length; place++) {
    const members = parts.map((part) => part[place]);
    if (!holds(members)) continue;
    const mean = meanOf(members.map((j) => x[j]));
    for (const j of members) x[j] -= mean;
  }
  return x;
}

/**
 * A preconditioner for H + λI from one Gram matrix over the rows: in the eigenvectors of C = Σ w A (K×K) the parts of M come apart, and c_kG + diag(P)
 * + λI is factorised for each eigenvalue c_k, G = Σ w tr(A) vv' / tr(C). Where A is the same in all rows, M is H.
 * @param sample makes it H along the axes of the scores too
 * @throws usage: a model that does not give its curvature in this form; numerical, cancelled.
 */
export async function kroneckerPreconditioner(
  problem: RiskProblem,
  theta: Float64Array,
  damping = 0,
  work: Work = {},
  sample: ScoreSample | null = null,
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
  const own = sharedRidge(ridge, parameters);
  const standIn: StandIn = {
    values,
    vectors,
    parameters,
    along: (axes) =>
      productTransposed(product(axes, symmetrise(new Matrix(inner.data.slice(), inner.rows, inner.rows))), axes),
  };
  const withDamping = (lambda: number): DampedPreconditioner => {
    const diagonal = own.map((value) => value + lambda);
    const correct = sample && scoreCorrection(standIn, sample, diagonal);
    const parts = Array.from(values, (value) =>
      isCurved(value, values) ? factored(inner, value, diagonal) : divided(diagonal),
    );
    return {
      name: "kronecker",
      products: 0,
      apply: (residuals) => {
        const out = inEigenvectors(vectors, parameters, residuals, parts);
        correct?.(residuals, out);
        return out;
      },
      withDamping,
    };
  };
  return withDamping(damping);
}

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

/** q: the ridge of a part's parameters, as the mean over the parts. */
export const sharedRidge = (ridge: Float64Array, parameters: readonly Int32Array[]): Float64Array =>
  Float64Array.from(parameters[0], (_, j) => meanOf(parameters.map((members) => ridge[members[j]])));

const meanOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

function addTo(out: Matrix, part: Matrix): void {
  for (let at = 0; at < out.data.length; at++) out.data[at] += part.data[at];
}
