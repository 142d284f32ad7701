import type { CentresName, PenaltyName } from "../models/kernel/kernel-ridge.js";
import type { AttackSurface } from "../models/kernel/sphere.js";

/** The options of kernel regressions, as resolved. */
export interface ResolvedKernel {
  /** null: this kernel has no width. */
  readonly gamma: number | null;
  /** Of poly; null for all others. */
  readonly degree: number | null;
  /** λ of `penalty`: "coefficients" λ‖θ‖², "rkhs" λθ'Kθ. */
  readonly ridge: number;
  readonly penalty: PenaltyName;
  /** Whether the centres of f move with the attacked training rows. */
  readonly centres: CentresName;
  /** "sphere": attacked training rows keep their length. */
  readonly surface: AttackSurface;
}

/** What a kernel regression is made of: f(x) = Σ_j θ_j K(x, x_j), one parameter a row and output. */
export interface KernelSection extends ResolvedKernel {
  readonly name: string;
  readonly formula: string;
  readonly outputs: number;
  /** Pairs of rows that are the same. */
  readonly repeatedPairs: number;
}
