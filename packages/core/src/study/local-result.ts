import type { DampedSensitivity } from "../influence/local/damping-curve.js";

/** The options of models without a closed form, as resolved. */
export interface ResolvedLocal {
  readonly activation: string | null;
  /** How θ̃ was found: "newton", "lbfgs", "adam", or "import" where it was left as the file has it. */
  readonly training: string;
  readonly import: string | null;
  readonly polish: boolean;
  readonly curvature: "hessian" | "gauss-newton";
  readonly damping: number;
  readonly solver: string;
  readonly memoryBytes: number | null;
  readonly allowUnconverged: boolean;
  readonly restarts: number;
  readonly force: boolean;
  readonly columns: readonly string[] | null;
  readonly classes: readonly string[] | null;
  readonly scaler: string | null;
  readonly inputScale: number | null;
  /** On how many rows losses under attack were asked for; null: as many as fit the time. */
  readonly attackRows: number | "all" | null;
}

/** I = −(H+λI)⁻¹Φ at θ̃, and what tells whether that is an influence: the derivative of a minimum. */
export interface LocalResponse {
  /** "influence": θ̃ is a minimum and nothing is damped; "damped": else. */
  readonly kind: "influence" | "damped";
  readonly curvature: "hessian" | "gauss-newton";
  readonly damping: number;
  /** max_j |∇L_j| relative to what its terms could add up to. */
  readonly gradientNorm: number;
  /** ½ ∇L'(H+λI)⁻¹∇L: by how much one step would lower L. */
  readonly newtonDecrement: number;
  /** ‖(H+λI)⁻¹∇L‖₂: how far one step would lead; and relative to εI at the verdict's size, both in the norm of H+λI. */
  readonly shift: number;
  readonly relativeShift: number | null;
  /** Of H without damping; null where it was not looked for. */
  readonly smallestEigenvalue: number | null;
  readonly proposedDamping: number | null;
  /** ½I'HI and ‖I‖ over λ; empty without λ, and where H was too large to be formed. */
  readonly dampingCurve: readonly DampedSensitivity[];
  /** The network trained from several seeds, by objective: the first is the one analysed; null without --restarts. */
  readonly restarts: readonly RestartedResponse[] | null;
}

/** One training of a network from a seed of its own, and what robustness would cost there. */
export interface RestartedResponse {
  readonly seed: number;
  /** Training loss and ridge, over all training rows. */
  readonly objective: number;
  readonly trainingLoss: number;
  /** Relative, as in `fit`: small at a minimum. */
  readonly gradientNorm: number;
  /** ½I'H_LI */
  readonly curvature: number;
  /** Predicted change of the loss on the evaluation rows, at the sizes of `curve`. */
  readonly costs: readonly number[];
}
