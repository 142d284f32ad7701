import type { Block } from "../data/dataset.js";
import type { Matrix } from "../linalg/matrix.js";

/**
 * Input gradients of a block of r rows, g_i = slope_i · base_i. `base` has one row when all rows share it (a score that is
 * linear in x), else r rows; m columns. Nothing of size r×m is formed for linear scores.
 */
export interface InputGradients {
  readonly slope: Float64Array;
  readonly base: Matrix;
}

/** The adversary's first-order answer to a block: φ_i = sign_i · base_i (one shared row or r rows), gain_i = g_i·φ_i ≥ 0. */
export interface Response {
  readonly sign: Float64Array;
  readonly base: Matrix;
  readonly gain: Float64Array;
}

/** Who attacks, seen through what influence needs: the size of a row, and the direction that raises the loss fastest. */
export interface Threat {
  readonly settings: ThreatSettings;
  /** r: each row's share of the budget scale, ‖x_i ⊘ b‖_p over attacked features; all 1 where the radius is absolute. In `out`, where it is given. */
  rowScales(block: Block, out?: Float64Array): Float64Array;
  /** @param into where the answer may be written (default: arrays of its own); `gradients.base` will do for its directions. */
  respond(gradients: InputGradients, block: Block, into?: Response): Response;
  /** How the adversary shares its budget out among all rows, given what each gains by moving (n); absent: every row moves by all of it. */
  shares?(gains: Float64Array, weights: Float64Array): RowShares;
  /** The adversary of a single row behind one whose rows share a budget. */
  readonly rowwise?: Threat;
  /** How an adversary that moves no row, but changes the rows' weights, tilts them, given the losses (n). */
  tilt?(losses: Float64Array, weights: Float64Array): LossTilt;
}

/** How the weights of all rows change per unit of the radius: w_i(1 + ρa_i), so that Φ = c Σ w_i a_i ∇θ l_i. */
export interface LossTilt {
  /** n: a_i, Σ w a = 0. */
  readonly tilt: Float64Array;
  /** Σ w_i a_i l_i: the growth of the mean loss, 0 where all losses are the same. */
  readonly gain: number;
}

/** How far each row moves per unit of the radius. */
export interface RowShares {
  /** n: ω_i, so that Φ = c Σ w_i ω_i G_iφ_i. */
  readonly omega: Float64Array;
  /** Rows tied for the largest gain where one row takes everything; `omega` has the first. Empty without ties. */
  readonly tied: readonly number[];
}

/** Plain data that names a threat, as it stands in results. */
export interface ThreatSettings {
  readonly p: number;
  /** m, the factor by which feature k may move: δ_k counts as δ_k / budget_k; 0 = frozen. In the model's units. */
  readonly budgets: Float64Array;
  /** Per feature [lower, upper] in the model's units, or null where no feature is bounded. */
  readonly bounds: { readonly lower: Float64Array; readonly upper: Float64Array } | null;
  /** The Wasserstein order u < ∞ of rows that share one budget; absent: every row has the whole of it. */
  readonly order?: number;
  /** Which ball of weights a reweighting adversary chooses from; absent: it moves rows. With it p is not a number, and all budgets are 0. */
  readonly divergence?: DivergenceName;
}

/** Balls around the empirical distribution: Σ(w'_i−w_i)²/w_i ≤ ρ², or KL(w'‖w) ≤ ρ²/2 (MATH 13). */
export type DivergenceName = "chi2" | "kl";
