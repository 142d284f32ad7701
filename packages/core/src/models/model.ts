import type { Block } from "../data/dataset.js";
import type { Matrix } from "../linalg/matrix.js";
import type { LayeredRows } from "./layered-rows.js";

/**
 * A differentiable loss l_i(θ) of rows (x_i, y_i), seen through the sums over rows that influence needs (MATH 1).
 * Rows do not touch one another: every sum over blocks is the sum of the blocks' sums. θ is d, a block r rows of m features.
 */
export interface Model {
  /** d names, in parameter order. */
  readonly parameterNames: readonly string[];
  /** d: 1 where the l2 penalty applies. */
  readonly penalised: Uint8Array;
  /** d: the feature that a parameter is a weight of, −1: of none. In other units of the feature it is that many times smaller. */
  readonly featureOf?: Int32Array;
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
  /** r: ∇θ l_i·u, the slope of every row's loss along u (d). */
  lossSlopes?(theta: Float64Array, block: Block, u: Float64Array): Float64Array;
  /** r×m: ∇x(∇θ l_i·u), how every row's input gradient moves with θ along u (d). */
  inputGradientSlopes?(theta: Float64Array, block: Block, u: Float64Array): Matrix;
  /** d×k: Σ w_i ∇²θ(∇x l_i·φ_i + ∇θ l_i·u) V, the directions φ (r×m) and u (d) held fixed: third derivatives of l. */
  tangentHessianProduct?(
    theta: Float64Array,
    block: Block,
    directions: Matrix,
    u: Float64Array,
    vectors: Matrix,
  ): Matrix;
  /** d×k: Σ w_i G_i Ψ_i G_i'V with G_i = ∇θ∇x l_i (d×m); `curve` gives the rows Ψ_i z_i for rows z_i (r×m). */
  mixedGramProduct?(theta: Float64Array, block: Block, curve: (moved: Matrix) => Matrix, vectors: Matrix): Matrix;
  /** d×k: Σ w_i J_i' (∂²l_i/∂f²) J_i V, J_i = ∂f_i/∂θ of the outputs f (K×d); never indefinite where l is convex in f. */
  gaussNewtonProduct?(theta: Float64Array, block: Block, vectors: Matrix): Matrix;
  /** As `hessianProduct`, for many products at one θ: what does not depend on V is computed once and kept. */
  keptHessian?(theta: Float64Array, block: Block): KeptCurvature;
  /** As `gaussNewtonProduct`, likewise. */
  keptGaussNewton?(theta: Float64Array, block: Block): KeptCurvature;
  /**
   * F with F'F = Σ w_i J_i' (∂²l_i/∂f²) J_i, layer by layer; null where the parameters are no weights and biases of linear layers, one use
   * each, or l is not convex in f.
   */
  gaussNewtonRows?(theta: Float64Array, block: Block): LayeredRows | null;
  /** What a preconditioner of Σ w_i ∇²θ l_i is made of where scores share their inputs, as those of the classes of a softmax model. */
  sharedCurvature?(theta: Float64Array, block: Block): SharedCurvature;
  /** The same curvature from far fewer numbers, where it varies with the scores: of a sample of rows. */
  scoreCurvature?(theta: Float64Array, block: Block): ScoreCurvature;
  /** d: Σ w_i |∇θ l_i|, entry by entry. */
  gradientSizes?(theta: Float64Array, block: Block): Float64Array;
  /**
   * As `mixedProduct` of every adversary, from the forward pass and the input gradients that they answer to: those of the block, or of a
   * stretch of its rows from `from` on, one stretch after the other.
   */
  mixedProducts?(
    theta: Float64Array,
    block: Block,
    answers: (gradients: Matrix, from: number) => readonly WeightedDirections[],
  ): Float64Array[];
  /** The few directions that all input gradients at θ combine; null where there are not far fewer than features. @param budgets b (m) */
  inputSpan?(theta: Float64Array, budgets: Float64Array): InputSpan | null;
  /** r: l_i, and r×m: ∇x l_i, in one pass. */
  lossesAndInputGradients?(
    theta: Float64Array,
    block: Block,
  ): { readonly losses: Float64Array; readonly gradients: Matrix };
  /** Σ w_i l_i and its gradient (d) in one pass. */
  riskAndGradient?(theta: Float64Array, block: Block): { readonly risk: number; readonly gradient: Float64Array };
  /** Rows whose sums are best taken at once where they lie in one piece; absent: a few. */
  readonly rowsAtOnce?: number;
  /** d: where a minimisation may start, the same for the same seed. */
  initialParameters?(seed: number): Float64Array;
  /** Where l compares one output f with the target: f_i as a loss of its own, so that ∇f and ∂∇f/∂θ can be had. */
  readonly output?: Model;
  /** Whether Σ w l is convex in θ, whatever the data. */
  readonly convex?: boolean;
}

