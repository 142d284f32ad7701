import type { Block } from "../data/dataset.js";
import type { Matrix } from "../linalg/matrix.js";

/**
 * A differentiable loss l_i(θ) of rows (x_i, y_i), seen through the sums over rows that influence needs (DESIGN, MATH 1).
 * Rows do not touch one another: every sum over blocks is the sum of the blocks' sums. θ is d, a block r rows of m features.
 */
export interface Model {
  /** d names, in parameter order. */
  readonly parameterNames: readonly string[];
  /** d: 1 where the l2 penalty applies. */
  readonly penalised: Uint8Array;
  /** r: l_i. */
  losses(theta: Float64Array, block: Block): Float64Array;
  /** d: Σ w_i ∇θ l_i. */
  gradient(theta: Float64Array, block: Block): Float64Array;
  /** r×m: ∇x l_i. */
  inputGradients(theta: Float64Array, block: Block): Matrix;
  /** d: Σ ω_i ∇θ(∇x l_i·φ_i), the directions φ (r×m) held fixed; Φ for ω = c·w. */
  mixedProduct(theta: Float64Array, block: Block, directions: Matrix, weights: Float64Array): Float64Array;
  /** d×k: Σ w_i ∇²θ l_i V for the columns of V (d×k). */
  hessianProduct(theta: Float64Array, block: Block, vectors: Matrix): Matrix;
  /** r×d: ∇θ l_i, row by row. */
  gradientRows?(theta: Float64Array, block: Block): Matrix;
  /** r×d: ∇θ(∇x l_i·φ_i), row by row. */
  mixedRows?(theta: Float64Array, block: Block, directions: Matrix): Matrix;
  /** r×d: ∇²θ l_i u, row by row. */
  hessianRows?(theta: Float64Array, block: Block, u: Float64Array): Matrix;
  /** r: φ_i'∇²x l_i φ_i. */
  inputCurvature?(theta: Float64Array, block: Block, directions: Matrix): Float64Array;
}
