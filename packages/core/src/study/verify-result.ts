import type { ErrorNorm } from "../influence/certificate.js";
import type { CurvePoint, StudyResult, ThreatSection } from "./result.js";

/**
 * An analysis whose predictions stand beside the exact robust optima: what `aif verify --format json` prints. All of
 * aif.study/1, with `curve[].thisData.exact` filled in, and more in each point, threat and in the timings.
 */
export interface VerificationResult extends Omit<StudyResult, "schema" | "threats"> {
  readonly schema: "aif.verification/1";
  readonly threats: readonly VerifiedThreat[];
}

/** One adversary, prediction beside exact answer at every size. */
export interface VerifiedThreat extends Omit<ThreatSection, "curve"> {
  readonly curve: readonly VerifiedPoint[];
  /** null where no optimum was found, or nothing moves. */
  readonly errorBudget: ErrorBudget | null;
  readonly verification: VerificationVerdict;
}

/** One size of the attack: prediction, exact answer and their difference; losses in `model.unit`. */
export interface VerifiedPoint extends CurvePoint {
  /** θ_ε (d), the minimiser of the robust risk; null where `failure` says why there is none. */
  readonly robustParameters: readonly number[] | null;
  /** Natural loss at θ_ε on the training rows, without the ridge. */
  readonly robustNaturalLoss: number | null;
  /** `thisData.predicted` − `thisData.exact`. */
  readonly lossError: number | null;
  /** `thisData.predicted` / `thisData.exact`; null where the exact change is rounding. */
  readonly lossRatio: number | null;
  /** ‖θ_ε − (θ̂+εI)‖ in `errorNorm`, and the same relative to ‖εI‖. */
  readonly parameterError: number | null;
  readonly relativeParameterError: number | null;
  /** The norm of `errorBound` where there is one, else "hessian". */
  readonly errorNorm: ErrorNorm;
  /** How the optimum was found, and the evidence that it is one. */
  readonly optimum: OptimumEvidence | null;
  readonly failure: string | null;
  /** `prediction`: of I, which serves every ε of this norm; `exact`: of this ε alone, begun at θ̂. */
  readonly seconds: { readonly prediction: number; readonly exact: number };
}

/** How a robust optimum was found, and the evidence that it is one. */
export interface OptimumEvidence {
  /**
   * "active-set": Newton's method between the corners of R_ε, for scores linear in x; "newton": for scores quadratic in x;
   * "descent": L-BFGS, for linear scores within bounds. Inner maxima are exact in all of these.
   * "adversarial-training": from the same start, against worst cases found by projected gradients, for all other models.
   * "joint-search": of a kernel regression, against attacks on all rows at once found by gradient ascent; `residual` is the share
   * of ‖∇R_ε(θ̂)‖_{H⁻¹} that is left.
   */
  readonly method: "active-set" | "lasso" | "newton" | "descent" | "adversarial-training" | "joint-search";
  /** max_j |g_j| of the robust risk's (sub)gradient relative to the size of its terms. */
  readonly residual: number;
  readonly iterations: number;
  /** false: the best point found, not proven to be the optimum. */
  readonly converged: boolean;
  /** Every attacked feature is given up: the best model without them. */
  readonly collapsed: boolean;
}

/** Where the prediction's error comes from at one ε: shares of ‖εI‖_H, but for `sampling`. */
export interface ErrorBudget {
  readonly epsilon: number;
  /** ‖∇L(θ̂)‖_{H⁻¹}: how far the fit is from its minimum. */
  readonly fit: number;
  /** 0 where H is used as it is, else λ‖I‖/‖Φ‖: the part of the equation that λ takes. */
  readonly damping: number;
  /** ‖HI + Φ‖_{H⁻¹} */
  readonly solver: number;
  /** ‖θ_ε − (θ̂+εI)‖_H: what one straight step leaves out. */
  readonly linearisation: number;
  /** Standard error of S in the population over S on this table; null where there is no interval. */
  readonly sampling: number | null;
}

/** Up to which size the predicted cost was right, in words. */
export interface VerificationVerdict {
  /** The relative error of the cost that is asked for. */
  readonly tolerance: number;
  /** The largest ε up to which, at all sizes compared, the predicted cost is that close to the exact one. */
  readonly upTo: number | null;
  readonly text: string;
}
