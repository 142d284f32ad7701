import { type DampedSensitivity, dampingCurve } from "../influence/local/damping-curve.js";
import type { LocalInfluence } from "../influence/local/influence.js";
import type { Work } from "../parallel/work.js";
import type { CurvatureName } from "./local-settings.js";

/** λ and which second derivatives, chosen by the user or here. */
export interface DampingChoice {
  readonly damping: number;
  readonly curvature: CurvatureName;
  /** Whether λ was chosen here. */
  readonly automatic: boolean;
}

/** Below this relative gradient θ̃ counts as a minimum. */
const STATIONARY = 1e-6;

export const isStationary = (gradientNorm: number): boolean => gradientNorm <= STATIONARY;

/** λ of the curve, relative to the one that was used. */
const FACTORS = [0.01, 0.1, 1, 10, 100];

/**
 * How the sensitivity depends on λ; nothing where there is none, or where each λ would take a solution of many products: H was not formed,
 * nor its Gauss–Newton part factorised.
 */
export const dampingCurveOf = (
  attack: LocalInfluence,
  work: Work,
): Promise<DampedSensitivity[]> | DampedSensitivity[] =>
  attack.damping === 0 || (attack.system.matrix === null && attack.system.choice.preconditioner !== "gauss-newton")
    ? []
    : dampingCurve(
        attack,
        FACTORS.map((factor) => Number((factor * attack.damping).toPrecision(12))),
        work,
      );
