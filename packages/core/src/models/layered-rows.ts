/** The Gauss–Newton matrix of a network as products of its layers' inputs and slopes. */
import { between } from "../autodiff/graph.js";
import { constant, pullback, type Tensor } from "../autodiff/index.js";
import { affineParts } from "../autodiff/matmul.js";
import { Matrix } from "../linalg/matrix.js";

/** A layer z = hW' + b, seen by the rows of a block. */
export interface RowsOfLayer {
  /** Where W (o×i, row-major) and b (o; null: there is none) begin in θ. */
  readonly weight: number;
  readonly bias: number | null;
  /** r×i: h */
  readonly inputs: Matrix;
  /** rK×o: R_i'∂f_i/∂z, row i's K slopes one below the other. */
  readonly slopes: Matrix;
}

/**
 * F (rK×d) with F'F = Σ w_i J_i'(∂²l_i/∂f²)J_i of a block of r rows, J_i = ∂f_i/∂θ, without forming it: with R_iR_i' = w_i ∂²l_i/∂f²,
 * the part of a layer in row (i, k) is the outer product of its slopes (i, k) with the inputs (h_i, 1).
 */
export interface LayeredRows {
  /** r */
  readonly rows: number;
  /** K: rows of F for each row of the data. */
  readonly outputs: number;
  readonly layers: readonly RowsOfLayer[];
}

interface Use {
  readonly score: Tensor;
  readonly input: Tensor;
  readonly weight: number;
  readonly bias: number | null;
}

/**
 * @param theta the blocks of θ, and `starts` where each begins. @param f r×K, made of them. @param curvatures K tensors r×K: the
 * columns of w_i ∂²l_i/∂f².
 * @returns null where a parameter is no weight or bias of one layer alone, or l is not convex in f.
 */
export function layeredRows(
  theta: readonly Tensor[],
  starts: readonly number[],
  f: Tensor,
  curvatures: readonly Tensor[],
): LayeredRows | null {
  const uses = usesOf(theta, f);
  const roots = uses && rootsOf(curvatures, f.rows);
  if (!roots) return null;
  const { rows } = f;
  const outputs = roots.length;
  const layers = uses.map(({ score, input, weight, bias }) => {
    const slopes = Matrix.zeros(rows * outputs, score.columns);
    roots.forEach((root, k) => {
      const [part] = pullback(f, root, [score]);
      const { values } = part;
      for (let i = 0; i < rows; i++) {
        slopes.row(i * outputs + k).set(values.subarray(i * score.columns, (i + 1) * score.columns));
      }
    });
    return {
      weight: starts[weight],
      bias: bias === null ? null : starts[bias],
      inputs: new Matrix(input.values.slice(), rows, input.columns),
      slopes,
    };
  });
  return { rows, outputs, layers };
}

/** The layers that the blocks of θ make up; null where one of them is used otherwise, or more than once. */
function usesOf(theta: readonly Tensor[], f: Tensor): Use[] | null {
  const blocks = new Map(theta.map((tensor, b) => [tensor, b]));
  const used = new Set<Tensor>();
  const uses: Use[] = [];
  for (const score of between(theta, [f])) {
    const own = score.inputs.filter((input) => blocks.has(input));
    if (own.length === 0) continue;
    const parts = affineParts(score);
    if (!parts || blocks.has(parts.input)) return null;
    const weight = blocks.get(parts.weight);
    if (weight === undefined) return null;
    if (own.some((tensor) => used.size === used.add(tensor).size)) return null;
    const bias = parts.bias === null ? undefined : blocks.get(parts.bias);
    uses.push({ score, input: parts.input, weight, bias: bias ?? null });
  }
  return uses.length > 0 ? uses : null;
}

/** A pivot below this share of the largest entry of all rows is 0 but for rounding. */
const ROUNDING = 1e-13;
/** One below minus this share of the largest of its row, which may be a difference of nearly equal numbers, is negative. */
const NEGATIVE = 1e-6;

/** K tensors r×K: the columns of the Cholesky factors R_i of positive semidefinite matrices; null where one is not semidefinite. */
function rootsOf(curvatures: readonly Tensor[], rows: number): Tensor[] | null {
  const K = curvatures.length;
  const columns = curvatures.map(({ values }) => values);
  const roots = columns.map(() => new Float64Array(rows * K));
  const sizes = Float64Array.from({ length: rows }, (_, i) =>
    columns.reduce((most, column, k) => Math.max(most, Math.abs(column[i * K + k])), 0),
  );
  const nothing = ROUNDING * sizes.reduce((a, b) => Math.max(a, b), 0);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < K; k++) {
      const [root, row] = [roots[k], i * K];
      const left = (j: number): number => {
        let sum = columns[k][row + j];
        for (let m = 0; m < k; m++) sum -= roots[m][row + j] * roots[m][row + k];
        return sum;
      };
      const pivot = left(k);
      if (!(pivot >= -Math.max(NEGATIVE * sizes[i], nothing))) return null;
      if (pivot <= nothing) continue;
      root[row + k] = Math.sqrt(pivot);
      for (let j = k + 1; j < K; j++) root[row + j] = left(j) / root[row + k];
    }
  }
  return roots.map((root) => constant(root, rows, K));
}
