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
  /** r: each row's share of the budget scale, ‖x_i ⊘ b‖_p over attacked features; all 1 where the radius is absolute. */
  rowScales(block: Block): Float64Array;
  respond(gradients: InputGradients, block: Block): Response;
  /** How the adversary shares its budget out among all rows, given what each gains by moving (n); absent: every row moves by all of it. */
  shares?(gains: Float64Array, weights: Float64Array): RowShares;
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
}