/** φ (r×m) and ω (r) of `mixedProduct`: an adversary's answer to ∇x l (r×m, to be read before the answer is returned). */
export interface WeightedDirections {
  readonly directions: Matrix;
  readonly weights: Float64Array;
}

/**
 * A model at one θ through the span of all b ⊙ ∇x l_i: an adversary who moves x_i by b ⊙ φ with ‖φ‖₂ ≤ 1 neither sees nor leaves more
 * than it.
 */
export interface InputSpan {
  /** k: numbers along an orthonormal basis of the span. */
  readonly size: number;
  /** As those of the model; gradients b ⊙ ∇x l_i and answers φ_i are such numbers (r×k). */
  mixedProducts(
    block: Block,
    answers: (gradients: Matrix, from: number) => readonly WeightedDirections[],
  ): Float64Array[];
}

/**
 * A stand-in for Σ w_i A_i ⊗ v_iv_i', the Hessian of K scores linear in the same v_i: (Σ w A) ⊗ (Σ w tr(A) vv') / Σ w tr(A), exact where
 * A is the same in all rows. Sums over blocks add. The same change of all K parts changes no l_i.
 */
export interface SharedCurvature {
  /** K×K: Σ w_i A_i */
  readonly outer: Matrix;
  /** q×q, lower triangle: Σ w_i tr(A_i) v_iv_i' */
  readonly inner: Matrix;
  /** K times the q parameters of a part, ascending; every parameter belongs to one. */
  readonly parameters: readonly Int32Array[];
}

/**
 * Σ w_i A_i ⊗ v_iv_i' along few directions. A depends on the scores alone, so what no product of two factors shows of the sum lies along
 * those v that the scores look along: all of it where v has a normal distribution. Sums over blocks add.
 */
export interface ScoreCurvature {
  /** K×K: Σ w_i A_i */
  readonly outer: Matrix;
  /** q: Σ w_i tr(A_i) v_i² */
  readonly diagonal: Float64Array;
  /** r×q, orthonormal rows: E. They depend on θ alone. */
  readonly axes: Matrix;
  /** Kr×Kr, part by part: Σ w_i A_i ⊗ (Ev_i)(Ev_i)' */
  readonly own: Matrix;
}

/** Second derivatives at one θ on one block, whose x, y, w and θ must stay as they are while it is used. */
export interface KeptCurvature {
  /** About what is kept. */
  readonly bytes: number;
  /** d×k for V (d×k). */
  product(vectors: Matrix): Matrix;
  /** The same row by row, added to `images` (k×d), for V' (k×d): nothing of that size is made. */
  addProducts?(directions: Matrix, images: Matrix): void;
  /** What is kept of this block and of others at the same θ as one, whose products cost less; null where it cannot be joined with them. */
  joined?(others: readonly KeptCurvature[]): KeptCurvature | null;
  /** All of it, added to the lower triangle of `out` (d×d), where that takes less than d products. */
  addMatrix?(out: Matrix): void;
}

/** A model whose loss compares outputs with the target: l_i = l(f(x_i, θ), y_i). */
export interface Predictor {
  /** r×K: f of each row: scores, before a softmax or sigmoid. */
  outputs(theta: Float64Array, x: Matrix): Matrix;
}
