/** What an l1 penalty did to a fit. */
export interface SparseSection {
  /** λ of the penalty λ·(sum of |coefficients|). */
  readonly l1: number;
  /** The smallest λ at which every coefficient is 0. */
  readonly largestL1: number;
  /** Names of the parameters that are not 0, beside the intercept. */
  readonly selected: readonly string[];
  /** Whether no other coefficients have the same objective. */
  readonly unique: boolean;
  /** Duality gap relative to the objective: how far from the minimum it can be. */
  readonly relativeGap: number;
}

/** Where the set of non-zero coefficients first changes along θ̂ + εI. */
export interface NamedSupportChange {
  readonly epsilon: number;
  readonly parameter: string;
  readonly kind: "enters" | "leaves";
}

/** Several λ side by side, the largest first. */
export interface LassoPathSection {
  readonly largestL1: number;
  /** Index of the λ that the analysis is of: the smallest natural loss on the evaluation rows among those that select anything. */
  readonly chosen: number;
  /** The size at which costs are compared. */
  readonly epsilon: number;
  readonly points: readonly LassoPathPoint[];
}

/** What one λ selects, and what robustness costs there; losses in `model.unit`. */
export interface LassoPathPoint {
  readonly l1: number;
  readonly selected: readonly string[];
  readonly trainingLoss: number;
  /** On rows not trained on, features selected anew in every fold; null with `--evaluation training`. */
  readonly heldOutLoss: number | null;
  /** One for each norm. */
  readonly threats: readonly {
    readonly norm: string;
    /** S = ½I'H_LI on the training rows, per ε². */
    readonly curvature: number;
    readonly heldOut: { readonly slope: number; readonly curvature: number } | null;
    /** Natural loss given up at `epsilon`, on the evaluation rows. */
    readonly cost: number;
    readonly supportChange: NamedSupportChange | null;
  }[];
}
