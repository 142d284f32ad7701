import type { Block } from "../data/dataset.js";
import { usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import type { Work } from "../parallel/work.js";
import { definiteFactor } from "./definite-factor.js";
import { eachBlock, type RiskProblem } from "./model-risk.js";
import type { Preconditioner } from "./preconditioner.js";

/**
 * M = the diagonal blocks of Σ w ∇²θ l + diag(P), each factorised: what couples the blocks is left to conjugate gradients. Of a softmax
 * model the blocks are the classes, and no eigenvalue of M⁻¹H is above their number, however the features are scaled or correlated.
 * @throws usage: a model that does not give its blocks.
 */
export async function blockPreconditioner(
  problem: RiskProblem,
  theta: Float64Array,
  work: Work = {},
): Promise<Preconditioner> {
  const { model, ridge } = problem;
  if (!model.diagonalBlocks) throw usageError("This model does not give blocks of its Hessian: use no preconditioner.");
  const { data } = problem;
  const sums = model.diagonalBlocks(theta, noRows(data.features.length));
  const visit = (block: Block): void => {
    const parts = model.diagonalBlocks?.(theta, block) ?? [];
    sums.forEach(({ hessian }, b) => {
      addTo(hessian, parts[b].hessian);
    });
  };
  const shared = sums.map(({ hessian }) => hessian.data);
  await eachBlock(data, "preconditioner", work, visit, shared);
  const factors = sums.map(({ parameters, hessian }) => {
    parameters.forEach((j, i) => (hessian.data[i * (parameters.length + 1)] += ridge[j]));
    return { parameters, factor: definiteFactor(hessian) };
  });
  // What is the same in all blocks changes nothing but for the ridge: without one, no step goes there.
  const members = factors[0]?.parameters ?? new Int32Array(0);
  const groups = Array.from(members, (_, i) => factors.map(({ parameters }) => parameters[i]));
  const unpenalised = groups.filter((group) => group.every((j) => ridge[j] === 0));
  return {
    name: "blocks",
    products: 0,
    apply(residuals) {
      const out = Matrix.zeros(residuals.rows, residuals.columns);
      for (const { parameters, factor } of factors) {
        const part = Matrix.zeros(parameters.length, residuals.columns);
        parameters.forEach((j, i) => part.row(i).set(residuals.row(j)));
        const solved = factor.solve(part);
        parameters.forEach((j, i) => out.row(j).set(solved.row(i)));
      }
      for (const group of unpenalised) withoutMean(out, group);
      return out;
    },
  };
}

/** A process may hold no rows, and still adds its zeros. */
const noRows = (features: number): Block => ({
  x: Matrix.zeros(0, features),
  y: new Float64Array(0),
  w: new Float64Array(0),
  firstRow: 0,
});

/** Takes the mean of the rows listed from each of them. */
function withoutMean({ data, columns }: Matrix, rows: readonly number[]): void {
  for (let k = 0; k < columns; k++) {
    const mean = rows.reduce((sum, j) => sum + data[j * columns + k], 0) / rows.length;
    for (const j of rows) data[j * columns + k] -= mean;
  }
}

function addTo(out: Matrix, part: Matrix): void {
  for (let at = 0; at < out.data.length; at++) out.data[at] += part.data[at];
}
